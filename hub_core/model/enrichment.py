"""What `enrich` and `notify` are asked and answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from hub_core.model.records import HubValue, RecordKind


@dataclass(frozen=True, slots=True)
class Question:
    """What is known of one record and which hub fields are wanted. ``instruction`` is set for AI models only."""

    kind: RecordKind
    known: Mapping[str, HubValue]
    wanted: frozenset[str]
    instruction: str = ""


@dataclass(frozen=True, slots=True)
class Found:
    """Values by hub field id; ``confidence`` 0..1 if the vendor gives one; ``cost`` in the vendor's own units."""

    values: Mapping[str, HubValue]
    confidence: float | None = None
    cost: float = 0.0


@dataclass(frozen=True, slots=True)
class Message:
    """Something people should know: an event's name, a one-line title, plain text and an optional link."""

    event: str
    title: str
    text: str
    url: str = ""


@dataclass(frozen=True, slots=True)
class Delivered:
    """Where a message went; ``id`` is the vendor's id of it."""

    id: str
    url: str = ""
