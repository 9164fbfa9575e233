"""Table api_budget: what was sent to each vendor account, shared by all processes."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from hub_core.engine.budget import Budget
from hub_core.engine.store.database import Conn, Database, all_rows, execute, one_row

_DECLARE = """
INSERT INTO api_budget (account, bucket, requests, seconds, used) VALUES (%s, %s, %s, %s, %s) ON CONFLICT DO NOTHING
"""
_LOCK = """
SELECT requests, seconds, slot, used, blocked_until, blocked_why, extract(epoch FROM clock_timestamp())::float8 AS now
FROM api_budget WHERE account = %s AND bucket = %s FOR UPDATE
"""
_SAVE = """
UPDATE api_budget SET requests = %s, seconds = %s, slot = %s, used = %s, blocked_until = %s, blocked_why = %s
WHERE account = %s AND bucket = %s
"""


_READ = """
SELECT bucket, requests, seconds, slot, used, blocked_until, blocked_why,
       extract(epoch FROM clock_timestamp())::float8 AS now
FROM api_budget WHERE account = %s ORDER BY bucket
"""


async def budgets_of(conn: Conn, account: str) -> dict[str, tuple[Budget, float]]:
    """The budgets of an account by bucket, as they were last stored, with the present time by the database's clock."""
    rows = await all_rows(conn, _READ, [account])
    return {
        row.pop("bucket"): (Budget(**{name: row[name] for name in row if name != "now"}), row["now"]) for row in rows
    }


@asynccontextmanager
async def locked_budget(
    db: Database, account: str, bucket: str, fresh: Budget
) -> AsyncGenerator[tuple[Budget, float], None]:
    """The budget and the present time by the database's clock, nobody else's until the end; then it is stored.

    ``fresh`` is what a budget that nobody used yet looks like. Raises `DatabaseUnavailable`.
    """
    async with db.transaction() as conn:
        row = await one_row(conn, _LOCK, (account, bucket))
        if row is None:
            await execute(conn, _DECLARE, (account, bucket, fresh.requests, fresh.seconds, fresh.used))
            row = await one_row(conn, _LOCK, (account, bucket))
            assert row is not None
        now: float = row.pop("now")
        budget = Budget(**row)
        yield budget, now
        await execute(
            conn,
            _SAVE,
            (
                budget.requests,
                budget.seconds,
                budget.slot,
                budget.used,
                budget.blocked_until,
                budget.blocked_why,
                account,
                bucket,
            ),
        )
