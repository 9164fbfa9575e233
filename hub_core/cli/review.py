"""``hub review``: answer what only a person can decide."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hub_core.cli._output import Json, emit, run

if TYPE_CHECKING:
    from rich.console import RenderableType

    from hub_core.services.reviews import Question

app = typer.Typer()


class Choice(StrEnum):
    LINK = "link"
    CREATE = "create"
    SKIP = "skip"


@app.command("list")
def list_(
    answered: Annotated[bool, typer.Option("--answered", help="The answered ones instead of the open ones.")] = False,
    limit: Annotated[int, typer.Option(min=1, help="How many.")] = 50,
    as_json: Json = False,
) -> None:
    """List the records that wait for a decision, with their candidates in the CRM."""
    run(_with_hub(lambda hub: _list(hub, answered, limit, as_json)))


@app.command()
def resolve(
    number: Annotated[int, typer.Argument(metavar="N", help="The review's number; see: hub review list")],
    choice: Annotated[Choice, typer.Argument(help="link to a candidate, create a new record, or skip it.")],
    crm_id: Annotated[str | None, typer.Argument(metavar="[CRM_ID]", help="The candidate to link to.")] = None,
    as_json: Json = False,
) -> None:
    """Decide about one record. The answer is remembered; the next export acts on it."""
    run(_with_hub(lambda hub: _resolve(hub, number, choice.value, crm_id, as_json)))


async def _with_hub(work: Callable[[Any], Awaitable[Any]]) -> Any:
    from hub_core.engine.settings import read_settings
    from hub_core.services.hub import open_hub

    async with open_hub(read_settings()) as hub:
        return await work(hub)


async def _list(hub: Any, answered: bool, limit: int, as_json: bool) -> None:
    from hub_core.services import reviews

    found = await reviews.questions(hub, answered=answered, limit=limit)
    data = [
        {
            "id": each.review.id,
            "kind": each.review.kind.value,
            "record": each.review.record_id,
            "name": each.name,
            "reason": each.review.reason,
            "candidates": [
                {"crm_id": one.crm_id, "name": one.name, "url": one.url, "values": one.values}
                for one in each.candidates
            ],
            "answer": each.review.answer,
            "crm_id": each.review.crm_id,
        }
        for each in found
    ]
    total = len(found) if len(found) < limit else await reviews.count(hub, answered=answered)
    emit(data, as_json, lambda: _questions(found, total, answered))


def _questions(found: Sequence[Question], total: int, answered: bool) -> RenderableType:
    from rich.console import Group
    from rich.text import Text

    if not found:
        return Text("Nothing has been decided yet." if answered else "Nothing waits for a decision.")
    parts: list[RenderableType] = [_question(each) for each in found]
    if total > len(found):
        parts.append(Text(f"\nThe first {len(found)} of {total:,}; more with --limit N.", "dim"))
    if not answered:
        number = found[0].review.id
        parts.append(Text(f"\nDecide: hub review resolve {number} link CRM_ID, or create, or skip"))
    return Group(*parts)


def _question(asked: Question) -> RenderableType:
    """The record, what is asked, and each candidate with what tells it from the others."""
    from rich.console import Group
    from rich.padding import Padding
    from rich.text import Text

    review = asked.review
    head = Text.assemble((f"{review.id:>4}  ", "magenta"), (f"{review.kind.value} {asked.name}", "bold"))
    if review.answer:
        return Group(head, Padding(Text(f"{review.answer} {review.crm_id or ''}".rstrip()), (0, 0, 0, 6)))
    lines: list[RenderableType] = [head, Padding(Text(review.reason, "dim"), (0, 0, 0, 6))]
    for one in asked.candidates:
        differs = "; ".join(f"{label}: {value}" for label, value in one.differs[:3]) or "the same in every mapped field"
        line = Text.assemble((one.crm_id, "cyan"), f"  {one.name}  ", (differs, "dim"))
        lines.append(Padding(line, (0, 0, 0, 6)))
    return Group(*lines)


async def _resolve(hub: Any, number: int, choice: str, crm_id: str | None, as_json: bool) -> None:
    from hub_core.services import reviews

    review = await reviews.resolve(hub, number, choice, crm_id)
    said = f"Review {number}: {choice} {crm_id or ''}".rstrip()
    emit({"id": review.id, "answer": choice, "crm_id": crm_id}, as_json, lambda: f"{said}. The next export acts on it.")
