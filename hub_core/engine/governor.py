"""The API budget: how fast one vendor account may be asked, by all processes of the hub together.

Each account and bucket has one row (table api_budget) that says what was sent lately. A process takes requests from it
in small blocks, so that most requests cost no round trip; what it did not send it gives back with the next block.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field

from hub_core.engine.answers import told_limit
from hub_core.engine.budget import Budget
from hub_core.engine.store.budgets import locked_budget
from hub_core.engine.store.database import Database
from hub_core.engine.waits import Clock, Waits
from hub_core.errors import RateLimited
from hub_core.manifest import Limit, LimitHeaders

PATIENCE = 60.0  # seconds; for longer waits the caller is told when to come back instead
_BLOCK = 10  # requests taken at once, at most ...
_BLOCK_PART = 10  # ... and at most this part of the window's budget


@dataclass(slots=True)
class _Bucket:
    """What this process holds of a bucket: ``spare`` requests of ``slot``, good until ``expires`` (monotonic)."""

    limit: Limit
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    declared: bool = False
    spare: int = 0
    slot: int = 0
    expires: float = 0.0
    block: int = 1
    known_used: int = 0


class Governor:
    """``limits`` and ``share`` as the manifest declares them; ``headers`` names the vendor's own account of them.

    A request in a bucket that has no limit counts as "default"; where that has none either, only blocks hold it up.
    Without ``db`` the budget is this object's alone.
    """

    def __init__(
        self,
        *,
        account: str,
        name: str,
        limits: Mapping[str, Limit],
        share: float,
        db: Database | None,
        headers: LimitHeaders | None = None,
        waits: Waits | None = None,
        clock: Clock | None = None,
    ) -> None:
        self._clock = clock or Clock()
        self._waits = waits or Waits(self._clock)
        self._account = account
        self._name = name
        self._share = share
        self._headers = headers
        self._db = db
        self._memory: dict[str, Budget] = {}
        self._buckets = {bucket: _Bucket(limit) for bucket, limit in limits.items()}
        self._unlimited = Budget(0, 1.0)

    def window(self, bucket: str) -> float:
        """The length of the bucket's window in seconds."""
        held = self._held(bucket)
        return held[1].limit.seconds if held else 1.0

    async def take(self, bucket: str) -> None:
        """Wait until one request of ``bucket`` may be sent. Raises `RateLimited` when that is more than `PATIENCE`
        seconds away."""
        held = self._held(bucket)
        if held is None:
            await self._wait(self._unlimited.blocked_until - self._clock.monotonic(), self._unlimited.blocked_why)
            return
        name, mine = held
        if self._spend(mine):
            return
        async with mine.lock:  # one task asks for all; the others queue up here
            while not self._spend(mine):
                wait, why = await self._fetch(name, mine)
                await self._wait(wait, why)

    def _held(self, bucket: str) -> tuple[str, _Bucket] | None:
        name = bucket if bucket in self._buckets else "default"
        mine = self._buckets.get(name)
        return None if mine is None else (name, mine)

    def _spend(self, mine: _Bucket) -> bool:
        if mine.spare and self._clock.monotonic() < mine.expires:
            mine.spare -= 1
            return True
        return False

    async def _fetch(self, name: str, mine: _Bucket) -> tuple[float, str]:
        """Take a block. Returns how long to wait before asking again (0 when there is something to spend), and why."""
        asked = self._clock.monotonic()
        # Grow while blocks are used up, shrink to what was used when one ran out of time.
        mine.block = min(_BLOCK, mine.block * 2) if not mine.spare else max(1, mine.block - mine.spare)
        async with self._budget(name, mine) as (budget, now):
            budget.roll(now)
            budget.give_back(mine.spare, mine.slot)
            mine.spare = 0
            block = min(mine.block, max(1, budget.allowed(self._share) // _BLOCK_PART))
            granted, seconds = budget.take(block, self._share, now)
            why = budget.blocked_why if budget.blocked_until > now else f"{self._name}: its limit of requests"
            mine.slot = budget.slot
            mine.known_used = sum(budget.used)
        if not granted:
            return seconds, why
        # The first one is sent at once, however slow the database was; the others only in their slot.
        mine.spare = granted
        mine.expires = max(asked + seconds, self._clock.monotonic() + 0.001)
        return 0.0, ""

    async def _wait(self, seconds: float, why: str) -> None:
        if seconds > PATIENCE:
            raise RateLimited(
                f"{why}: the next request may be sent in {seconds:.0f} seconds.",
                retry_after=seconds,
                fix="Nothing to do: a run goes on by itself when it may.",
            )
        if seconds > 0:
            await self._waits.sleep(seconds + 0.001, why)

    async def learn(self, bucket: str, headers: Mapping[str, str]) -> None:
        """Correct the limit by what the vendor's answer says, and count what the customer's other apps use."""
        held = self._held(bucket)
        if held is None:
            return
        name, mine = held
        told = told_limit(headers, self._headers)
        if told is None or told.seconds != mine.limit.seconds:  # or it speaks of another window than this bucket counts
            if not mine.declared:
                await self._declare(name, mine)
            return
        mine.declared = True
        corrected = told.maximum != mine.limit.requests
        left_to_others = told.maximum * (1.0 - self._share)
        crowded = told.maximum - told.remaining > mine.known_used + left_to_others + _BLOCK
        if not (corrected or crowded):
            return
        mine.limit = Limit(told.maximum, told.seconds)
        async with self._budget(name, mine) as (budget, now):
            budget.resize(told.maximum, told.seconds, now)
            budget.others(told.remaining, self._share, now)
            mine.known_used = sum(budget.used)

    async def block(self, bucket: str, seconds: float, why: str) -> None:
        """The vendor said to wait: no process sends a request of ``bucket`` for ``seconds``.

        A process that holds a block of requests sends the rest of it: 10 at most, within one slot.
        """
        held = self._held(bucket)
        if held is None:
            self._unlimited.block(seconds, why, self._clock.monotonic())
            return
        name, mine = held
        mine.expires = 0.0
        async with self._budget(name, mine) as (budget, now):
            budget.block(seconds, why, now)

    async def _declare(self, name: str, mine: _Bucket) -> None:
        """A newer plugin may declare another limit than the stored one. That one counts until the first answer, for it
        may be what the vendor told."""
        mine.declared = True
        async with self._budget(name, mine) as (budget, now):
            budget.resize(mine.limit.requests, mine.limit.seconds, now)

    def _budget(self, name: str, mine: _Bucket) -> AbstractAsyncContextManager[tuple[Budget, float]]:
        return self._open_memory(name, mine) if self._db is None else self._open_database(self._db, name, mine)

    @asynccontextmanager
    async def _open_memory(self, name: str, mine: _Bucket) -> AsyncGenerator[tuple[Budget, float], None]:
        budget = self._memory.setdefault(name, Budget(mine.limit.requests, mine.limit.seconds))
        yield budget, self._clock.monotonic()

    @asynccontextmanager
    async def _open_database(
        self, db: Database, name: str, mine: _Bucket
    ) -> AsyncGenerator[tuple[Budget, float], None]:
        limit = mine.limit
        async with locked_budget(db, self._account, name, Budget(limit.requests, limit.seconds)) as (budget, now):
            if not mine.declared and (self._headers is None or limit.seconds != budget.seconds):
                budget.resize(limit.requests, limit.seconds, now)
                mine.declared = True
            yield budget, now
