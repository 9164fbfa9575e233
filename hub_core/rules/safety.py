"""The first sync is careful: a few records first, and a stop when what it does looks like a wrong set-up."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Counts:
    """A sync so far, or as planned, in records.

    ``seen``: all that were decided on; of these ``create`` are to be created and ``overwrite`` are to lose a value, on
    either side. ``tried``: writes that were answered, ``failed`` of them refused.
    """

    seen: int
    create: int = 0
    overwrite: int = 0
    tried: int = 0
    failed: int = 0


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Shares from 0 to 1 that are still believed, and from how many records on they mean anything."""

    create: float = 0.5
    overwrite: float = 0.5
    failed: float = 0.2
    at_least: int = 20


@dataclass(frozen=True, slots=True)
class Stop:
    """Why the sync stops, and what to look at first."""

    reason: str
    fix: str


def check(counts: Counts, thresholds: Thresholds | None = None, *, crm_name: str = "the CRM") -> Stop | None:
    """Whether a first sync goes on (None). What has failed counts first, as it has happened already."""
    limits = thresholds or Thresholds()
    if _too_many(counts.failed, counts.tried, limits.failed, limits.at_least):
        return Stop(
            f"{crm_name[0].upper()}{crm_name[1:]} refused {_share(counts.failed, counts.tried)} of {counts.tried:,} "
            "writes: is the field mapping right?",
            "Look at the reasons of the failed records, correct the mapping, and sync again.",
        )
    if _too_many(counts.create, counts.seen, limits.create, limits.at_least):
        return Stop(
            f"{_share(counts.create, counts.seen)} of {counts.seen:,} records would be created: is the match rule "
            "right?",
            "Check the identifiers of step 1. If they are right, confirm that so many are to be created.",
        )
    if _too_many(counts.overwrite, counts.seen, limits.overwrite, limits.at_least):
        return Stop(
            f"{_share(counts.overwrite, counts.seen)} of {counts.seen:,} records would have values overwritten: is the "
            "direction of the mapping right?",
            "Check the modes of step 2. If they are right, confirm that so many are to be overwritten.",
        )
    return None


def _too_many(part: int, whole: int, limit: float, at_least: int) -> bool:
    return whole >= at_least and part > whole * limit


def _share(part: int, whole: int) -> str:
    return f"{100 * part // whole} %"


def canary_size(records: int, *, share: float = 0.01, at_least: int = 20, at_most: int = 100) -> int:
    """How many of the first sync's records are written before it waits to be told to go on; all of them if few."""
    return min(records, max(at_least, min(at_most, int(records * share))))
