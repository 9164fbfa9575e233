"""Plan items: what a run would do per record, and what became of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

import orjson

from hub_core.engine.store.database import Conn, Row, all_rows, execute, value
from hub_core.model.plan import Action, AssociationStep, Change, Decision, HubChange, ItemState
from hub_core.model.records import AssociationType, CrmValue, RecordKind


@dataclass(frozen=True, slots=True)
class Item:
    """One record of a plan. ``sent_at`` is when it was last handed to the vendor, None before."""

    run_id: int
    seq: int
    kind: RecordKind
    decision: Decision
    state: ItemState
    outcome: str
    error: str
    url: str
    sent_at: datetime | None


def _detail(decision: Decision) -> bytes:
    return orjson.dumps(
        {
            "changes": [(change.field, change.before, change.after) for change in decision.changes],
            "kept": [(change.field, change.before, change.after) for change in decision.kept],
            "owner": decision.owner,
            "associations": [
                (step.kind.value, step.record_id, step.type.value, step.before) for step in decision.associations
            ],
            "candidates": decision.candidates,
            "problems": decision.problems,
            "hub_changes": [(change.field, change.before, change.after) for change in decision.hub_changes],
            "tied": decision.tied,
        }
    )


def _changes(rows: Iterable[Sequence[CrmValue | None]]) -> tuple[Change, ...]:
    return tuple(Change(cast(str, field), before, after) for field, before, after in rows)


def _item(row: Row) -> Item:
    detail: dict[str, Any] = row["detail"]
    decision = Decision(
        record_id=row["record_id"],
        action=Action(row["action"]),
        reason=row["reason"],
        crm_id=row["crm_id"],
        changes=_changes(detail["changes"]),
        kept=_changes(detail["kept"]),
        owner=detail["owner"],
        associations=tuple(
            AssociationStep(RecordKind(kind), record_id, AssociationType(type_), tuple(before))
            for kind, record_id, type_, before in detail["associations"]
        ),
        candidates=tuple(detail["candidates"]),
        problems=tuple(detail["problems"]),
        hub_changes=tuple(HubChange(*change) for change in detail["hub_changes"]),
        tied=None if detail["tied"] is None else tuple(detail["tied"]),
    )
    return Item(
        row["run_id"],
        row["seq"],
        RecordKind(row["kind"]),
        decision,
        ItemState(row["state"]),
        row["outcome"],
        row["error"],
        row["url"],
        row["sent_at"],
    )


_COLUMNS = "run_id, seq, kind, record_id, action, reason, crm_id, detail, state, outcome, error, url, sent_at"


async def add_items(conn: Conn, run_id: int, kind: RecordKind, first_seq: int, decisions: Sequence[Decision]) -> None:
    """Store decisions as items ``first_seq``, ``first_seq`` + 1, ..."""
    async with conn.cursor().copy(
        "COPY plan_item (run_id, seq, kind, record_id, action, reason, crm_id, detail) FROM STDIN"
    ) as copy:
        for seq, decision in enumerate(decisions, first_seq):
            await copy.write_row(
                (
                    run_id,
                    seq,
                    kind.value,
                    decision.record_id,
                    decision.action.value,
                    decision.reason,
                    decision.crm_id,
                    _detail(decision).decode(),
                )
            )


async def next_seq(conn: Conn, run_id: int) -> int:
    """The number of the next item to be stored; numbers start at 1."""
    return await value(conn, "SELECT coalesce(max(seq), 0) + 1 FROM plan_item WHERE run_id = %s", [run_id])


async def counts_by_action(conn: Conn, run_id: int) -> dict[tuple[RecordKind, Action], int]:
    """How many records the plan creates, updates, ... by kind."""
    rows = await all_rows(
        conn, "SELECT kind, action, count(*) AS n FROM plan_item WHERE run_id = %s GROUP BY 1, 2", [run_id]
    )
    return {(RecordKind(row["kind"]), Action(row["action"])): row["n"] for row in rows}


async def count_tied(conn: Conn, run_id: int) -> dict[Action, int]:
    """How many creates and updates tie their record to another one."""
    rows = await all_rows(
        conn,
        "SELECT action, count(*) AS n FROM plan_item WHERE run_id = %s AND action IN ('create', 'update')"
        " AND jsonb_array_length(detail -> 'associations') > 0 GROUP BY 1",
        [run_id],
    )
    return {Action(row["action"]): row["n"] for row in rows}


async def count_kept(conn: Conn, run_id: int) -> dict[RecordKind, int]:
    """How many records have fields in which the CRM keeps a value that is not the hub's, by kind."""
    rows = await all_rows(
        conn,
        "SELECT kind, count(*) AS n FROM plan_item WHERE run_id = %s AND action IN ('update', 'link', 'unchanged')"
        " AND detail -> 'kept' <> '[]' GROUP BY 1",
        [run_id],
    )
    return {RecordKind(row["kind"]): row["n"] for row in rows}


async def count_overwriting(conn: Conn, run_id: int) -> int:
    """How many records lose a value on either side."""
    return await value(
        conn,
        "SELECT count(*) FROM plan_item i WHERE run_id = %s AND action IN ('update', 'pull') AND EXISTS ("
        "SELECT FROM jsonb_array_elements((detail -> 'changes') || (detail -> 'hub_changes')) c"
        " WHERE c ->> 1 IS NOT NULL)",
        [run_id],
    )


async def count_with_problems(conn: Conn, run_id: int) -> int:
    """How many records have a value that could not be written."""
    return await value(
        conn,
        "SELECT count(*) FROM plan_item WHERE run_id = %s AND jsonb_array_length(detail -> 'problems') > 0",
        [run_id],
    )


async def counts_by_outcome(conn: Conn, run_id: int) -> dict[str, int]:
    """How many items ended as created, updated, linked, ...; "open" for those that have not ended."""
    rows = await all_rows(
        conn,
        "SELECT CASE WHEN outcome = '' THEN 'open' ELSE outcome END AS outcome, count(*) AS n"
        " FROM plan_item WHERE run_id = %s GROUP BY 1",
        [run_id],
    )
    return {row["outcome"]: row["n"] for row in rows}


async def failures(conn: Conn, run_id: int, limit: int = 10) -> list[Row]:
    """The commonest reasons why records failed, or were written without all of their values, with how many."""
    return await all_rows(
        conn,
        "SELECT error, count(*) AS n, min(record_id) AS example FROM plan_item"
        " WHERE run_id = %s AND error <> '' AND outcome <> 'skipped' GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT %s",
        [run_id, limit],
    )


async def items(
    conn: Conn,
    run_id: int,
    *,
    after: int = 0,
    limit: int = 100,
    actions: Sequence[Action] = (),
    outcomes: Sequence[str] = (),
) -> list[Item]:
    """Items in order after number ``after``; of the given actions and outcomes only, when given."""
    rows = await all_rows(
        conn,
        f"SELECT {_COLUMNS} FROM plan_item WHERE run_id = %s AND seq > %s"
        " AND (cardinality(%s::text[]) = 0 OR action = ANY(%s)) AND (cardinality(%s::text[]) = 0 OR outcome = ANY(%s))"
        " ORDER BY seq LIMIT %s",
        [run_id, after, *[[action.value for action in actions]] * 2, *[list(outcomes)] * 2, limit],
    )
    return [_item(row) for row in rows]


async def items_sending(conn: Conn, run_id: int) -> list[Item]:
    """Items that were handed to the vendor and whose answer is not stored."""
    rows = await all_rows(
        conn, f"SELECT {_COLUMNS} FROM plan_item WHERE run_id = %s AND state = 'sending' ORDER BY seq", [run_id]
    )
    return [_item(row) for row in rows]


async def items_of(conn: Conn, run_id: int, kind: RecordKind, record_ids: Sequence[int]) -> list[Item]:
    """The items of these hub records."""
    sql = f"SELECT {_COLUMNS} FROM plan_item WHERE run_id = %s AND kind = %s AND record_id = ANY(%s)"
    return [_item(row) for row in await all_rows(conn, sql, [run_id, kind.value, list(record_ids)])]


async def next_batch(
    conn: Conn, run_id: int, size: int, actions: Sequence[Action], kind: RecordKind | None = None
) -> list[Item]:
    """The next planned items with one of ``actions``; of one ``kind``, when given.

    They are of one kind and one action, so that they fill the vendor's batches. Companies come before
    contacts, creates before updates.
    """
    rows = await all_rows(
        conn,
        f"""
        WITH first AS (
            SELECT kind, action FROM plan_item
            WHERE run_id = %(run)s AND state = 'planned' AND action = ANY(%(actions)s)
                AND (%(kind)s::text IS NULL OR kind = %(kind)s)
            ORDER BY kind, action LIMIT 1)
        SELECT {_COLUMNS} FROM plan_item
        WHERE run_id = %(run)s AND state = 'planned'
            AND kind = (SELECT kind FROM first) AND action = (SELECT action FROM first)
        ORDER BY seq LIMIT %(size)s
        """,
        {"run": run_id, "size": size, "actions": [action.value for action in actions], "kind": kind},
    )
    return [_item(row) for row in rows]


async def mark_sending(conn: Conn, run_id: int, seqs: Sequence[int]) -> None:
    """Store that these items are about to be handed to the vendor."""
    await execute(
        conn,
        "UPDATE plan_item SET state = 'sending', sent_at = now() WHERE run_id = %s AND seq = ANY(%s)",
        [run_id, list(seqs)],
    )


async def set_planned(conn: Conn, run_id: int, kind_decisions: Sequence[tuple[int, Decision]]) -> None:
    """Put items back to "planned" with a new decision, by number."""
    if not kind_decisions:
        return
    await execute(
        conn,
        """
        UPDATE plan_item SET state = 'planned', action = new.action, reason = new.reason, crm_id = new.crm_id,
            detail = new.detail::jsonb
        FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::text[], %s::text[])
            AS new (seq, action, reason, crm_id, detail)
        WHERE run_id = %s AND plan_item.seq = new.seq
        """,
        [
            [seq for seq, _ in kind_decisions],
            [decision.action.value for _, decision in kind_decisions],
            [decision.reason for _, decision in kind_decisions],
            [decision.crm_id for _, decision in kind_decisions],
            [_detail(decision).decode() for _, decision in kind_decisions],
            run_id,
        ],
    )


@dataclass(frozen=True, slots=True)
class Ended:
    """What became of one item. ``outcome``: created, updated, linked, unchanged, failed."""

    seq: int
    outcome: str
    crm_id: str | None = None
    error: str = ""
    url: str = ""


async def end_items(conn: Conn, run_id: int, ended: Sequence[Ended]) -> None:
    """Store outcomes, once each: an item that has ended keeps its first outcome."""
    if not ended:
        return
    await execute(
        conn,
        """
        UPDATE plan_item SET outcome = new.outcome, crm_id = coalesce(new.crm_id, plan_item.crm_id), error = new.error,
            url = new.url, ended_at = now(), state = CASE new.outcome WHEN 'failed' THEN 'failed' ELSE 'done' END
        FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::text[], %s::text[])
            AS new (seq, outcome, crm_id, error, url)
        WHERE run_id = %s AND plan_item.seq = new.seq AND plan_item.state IN ('planned', 'sending')
        """,
        [
            [end.seq for end in ended],
            [end.outcome for end in ended],
            [end.crm_id for end in ended],
            [end.error for end in ended],
            [end.url for end in ended],
            run_id,
        ],
    )


async def add_warning(conn: Conn, run_id: int, seq: int, warning: str) -> None:
    """Note what of an item that went through was not possible; its outcome stays."""
    await execute(conn, "UPDATE plan_item SET error = %s WHERE run_id = %s AND seq = %s", [warning, run_id, seq])


async def end_without_writing(conn: Conn, run_id: int) -> int:
    """End every item that writes nothing (unchanged, skip, review); returns how many."""
    return await execute(
        conn,
        """
        UPDATE plan_item SET state = CASE action WHEN 'unchanged' THEN 'done' ELSE 'skipped' END, ended_at = now(),
            outcome = CASE action WHEN 'skip' THEN 'skipped' ELSE action END
        WHERE run_id = %s AND state = 'planned' AND action IN ('unchanged', 'skip', 'review')
        """,
        [run_id],
    )


async def end_open(conn: Conn, run_id: int, why: str) -> None:
    """End every item that is still open as skipped (a cancelled run)."""
    await execute(
        conn,
        "UPDATE plan_item SET state = 'skipped', outcome = 'skipped', error = %s, ended_at = now()"
        " WHERE run_id = %s AND state = 'planned'",
        [why, run_id],
    )


async def reopen_failed(conn: Conn, run_id: int) -> int:
    """Plan failed items once more; returns how many."""
    return await execute(
        conn,
        "UPDATE plan_item SET state = 'planned', outcome = '', error = '', ended_at = NULL"
        " WHERE run_id = %s AND state = 'failed'",
        [run_id],
    )


async def written_with_associations(conn: Conn, run_id: int, after: int, limit: int) -> list[Item]:
    """Items that were written and whose ties are to be read back, in order."""
    rows = await all_rows(
        conn,
        f"SELECT {_COLUMNS} FROM plan_item WHERE run_id = %s AND seq > %s AND state = 'done'"
        " AND outcome IN ('created', 'updated') AND jsonb_array_length(detail -> 'associations') > 0"
        " ORDER BY seq LIMIT %s",
        [run_id, after, limit],
    )
    return [_item(row) for row in rows]
