"""The review queue: records that only a person can decide about. The answer is remembered for every later export."""

from __future__ import annotations

from dataclasses import dataclass

from hub_core.engine.store import candidates as known
from hub_core.engine.store import links, selection
from hub_core.engine.store.links import Review
from hub_core.errors import BadInput
from hub_core.model.records import CrmValue
from hub_core.services.hub import Hub
from hub_core.services.reporting import name_of

CHOICES = ("link", "create", "skip")


@dataclass(frozen=True, slots=True)
class Question:
    """A review with what helps to answer it: the hub record's name, and each candidate's values in the CRM."""

    review: Review
    name: str
    candidates: tuple[tuple[str, dict[str, CrmValue]], ...]


async def questions(hub: Hub, *, answered: bool = False, limit: int = 50) -> list[Question]:
    """The open questions of the active CRM, or the answered ones."""
    async with hub.crm() as crm, hub.db.transaction() as conn:
        found: list[Question] = []
        for review in await links.reviews(conn, crm.stored.id, answered=answered, limit=limit):
            records = await selection.records_by_id(conn, review.kind, [review.record_id])
            mirror = await known.mirrored(conn, crm.stored.id, review.kind, review.candidates)
            name = name_of(records[review.record_id].values) if review.record_id in records else ""
            shown = tuple((key, dict(mirror[key].values)) for key in review.candidates if key in mirror)
            found.append(Question(review, name, shown))
        return found


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
