"""What a benchmark answers."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Measurement:
    """``what`` was measured ``against`` what, in ``unit`` (less is better). It reaches its target when ours is at most
    ``target`` times theirs."""

    what: str
    against: str
    ours: float
    theirs: float
    unit: str
    target: float

    @property
    def ratio(self) -> float:
        """Ours by theirs. Where theirs is nothing: nothing by nothing is 0."""
        if not self.theirs:
            return math.inf if self.ours else 0.0
        return self.ours / self.theirs

    @property
    def reached(self) -> bool:
        return self.ratio <= self.target
