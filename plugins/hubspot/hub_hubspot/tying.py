"""Reading and changing which contact belongs to which company.

HubSpot counts these calls apart from the others ("associations"). All of them may be repeated without harm.
https://developers.hubspot.com/docs/api-reference/crm-associations-v4/guide
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from hub_core.plugin import (
    Associate,
    Associated,
    AssociationType,
    Connection,
    Create,
    Outcome,
    RecordKind,
    Rejected,
    Update,
    VendorRefused,
    Written,
)
from hub_hubspot import wire

TIE_BATCH = 1_000


async def read_ties(
    connection: Connection, kind: RecordKind, other: RecordKind, ids: Sequence[str]
) -> dict[str, tuple[Associated, ...]]:
    """The ties of each record to records of ``other``; a record without any is left out."""
    _, primary = wire.TIE_TYPES[kind, other]
    found: dict[str, tuple[Associated, ...]] = {}
    async for row in _rows(connection, kind, other, ids):
        id_ = str(row["from"]["id"])
        found[id_] = (*found.get(id_, ()), *wire.ties(row, primary))
    return found


async def tie(
    connection: Connection, kind: RecordKind, writes: Sequence[Create | Update], outcomes: Sequence[Outcome]
) -> list[Outcome]:
    """Make and then take away the ties of all writes that were carried out; those of a create went with it already.

    A tie that fails is a warning where the record itself was written.
    """
    ids = {outcome.ref: outcome.crm_id for outcome in outcomes if isinstance(outcome, Written)}
    wanted = [
        (tie, _Step(write.ref, ids[write.ref], tie.crm_id), isinstance(write, Create))
        for write in writes
        if write.ref in ids
        for tie in write.associate
    ]
    failed: dict[str, str] = {}
    for other in dict.fromkeys(tie.kind for tie, _, _ in wanted):
        ours = [one for one in wanted if one[0].kind is other]
        new = [(tie, step) for tie, step, created in ours if not created]
        plain = [step for tie, step in new if _is_plain(tie)]
        labelled = [(tie, step) for tie, step in new if not _is_plain(tie)]
        failed |= await _send(connection, kind, other, "associate/default", plain)
        failed |= await _send(connection, kind, other, "create", await _labelled(connection, kind, labelled))
    parted = [
        (part, _Step(write.ref, ids[write.ref], part.crm_id, wire.primary_type(kind, part)))
        for write in writes
        if isinstance(write, Update) and write.ref in ids and write.ref not in failed
        for part in write.dissociate
    ]
    for other in dict.fromkeys(part.kind for part, _ in parted):
        ours = [(part, step) for part, step in parted if part.kind is other]
        apart = [replace(step, types=()) for part, step in ours if not part.only_primary]
        failed |= await _send(connection, kind, other, "archive", apart)
        demoted = [step for part, step in ours if part.only_primary]
        failed |= await _send(connection, kind, other, "labels/archive", demoted)
    if not failed:
        return list(outcomes)
    bare = {write.ref for write in writes if not wire.properties(write)}
    return [_told(outcome, failed.get(outcome.ref, ""), outcome.ref in bare) for outcome in outcomes]


@dataclass(frozen=True, slots=True)
class _Step:
    """One pair to be tied or parted, for the write ``ref``."""

    ref: str
    from_id: str
    other_id: str
    types: tuple[Mapping[str, Any], ...] = ()


def _is_plain(tie: Associate) -> bool:
    return tie.type is AssociationType.ADDITIONAL and not tie.labels


async def _labelled(connection: Connection, kind: RecordKind, wanted: Sequence[tuple[Associate, _Step]]) -> list[_Step]:
    """Setting a pair's types replaces the customer's own labels, so those it has are sent along."""
    if not wanted:
        return []
    labels: dict[tuple[str, str], list[dict[str, Any]]] = {}
    from_ids = list(dict.fromkeys(step.from_id for _, step in wanted))
    async for row in _rows(connection, kind, wanted[0][0].kind, from_ids):
        for to in row["to"]:
            labels[str(row["from"]["id"]), str(to["toObjectId"])] = wire.own_labels(to)
    return [
        replace(step, types=_types(kind, tie, labels.get((step.from_id, step.other_id), []))) for tie, step in wanted
    ]


def _types(kind: RecordKind, tie: Associate, present: Sequence[dict[str, Any]]) -> tuple[dict[str, Any], ...]:
    own = [*present, *(label for label in wire.label_types(tie.labels) if label not in present)]
    return (wire.tie_type(kind, tie), *own)


async def _rows(
    connection: Connection, kind: RecordKind, other: RecordKind, ids: Sequence[str]
) -> AsyncIterator[wire.Json]:
    """What the vendor answers about the ties of ``ids``; a record with many is answered in parts."""
    inputs: list[dict[str, str]] = [{"id": id_} for id_ in ids]
    while inputs:
        batch, inputs = inputs[:TIE_BATCH], inputs[TIE_BATCH:]
        # https://developers.hubspot.com/docs/api-reference/crm-associations-v4/batch/post-crm-v4-associations-fromObjectType-toObjectType-batch-read
        answer = await _post(connection, kind, other, "read", batch)
        for row in answer.get("results") or ():
            yield row
            following = (row.get("paging") or {}).get("next")
            if following:
                inputs.append({"id": str(row["from"]["id"]), "after": str(following["after"])})


async def _send(
    connection: Connection, kind: RecordKind, other: RecordKind, verb: str, steps: Sequence[_Step]
) -> dict[str, str]:
    """Carry the steps out; what failed, as ref -> reason."""
    failed: dict[str, str] = {}
    for start in range(0, len(steps), TIE_BATCH):
        failed |= await _send_batch(connection, kind, other, verb, steps[start : start + TIE_BATCH])
    return failed


async def _send_batch(
    connection: Connection, kind: RecordKind, other: RecordKind, verb: str, steps: Sequence[_Step]
) -> dict[str, str]:
    """One call. Where the answer does not say which pair is at fault, halves are tried until it is clear."""
    if not steps:
        return {}
    try:
        # https://developers.hubspot.com/docs/api-reference/crm-associations-v4/batch/post-crm-v4-associations-fromObjectType-toObjectType-batch-create
        answer = await _post(connection, kind, other, verb, [_input(verb, step) for step in steps])
        errors = answer.get("errors") or []
    except VendorRefused as refused:
        errors = [refused.data]
    if not errors:
        return {}
    if len(steps) == 1:
        return {steps[0].ref: wire.reason(errors[0])}
    guilty = [step for step in steps if any(wire.names_pair(error, step.from_id, step.other_id) for error in errors)]
    if guilty and len(guilty) < len(steps):
        rest = [step for step in steps if step not in guilty]
        said = {step.ref: wire.reason(errors[0]) for step in guilty}
        return {**said, **await _send_batch(connection, kind, other, verb, rest)}
    middle = len(steps) // 2
    return {
        **await _send_batch(connection, kind, other, verb, steps[:middle]),
        **await _send_batch(connection, kind, other, verb, steps[middle:]),
    }


def _input(verb: str, step: _Step) -> dict[str, Any]:
    from_, to = {"id": step.from_id}, {"id": step.other_id}
    if verb == "archive":
        return {"from": from_, "to": [to]}
    return {"from": from_, "to": to, "types": list(step.types)} if step.types else {"from": from_, "to": to}


async def _post(
    connection: Connection, kind: RecordKind, other: RecordKind, verb: str, inputs: Sequence[Mapping[str, Any]]
) -> Mapping[str, Any]:
    answer = await connection.http.request(
        "POST",
        wire.ties_path(kind, other, verb),
        json={"inputs": list(inputs)},
        bucket="associations",
        repeatable=True,
    )
    return answer.data or {}


def _told(outcome: Outcome, reason: str, bare: bool) -> Outcome:
    if not reason or not isinstance(outcome, Written):
        return outcome
    return Rejected(outcome.ref, reason) if bare else replace(outcome, warning=reason)
