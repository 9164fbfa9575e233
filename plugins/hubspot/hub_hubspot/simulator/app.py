"""The ASGI application: authentication, limits, strictness and faults around the operations."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import parse_qs, parse_qsl

import orjson

from hub_hubspot.simulator import admin, oauth, routing
from hub_hubspot.simulator.account import Account
from hub_hubspot.simulator.config import SimulatorConfig
from hub_hubspot.simulator.errors import ApiError, bad_request, not_found
from hub_hubspot.simulator.faults import Fault
from hub_hubspot.simulator.limits import Headers, too_many
from hub_hubspot.simulator.request import DATED, Answer, Request
from hub_hubspot.simulator.search import check_size

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
JSON = (b"content-type", b"application/json;charset=utf-8")
HTML = (b"content-type", b"text/html; charset=utf-8")
FORM = "application/x-www-form-urlencoded"
PAGE = b"<html><head><title>We'll be right back</title></head><body><h1>Bad gateway</h1></body></html>"


def create_app(config: SimulatorConfig | None = None) -> Simulator:
    """A new simulated account as an ASGI app."""
    return Simulator(config or SimulatorConfig())


class Simulator:
    """The app. `account` is the state, for tests which live in the same process."""

    def __init__(self, config: SimulatorConfig) -> None:
        self.account = Account(config)

    @property
    def sign_in(self) -> dict[str, str]:
        """Settings with which the plugin gets in."""
        return {"access_token": min(self.account.settings.access_tokens)}

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await _lifespan(receive, send)
        elif scope["type"] == "http":
            raw = await _read(receive)
            if scope["path"].startswith("/_simulator/"):
                await _send(send, self._guarded(lambda: self._admin(scope, raw)))
            else:
                await self._vendor(scope, raw, send)

    async def _vendor(self, scope: Message, raw: bytes, send: Send) -> None:
        account = self.account
        fault = account.faults.meet(scope["method"], scope["path"])
        answer = Answer(200)
        if fault is None or fault.commits:
            answer = self._guarded(lambda: self._perform(scope, raw))
        if fault is not None and fault.kind in ("status", "commit_then_status"):
            answer = self._broken(fault)
        self._count(answer.status if fault is None or fault.kind != "html" else fault.status)
        wait = account.settings.latency + (fault.delay if fault else 0.0)
        if wait:
            await asyncio.sleep(wait)
        if fault is None or fault.kind in ("slow", "status", "commit_then_status"):
            await _send(send, answer)
        elif fault.kind == "html":
            await _send_raw(send, fault.status, [HTML], PAGE, len(PAGE))
        else:
            await _cut(send, answer, half=fault.kind == "half_body")

    def _perform(self, scope: Message, raw: bytes) -> Answer:
        """The vendor's own answer to a request."""
        method, path = scope["method"], scope["path"]
        if path.startswith("/oauth/"):
            return self._oauth(scope, raw)
        account = self.account
        route, version, values = routing.find(method, path)
        account.calls[routing.template(route)] += 1
        account.totals["writes" if route.write else "reads"] += 1
        headers = _headers(scope)
        now = account.now()
        token = account.token(headers.get(b"authorization", b"").decode("latin-1"))
        token.spend(now)
        limits = account.limiter.admit(account.settings, token, route.bucket, now)
        try:
            routing.check_scope(account, route, values, token)
            query = parse_qs(scope["query_string"].decode("latin-1"), keep_blank_values=True)
            if unknown := sorted(query.keys() - route.query):
                raise bad_request(f"Unknown query parameters: {unknown}", unknown=unknown)
            if route.bucket == "search":
                check_size(raw)
            url = f"{scope.get('scheme', 'http')}://{headers.get(b'host', b'').decode('latin-1')}{path}"
            body = _json(raw, headers) if method in ("POST", "PATCH", "PUT") else None
            answer = route.handler(Request(account, version, token, values, query, body, url))
        except ApiError as refusal:
            answer = self._refusal(refusal)
        return answer._replace(headers=(*answer.headers, *limits)) if limits else answer

    def _oauth(self, scope: Message, raw: bytes) -> Answer:
        self.account.totals["writes"] += 1
        self.account.calls[f"{scope['method']} {scope['path']}"] += 1
        query = dict(parse_qsl(scope["query_string"].decode("latin-1")))
        parts = tuple(scope["path"].strip("/").split("/")[1:])
        if parts == ("authorize",) and scope["method"] == "GET":
            return oauth.authorize(self.account, query)
        endpoint = oauth.ENDPOINTS.get(parts[1:]) if parts[0] in DATED | {"v3"} else None
        if endpoint is None:
            raise not_found()
        if scope["method"] != "POST":
            raise ApiError(405, f"Method {scope['method']} is not allowed here.", "METHOD_NOT_ALLOWED")
        # Everything belongs into the body: the older version took query parameters.
        if query:
            raise bad_request(f"Unknown query parameters: {sorted(query)}")
        if not _headers(scope).get(b"content-type", b"").startswith(FORM.encode()):
            raise ApiError(415, f"The body must be {FORM}.", "UNSUPPORTED_MEDIA_TYPE")
        return endpoint(self.account, dict(parse_qsl(raw.decode("latin-1"))))

    def _admin(self, scope: Message, raw: bytes) -> Answer:
        query = dict(parse_qsl(scope["query_string"].decode("latin-1")))
        body = orjson.loads(raw) if raw else None
        return admin.handle(self.account, scope["method"], scope["path"], query, body)

    def _guarded(self, act: Callable[[], Answer]) -> Answer:
        try:
            return act()
        except ApiError as refusal:
            return self._refusal(refusal)

    def _refusal(self, refusal: ApiError) -> Answer:
        return Answer(refusal.status, refusal.body(self.account.correlation_id()))

    def _broken(self, fault: Fault) -> Answer:
        refusal = ApiError(fault.status, "There was a problem with the request.", "INTERNAL_ERROR")
        if fault.status == 429:
            refusal = too_many(fault.policy, fault.policy.lower())
        answer = self._refusal(refusal)
        if fault.retry_after is None:
            return answer
        return answer._replace(headers=((b"retry-after", fault.retry_after.encode("latin-1")),))

    def _count(self, status: int) -> None:
        totals = self.account.totals
        totals["total"] += 1
        totals["rate_limited"] += status == 429
        totals["errors"] += status >= 400


def _headers(scope: Message) -> dict[bytes, bytes]:
    return dict(scope["headers"])


def _json(raw: bytes, headers: dict[bytes, bytes]) -> Any:
    if not raw:
        return None
    if not headers.get(b"content-type", b"").startswith(b"application/json"):
        raise ApiError(415, "The body must be application/json.", "UNSUPPORTED_MEDIA_TYPE")
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise bad_request(f"Invalid input JSON on line 1: {error}") from error


async def _read(receive: Receive) -> bytes:
    message = await receive()
    raw = message.get("body", b"")
    if not message.get("more_body"):
        return raw
    parts = [raw]
    while message.get("more_body"):
        message = await receive()
        parts.append(message.get("body", b""))
    return b"".join(parts)


async def _send(send: Send, answer: Answer) -> None:
    if answer.body is None:
        await _send_raw(send, answer.status, list(answer.headers), b"", 0)
    else:
        content = orjson.dumps(answer.body)
        await _send_raw(send, answer.status, [JSON, *answer.headers], content, len(content))


async def _cut(send: Send, answer: Answer, *, half: bool) -> None:
    """Announce a body which never arrives in full. The server closes the connection when this returns."""
    content = orjson.dumps(answer.body)
    start = {"type": "http.response.start", "status": answer.status, "headers": _framed([JSON], len(content))}
    await send(start)
    if half:
        await send({"type": "http.response.body", "body": content[: len(content) // 2], "more_body": True})


async def _send_raw(send: Send, status: int, headers: Headers, content: bytes, length: int) -> None:
    await send({"type": "http.response.start", "status": status, "headers": _framed(headers, length)})
    await send({"type": "http.response.body", "body": content})


def _framed(headers: Headers, length: int) -> Headers:
    return [*headers, (b"content-length", b"%d" % length)]


async def _lifespan(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return
