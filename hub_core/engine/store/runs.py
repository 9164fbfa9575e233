"""Runs: their state, their progress, and the lease that lets one worker at a time write."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

from psycopg import errors
from psycopg.types.json import Jsonb
from pydantic import Field, TypeAdapter

from hub_core.engine.processes import is_dead, this_process
from hub_core.engine.store.database import Conn, Row, all_rows, execute, one_row, value
from hub_core.errors import LostLease, UnknownName
from hub_core.model.plan import RunOptions, RunState
from hub_core.model.records import RecordKind

#: How long a worker may be silent before another one may take its run over.
LEASE_SECONDS = 20
#: How long a run may lie between two workers before it counts as interrupted.
PICK_UP_SECONDS = 30


@dataclass(frozen=True, slots=True)
class Run:
    """One export, sync or undo: what was asked, how far it is. Times are UTC.

    ``leased``: a worker has it in hand. ``interrupted``: it should be worked on, and nobody does.
    """

    id: int
    workspace_id: int
    connection_id: int
    options: RunOptions
    state: RunState
    setup_version: int
    stage: str
    cursor: dict[str, Any]
    route: str
    estimate: int
    total: int
    planned: int
    applied: int
    failed: int
    api_calls: int
    plan_calls: int
    message: str
    exit_code: int
    wanted: str
    waiting_until: datetime | None
    waiting_for: str
    lease: int
    leased_until: datetime | None
    leased_by: str
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    leased: bool
    interrupted: bool

    @property
    def kind(self) -> RecordKind:
        return self.options.kind


_COLUMNS = f"""
    id, workspace_id, connection_id, options, state, setup_version, stage, cursor, route, estimate, total, planned,
    applied, failed, api_calls, plan_calls, message, exit_code, wanted, waiting_until, waiting_for, lease, leased_until,
    leased_by, created_at, started_at, ended_at, coalesce(leased_until > now(), false) AS leased,
    state IN ('planning', 'applying')
        AND coalesce(leased_until, created_at) < now() - interval '{PICK_UP_SECONDS} s'
        AND coalesce(waiting_until < now(), true) AS interrupted
"""


def _run(row: Row) -> Run:
    fields = dict(row)
    fields["options"] = _OPTIONS.validate_python(row["options"])
    fields["state"] = RunState(row["state"])
    if row["state"] in ("planning", "applying") and is_dead(row["leased_by"]):
        fields |= {"leased": False, "interrupted": True}
    return Run(**fields)


_OPTIONS: TypeAdapter[RunOptions] = TypeAdapter(Annotated[RunOptions, Field(discriminator="job")])


def options_to(options: RunOptions) -> dict[str, Any]:
    """As stored: plain JSON."""
    return _OPTIONS.dump_python(options, mode="json")


async def new_run(
    conn: Conn, workspace_id: int, connection_id: int, options: RunOptions, *, setup_version: int, stage: str
) -> int:
    """Store a run that is about to be planned; returns its id."""
    return await value(
        conn,
        "INSERT INTO run (workspace_id, connection_id, kind, state, options, setup_version, stage, leased_by, account)"
        " SELECT %s, %s, %s, 'planning', %s, %s, %s, %s, key || ':' || coalesce(account ->> 'id', '')"
        " FROM connection WHERE id = %s RETURNING id",
        [
            *(workspace_id, connection_id, options.kind.value, Jsonb(options_to(options)), setup_version, stage),
            this_process(),
            connection_id,
        ],
    )


async def get_run(conn: Conn, run_id: int, workspace_id: int | None = None) -> Run:
    """Raises `UnknownName` when the workspace has no such run."""
    row = await one_row(
        conn,
        f"SELECT {_COLUMNS} FROM run WHERE id = %(id)s AND (%(ws)s::bigint IS NULL OR workspace_id = %(ws)s)",
        {"id": run_id, "ws": workspace_id},
    )
    if row is None:
        raise UnknownName("run", str(run_id), [], fix="See 'hub runs list'.")
    return _run(row)


async def list_runs(conn: Conn, workspace_id: int, limit: int = 50) -> list[Run]:
    """The newest runs first."""
    rows = await all_rows(
        conn, f"SELECT {_COLUMNS} FROM run WHERE workspace_id = %s ORDER BY id DESC LIMIT %s", [workspace_id, limit]
    )
    return [_run(row) for row in rows]


async def take_lease(conn: Conn, run: Run) -> Run:
    """Make this process the one who carries the run on; whoever did before can commit no more.

    Raises `LostLease` when somebody has taken it since ``run`` was read.
    """
    taken = await execute(
        conn,
        "UPDATE run SET lease = lease + 1, leased_until = now() + make_interval(secs => %s), leased_by = %s,"
        " waiting_until = NULL, waiting_for = '' WHERE id = %s AND lease = %s",
        [LEASE_SECONDS, this_process(), run.id, run.lease],
    )
    if not taken:
        raise LostLease(f"Run {run.id} is carried on by another worker.")
    return await get_run(conn, run.id)


async def give_lease_back(conn: Conn, run: Run) -> None:
    """Let any worker take the run up now."""
    await execute(conn, "UPDATE run SET leased_until = now() WHERE id = %s AND lease = %s", [run.id, run.lease])


async def hold_lease(conn: Conn, run: Run) -> None:
    """First statement of every transaction that stores what a run did. Raises `LostLease`."""
    held = await execute(
        conn,
        "UPDATE run SET leased_until = now() + make_interval(secs => %s) WHERE id = %s AND lease = %s",
        [LEASE_SECONDS, run.id, run.lease],
    )
    if not held:
        raise LostLease(f"Run {run.id} is carried on by another worker.")


async def update_run(conn: Conn, run_id: int, **changes: Any) -> None:
    """Set columns of a run. `cursor` is given as a dict."""
    if "cursor" in changes:
        changes["cursor"] = Jsonb(changes["cursor"])
    columns = ", ".join(f"{name} = %({name})s" for name in changes)
    await execute(conn, f"UPDATE run SET {columns} WHERE id = %(run_id)s", {**changes, "run_id": run_id})


async def add_progress(conn: Conn, run_id: int, **counts: int) -> None:
    """Add to the counters of a run."""
    columns = ", ".join(f"{name} = {name} + %({name})s" for name in counts)
    await execute(conn, f"UPDATE run SET {columns} WHERE id = %(run_id)s", {**counts, "run_id": run_id})


async def begin_applying(conn: Conn, run_id: int) -> bool:
    """Move a run to "applying"; False when another run of the same CRM account is being applied."""
    try:
        async with conn.transaction():
            await execute(
                conn,
                "UPDATE run SET state = 'applying', message = '', wanted = '', waiting_until = NULL, waiting_for = '',"
                " plan_calls = CASE WHEN started_at IS NULL THEN api_calls ELSE plan_calls END,"
                " started_at = coalesce(started_at, now()), leased_until = now() WHERE id = %s",
                [run_id],
            )
    except errors.UniqueViolation:
        return False
    return True


async def applying_run(conn: Conn, run_id: int) -> Run | None:
    """The run that is being applied now for the vendor account of this one, if any."""
    row = await one_row(
        conn,
        f"SELECT {_COLUMNS} FROM run WHERE account = (SELECT account FROM run WHERE id = %s) AND state = 'applying'",
        [run_id],
    )
    return None if row is None else _run(row)


async def set_waiting(conn: Conn, run_id: int, until: datetime | None, why: str) -> None:
    """Show that the run waits, and for what; None ends the waiting."""
    await update_run(conn, run_id, waiting_until=until, waiting_for=why)
