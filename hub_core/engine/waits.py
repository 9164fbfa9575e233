"""Time, and telling people that we wait."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

OnWait = Callable[[datetime | None, str], None]

_WORTH_TELLING = 0.5  # seconds


def _utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Clock:
    """Where time comes from: the wall clock, a clock that only goes forward (seconds), and sleep (seconds)."""

    now: Callable[[], datetime] = _utc_now
    monotonic: Callable[[], float] = time.monotonic
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep


class Waits:
    """Tells one listener that the hub waits for a vendor: (until when, why), then (None, "") when nothing waits any
    more, however many tasks wait at once. Waits of half a second or less are not told."""

    def __init__(self, clock: Clock) -> None:
        self.listener: OnWait | None = None
        self._clock = clock
        self._waiting = 0

    @contextmanager
    def told(self, seconds: float, why: str) -> Generator[None, None, None]:
        """Around a wait of about ``seconds``."""
        if seconds <= _WORTH_TELLING:
            yield
            return
        self._waiting += 1
        if self.listener:
            self.listener(self._clock.now() + timedelta(seconds=seconds), why)
        try:
            yield
        finally:
            self._waiting -= 1
            if self.listener and not self._waiting:
                self.listener(None, "")

    async def sleep(self, seconds: float, why: str) -> None:
        """Wait, telling so."""
        with self.told(seconds, why):
            await self._clock.sleep(seconds)
