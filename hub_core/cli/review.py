"""``hub review``: answer what only a person can decide."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from enum import StrEnum
from typing import Annotated, Any

import typer

from hub_core.cli._output import Json, emit, run

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
    from rich.table import Table
    from rich.text import Text

    from hub_core.services import reviews

    found = await reviews.questions(hub, answered=answered, limit=limit)

    def table() -> object:
        if not found:
            return "Nothing waits for a decision." if not answered else "Nothing has been decided yet."
        rows = Table("N", "record", "why", "candidates", expand=True)
        for each in found:
            review = each.review
            lines = [
                f"{key}: " + ", ".join(str(value) for value in list(values.values())[:4])
                for key, values in each.candidates
            ]
            answer = f"{review.answer} {review.crm_id or ''}".strip()
            rows.add_row(
                str(review.id),
                Text(f"{review.kind.value} {each.name}"),
                Text(answer or review.reason),
                Text("\n".join(lines or review.candidates)),
            )
        return rows

    data = [
        {
            "id": each.review.id,
            "kind": each.review.kind.value,
            "record": each.review.record_id,
            "name": each.name,
            "reason": each.review.reason,
            "candidates": [{"crm_id": key, "values": values} for key, values in each.candidates],
            "answer": each.review.answer,
            "crm_id": each.review.crm_id,
        }
        for each in found
    ]
    emit(data, as_json, table)


async def _resolve(hub: Any, number: int, choice: str, crm_id: str | None, as_json: bool) -> None:
    from hub_core.services import reviews

    review = await reviews.resolve(hub, number, choice, crm_id)
    said = f"Review {number}: {choice} {crm_id or ''}".rstrip()
    emit({"id": review.id, "answer": choice, "crm_id": crm_id}, as_json, lambda: f"{said}. The next export acts on it.")
