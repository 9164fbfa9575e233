"""Counting requests so that no rolling window ever holds more than it may. Pure: time is an argument.

A window of ``seconds`` is cut into `SLOTS` slots. Requests are counted in the slot they are sent in, and the counts of
the newest ``SLOTS + 1`` slots together never exceed the budget. Any window of that length, wherever it starts, touches
``SLOTS + 1`` slots at most: so it holds no more than the budget, the first burst may use all of it, and no more than
one part in ``SLOTS + 1`` of the pace is lost.
"""

from __future__ import annotations

from dataclasses import dataclass, field

SLOTS = 20


@dataclass(slots=True)
class Budget:
    """One bucket of one vendor account. ``requests`` is the vendor's limit in ``seconds``; ``slot`` the number of the
    newest slot, ``used`` the requests in the newest ``SLOTS + 1`` slots, oldest first. ``blocked_until``: the vendor
    told us to wait until then. All times are seconds by the clock of whoever keeps the budget."""

    requests: int
    seconds: float
    slot: int = 0
    used: list[int] = field(default_factory=lambda: [0] * (SLOTS + 1))
    blocked_until: float = 0.0
    blocked_why: str = ""

    def allowed(self, share: float) -> int:
        """Requests per window that the hub may send."""
        return max(1, int(self.requests * share))

    def roll(self, now: float) -> None:
        """Forget the slots that have left the window."""
        slot = int(now * SLOTS / self.seconds)
        steps = slot - self.slot
        if steps > 0:
            self.used = [*self.used[steps:], *[0] * min(steps, SLOTS + 1)]
        elif steps < -SLOTS:  # the clock was set back: count what is there as sent now, rather than wait for it
            self.used = [0] * SLOTS + [sum(self.used)]
        else:
            return
        self.slot = slot

    def resize(self, requests: int, seconds: float, now: float) -> None:
        """Another limit; what was sent stays counted."""
        self.requests = requests
        if seconds != self.seconds:
            total = sum(self.used)
            self.seconds = seconds
            self.slot = int(now * SLOTS / seconds)
            self.used = [0] * SLOTS + [total]

    def take(self, wanted: int, share: float, now: float) -> tuple[int, float]:
        """(requests granted, seconds): up to ``wanted`` to be sent within those seconds; or none before they have
        passed."""
        self.roll(now)
        if self.blocked_until > now:
            return 0, self.blocked_until - now
        width = self.seconds / SLOTS
        free = self.allowed(share) - sum(self.used)
        if free > 0:
            granted = min(wanted, free)
            self.used[-1] += granted
            return granted, max(0.0, (self.slot + 1) * width - now)
        for place, used in enumerate(self.used):
            free += used
            if free > 0:
                return 0, max(0.0, (self.slot + place + 1) * width - now)
        raise AssertionError("an empty window has room")

    def give_back(self, count: int, slot: int) -> None:
        """``count`` requests granted in ``slot`` were not sent."""
        place = slot - self.slot + SLOTS
        if 0 <= place <= SLOTS:
            self.used[place] = max(0, self.used[place] - count)

    def others(self, remaining: int, share: float, now: float) -> int:
        """Count what other apps of the customer used beyond the part left to them, given the ``remaining`` requests
        that the vendor tells. Returns how many that was."""
        self.roll(now)
        more = self.requests - remaining - sum(self.used) - (self.requests - self.allowed(share))
        if more > 0:
            self.used[-1] += more
        return max(0, more)

    def block(self, seconds: float, why: str, now: float) -> None:
        """The vendor told us to wait; the longest such wait counts."""
        if now + seconds > self.blocked_until:
            self.blocked_until = now + seconds
            self.blocked_why = why
