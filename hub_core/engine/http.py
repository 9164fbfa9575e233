"""A vendor over HTTP: auth, time-outs, the API budget, waiting and retries in one place (`hub_core.connection.Http`).

Nothing here logs a header, a query or a body, and no message holds one.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections import Counter
from collections.abc import AsyncGenerator, Mapping
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any, NoReturn
from urllib.parse import quote, urlencode, urlsplit

import httpx
import orjson
import stamina
from pydantic import SecretStr

from hub_core.connection import Response, VendorRefused
from hub_core.engine.answers import Meaning, meaning, midnight_wait, no_more_today, retry_after, scopes_named
from hub_core.engine.governor import PATIENCE, Governor
from hub_core.engine.store.database import Database
from hub_core.engine.waits import Clock, OnWait, Waits
from hub_core.errors import ConnectorBug, CredentialsRejected, MissingScope, RateLimited, Unavailable
from hub_core.manifest import Auth, BearerToken, HeaderKey, Limit, LimitHeaders, NoAuth, Settings

_TIMEOUT = httpx.Timeout(connect=10.0, read=60.0, write=60.0, pool=60.0)
_POOL = httpx.Limits(max_connections=32, max_keepalive_connections=16, keepalive_expiry=30.0)
_ANSWER_TIME = 300.0  # seconds for a whole answer, however steadily it drips in
_ANSWER_SIZE = 64 * 1024 * 1024  # bytes, unpacked

_TRIES = 5  # of a request that fails at the vendor or on the way ...
_TRYING = 30.0  # ... within this many seconds
_WAIT_FLOOR = 0.2  # seconds; for vendors that say "Retry-After: 0" and do not mean it

# httpx writes each address with its query into the log, and a query may hold personal data; httpcore writes headers.
for _noisy in ("httpx", "httpcore"):
    logging.getLogger(_noisy).setLevel(logging.WARNING)
logging.getLogger("stamina").setLevel(logging.ERROR)  # a try that failed is shown as a wait

_REPEATABLE = frozenset({"GET", "HEAD", "OPTIONS", "PUT", "DELETE"})
_NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
_HEADERS = {"accept": "application/json", "user-agent": "hub"}


@dataclass(frozen=True, slots=True)
class _Call:
    method: str
    url: str
    body: bytes | None
    bucket: str
    repeatable: bool
    expect: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    headers: httpx.Headers
    body: bytes

    def data(self) -> Any:
        """The decoded body, None when there is none. Raises `orjson.JSONDecodeError`."""
        return orjson.loads(self.body) if self.body.strip() else None

    def data_if_any(self) -> Any:
        """The decoded body, None when it is not JSON."""
        try:
            return self.data()
        except orjson.JSONDecodeError:
            return None


class _Failed(Exception):
    """One try of a request failed; ``again``: it may be tried again, after ``wait`` seconds if the vendor says so."""

    def __init__(self, error: Unavailable, *, again: bool, wait: float | None = None) -> None:
        super().__init__(error.message)
        self.error = error
        self.again = again
        self.wait = wait


class VendorHttp:
    """`hub_core.connection.Http` for one vendor account.

    ``calls`` counts the requests sent, tries included; ``calls_by_bucket`` the same by bucket.
    """

    def __init__(
        self,
        client: httpx.AsyncClient,
        governor: Governor,
        waits: Waits,
        *,
        key: str,
        name: str,
        base_url: str,
        limit_headers: LimitHeaders | None,
        clock: Clock,
    ) -> None:
        self.calls = 0
        self.calls_by_bucket: Counter[str] = Counter()
        self._client = client
        self._governor = governor
        self._waits = waits
        self._key = key
        self._name = name
        self._base_url = base_url.rstrip("/")
        self._host = urlsplit(self._base_url)[:2]
        self._limit_headers = limit_headers
        self._clock = clock

    @property
    def on_wait(self) -> OnWait | None:
        """Called with (until, why) when a wait of more than half a second starts, with (None, "") when it ends."""
        return self._waits.listener

    @on_wait.setter
    def on_wait(self, listener: OnWait | None) -> None:
        self._waits.listener = listener

    async def request(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str | int] | None = None,
        json: object = None,
        bucket: str = "default",
        repeatable: bool | None = None,
        expect: tuple[int, ...] = (),
    ) -> Response:
        """See `hub_core.connection.Http.request`."""
        method = method.upper()
        call = _Call(
            method,
            self._url(path, params),
            None if json is None else orjson.dumps(json),
            bucket,
            method in _REPEATABLE if repeatable is None else repeatable,
            expect,
        )
        try:
            return await self._try(call)
        except _Failed as failure:
            first = failure
        return await self._try_again(call, first)

    def _url(self, path: str, params: Mapping[str, str | int] | None) -> str:
        """The whole URL. Raises `ConnectorBug` for another host: it would be sent this account's credentials."""
        if "://" in path.partition("?")[0]:
            url = path
            if urlsplit(url)[:2] != self._host:
                raise ConnectorBug(self._key, "http", "it asked for an address outside its own API.")
        else:
            url = f"{self._base_url}/{path.lstrip('/')}"
        if params:
            # Not httpx's ``params``: it writes a space as "+", which strict servers refuse, and drops the URL's query.
            url += ("&" if "?" in url else "?") + urlencode(params, quote_via=quote, safe="")
        return url

    async def _try_again(self, call: _Call, first: _Failed) -> Response:
        """The tries after a failed first one. (That one went without stamina, whose bookkeeping costs 0.1 ms.)"""
        tries = 0
        replayed: _Failed | None = first

        def pause(error: Exception) -> bool | float:
            nonlocal tries
            if not isinstance(error, _Failed) or not error.again:
                return False
            tries += 1
            seconds = max(error.wait or 0.0, 0.5 * 2 ** (tries - 1) * random.uniform(0.5, 1.5))  # noqa: S311
            if tries < _TRIES:
                telling.enter_context(self._waits.told(seconds, f"{self._name}: it did not answer"))
            return seconds

        try:
            with ExitStack() as telling:
                async for attempt in stamina.retry_context(on=pause, attempts=_TRIES, timeout=_TRYING):
                    with attempt:
                        telling.close()
                        if replayed:
                            failure, replayed = replayed, None
                            raise failure
                        return await self._try(call)
        except _Failed as failure:
            raise failure.error from failure.__cause__
        raise AssertionError("stamina ends with a result or an error")

    async def _try(self, call: _Call) -> Response:
        """Send until the vendor lets the request in, then judge its answer. Raises `_Failed` besides what `request`
        raises."""
        started = self._clock.monotonic()
        refusals = 0
        while True:
            await self._governor.take(call.bucket)
            self.calls += 1
            self.calls_by_bucket[call.bucket] += 1
            answer = await self._send(call)
            await self._governor.learn(call.bucket, answer.headers)
            if answer.status in call.expect:
                return Response(answer.status, answer.data_if_any(), answer.headers)
            what = meaning(answer.status)
            if what is Meaning.GOOD:
                return self._good(call, answer)
            if what is not Meaning.WAIT:
                self._raise(call, answer, what)
            refusals += 1
            await self._refused(call, answer, refusals, self._clock.monotonic() - started)

    async def _send(self, call: _Call) -> _Answer:
        headers = _HEADERS if call.body is None else {**_HEADERS, "content-type": "application/json"}
        request = self._client.build_request(call.method, call.url, content=call.body, headers=headers)
        try:
            async with asyncio.timeout(_ANSWER_TIME):
                response = await self._client.send(request, stream=True)
                try:
                    return _Answer(response.status_code, response.headers, await self._body(call, response))
                finally:
                    await response.aclose()
        except _NEVER_SENT as error:
            raise _Failed(Unavailable(f"{self._name} cannot be reached."), again=True) from error
        except httpx.LocalProtocolError:
            # Its text quotes the header, which is the credential.
            raise CredentialsRejected(
                f"The credentials for {self._name} hold a character that cannot be sent.", fix=self._sign_in
            ) from None
        except (httpx.TransportError, httpx.DecodingError, TimeoutError) as error:
            raise self._lost(call, f"{self._name} did not finish its answer.") from error

    async def _body(self, call: _Call, response: httpx.Response) -> bytes:
        parts: list[bytes] = []
        size = 0
        async for part in response.aiter_bytes():
            size += len(part)
            if size > _ANSWER_SIZE:
                raise self._lost(call, f"{self._name} sent an answer that is too large.", again=False)
            parts.append(part)
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def _good(self, call: _Call, answer: _Answer) -> Response:
        try:
            return Response(answer.status, answer.data(), answer.headers)
        except orjson.JSONDecodeError:
            # Its text quotes the body.
            raise self._lost(call, f"{self._name} sent an answer that is not JSON (is a proxy between?).") from None

    def _lost(self, call: _Call, message: str, *, again: bool = True, wait: float | None = None) -> _Failed:
        """A failure after the request was sent: only a repeatable one may be sent again."""
        error = Unavailable(message, retry_after=wait, in_doubt=not call.repeatable)
        return _Failed(error, again=again and call.repeatable, wait=wait)

    def _raise(self, call: _Call, answer: _Answer, what: Meaning) -> NoReturn:
        if what is Meaning.REJECTED:
            raise CredentialsRejected(f"{self._name} refused the token.", fix=self._sign_in)
        if what is Meaning.FORBIDDEN:
            scopes = scopes_named(answer.data_if_any())
            wanted = f" It asks for: {', '.join(scopes)}." if scopes else ""
            raise MissingScope(
                f"The token may not do this at {self._name}.{wanted}",
                scopes=scopes,
                fix=f"Give it these rights at {self._name}, then: hub connect {self._key}",
            )
        if what is Meaning.AGAIN:
            wait = retry_after(answer.headers, self._clock.now())
            message = f"{self._name} failed to answer (status {answer.status})."
            again = wait is None or wait <= _TRYING
            raise self._lost(call, message, again=again, wait=wait)
        raise VendorRefused(answer.status, answer.data_if_any())

    async def _refused(self, call: _Call, answer: _Answer, refusals: int, waited: float) -> None:
        """Block the bucket for all workers after a 429 and its kin. Raises `RateLimited` when that is for long."""
        now = self._clock.now()
        asked = retry_after(answer.headers, now)
        today = no_more_today(answer.headers, answer.data_if_any(), self._limit_headers)
        if today:
            wait = asked or midnight_wait(now)
        else:
            wait = max(
                self._governor.window(call.bucket) if asked is None else asked, _WAIT_FLOOR * 2 ** (refusals - 1)
            )
            wait *= random.uniform(1.0, 1.1)  # noqa: S311
        budget = "its daily limit of requests" if today else "its limit of requests"
        await self._governor.block(call.bucket, wait, f"{self._name}: {budget}")
        if today or waited + wait > PATIENCE:
            raise RateLimited(
                f"{self._name} has reached {budget}.",
                retry_after=wait,
                fix="Nothing to do: a run goes on by itself when it may.",
            )

    @property
    def _sign_in(self) -> str:
        return f"Sign in again: hub connect {self._key}"


def _auth_headers(auth: Auth, settings: Settings) -> dict[str, str]:
    if isinstance(auth, NoAuth):
        return {}
    setting = getattr(settings, auth.setting)
    secret: str = setting.get_secret_value() if isinstance(setting, SecretStr) else str(setting)
    secret = secret.strip()
    match auth:
        case BearerToken():
            return {"authorization": f"Bearer {secret}"}
        case HeaderKey():
            return {auth.header: secret}


def _client(headers: dict[str, str], transport: httpx.AsyncBaseTransport | None) -> httpx.AsyncClient:
    """The one place that makes an HTTP client, so that its transport can change."""
    return httpx.AsyncClient(
        headers=headers, timeout=_TIMEOUT, limits=_POOL, trust_env=False, follow_redirects=False, transport=transport
    )


@asynccontextmanager
async def open_http(
    *,
    key: str,
    base_url: str,
    auth: Auth,
    settings: Settings,
    limits: Mapping[str, Limit],
    share: float,
    account: str,
    db: Database | None,
    name: str = "",
    limit_headers: LimitHeaders | None = None,
    transport: httpx.AsyncBaseTransport | None = None,
    clock: Clock | None = None,
) -> AsyncGenerator[VendorHttp, None]:
    """The vendor ``key`` over HTTP, at ``base_url``, signed in by ``settings``.

    ``account`` names the vendor account whose API budget the requests are counted in: all processes on ``db``
    together, this one alone without. ``limits``, ``share``, ``limit_headers`` are the manifest's; people read ``name``.
    """
    clock = clock or Clock()
    name = name or key
    waits = Waits(clock)
    governor = Governor(
        account=account, name=name, limits=limits, share=share, headers=limit_headers, db=db, waits=waits, clock=clock
    )
    async with _client(_auth_headers(auth, settings), transport) as client:
        yield VendorHttp(
            client, governor, waits, key=key, name=name, base_url=base_url, limit_headers=limit_headers, clock=clock
        )
