"""The review queue: records that only a person can decide about. The answer is remembered for every later export."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from hub_core.engine.store import candidates as known
from hub_core.engine.store import links, selection, setups
from hub_core.engine.store.crm_fields import load_fields
from hub_core.engine.store.database import Conn
from hub_core.engine.store.links import Review
from hub_core.errors import BadInput
from hub_core.model.records import CrmValue, RecordKind
from hub_core.model.setup import CrmSetup
from hub_core.services.hub import Hub, OpenConnection
from hub_core.services.reporting import ANY_AGE, crm_record_name, name_of

CHOICES = ("link", "create", "skip")


@dataclass(frozen=True, slots=True)
class Option:
    """A candidate: the CRM record with its values, what people call it, its address, and (label, value) of the fields
    that tell it from the other candidates."""

    crm_id: str
    name: str
    url: str
    values: Mapping[str, CrmValue]
    differs: tuple[tuple[str, CrmValue], ...]


@dataclass(frozen=True, slots=True)
class Question:
    """A review with what helps to answer it: the hub record's name, and the candidates as far as they are known."""

    review: Review
    name: str
    candidates: tuple[Option, ...]


async def questions(hub: Hub, *, answered: bool = False, limit: int = 50) -> list[Question]:
    """The open questions of the active CRM, or the answered ones."""
    async with hub.crm() as crm, hub.db.transaction() as conn:
        _, setup = await setups.load_setup(conn, crm.stored.id)
        found: list[Question] = []
        for review in await links.reviews(conn, crm.stored.id, answered=answered, limit=limit):
            records = await selection.records_by_id(conn, review.kind, [review.record_id])
            mirror = await known.mirrored(conn, crm.stored.id, review.kind, review.candidates)
            name = name_of(records[review.record_id].values) if review.record_id in records else ""
            labels = await _labels(conn, crm, setup, review.kind)
            present = {key: mirror[key].values for key in review.candidates if key in mirror}
            varying = _varying(list(present.values()), labels)
            options = [
                Option(
                    crm_id,
                    crm_record_name(setup, review.kind, values),
                    _url(crm, review.kind, crm_id),
                    values,
                    tuple((labels[field], values.get(field, "(blank)")) for field in varying),
                )
                for crm_id, values in present.items()
            ]
            found.append(Question(review, name, tuple(options)))
        return found


async def count(hub: Hub, *, answered: bool = False) -> int:
    """How many questions of the active CRM are open, or answered."""
    async with hub.crm() as crm, hub.db.transaction() as conn:
        return await links.count_reviews(conn, crm.stored.id, answered=answered)


async def _labels(conn: Conn, crm: OpenConnection, setup: CrmSetup, kind: RecordKind) -> dict[str, str]:
    """The mapped CRM fields and what the CRM calls them."""
    fields = {field.id: field.label for field in await load_fields(conn, crm.stored.id, kind, max_age=ANY_AGE) or ()}
    return {row.crm: fields.get(row.crm, row.crm) for row in setup.fields.of(kind).rows if row.active}


def _varying(candidates: Sequence[Mapping[str, CrmValue]], fields: Iterable[str]) -> list[str]:
    return [field for field in fields if any(one.get(field) != candidates[0].get(field) for one in candidates[1:])]


def _url(crm: OpenConnection, kind: RecordKind, crm_id: str) -> str:
    template = crm.stored.account.record_url
    return template.format(kind=kind.value, id=crm_id) if template else ""


async def resolve(hub: Hub, review_id: int, choice: str, crm_id: str | None) -> Review:
    """Remember an answer: "link" to ``crm_id``, "create" a new CRM record, or "skip" it.

    Raises `BadInput` for another choice or a CRM record that is not a candidate, `UnknownName` for another number.
    """
    if choice not in CHOICES:
        raise BadInput(f"{choice!r} is not an answer.", fix="Answer link, create or skip.")
    if (choice == "link") != (crm_id is not None):
        raise BadInput("Name the CRM record exactly when the answer is link.", fix="hub review resolve N link CRM_ID")
    async with hub.crm() as crm, hub.db.transaction() as conn:
        review = await links.answer(conn, crm.stored.id, review_id, choice, crm_id)
        if crm_id is not None and review.candidates and crm_id not in review.candidates:
            raise BadInput(
                f"{crm_id} is not a candidate of review {review_id}.", fix=f"One of: {', '.join(review.candidates)}"
            )
        if choice == "create":  # its link, if any, leads to a CRM record that is gone
            await links.remove_links(conn, crm.stored.id, [review.record_id])
        return review
