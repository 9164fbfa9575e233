"""Jobs of workers that died: given back to the queue (tables of the job engine).

The engine's own way (list the stalled jobs, then put each back by its id) has a gap between the two in which another
worker may have taken the job up again; here it is one statement, and the job's row is locked.
"""

from __future__ import annotations

from hub_core.engine.processes import is_dead
from hub_core.engine.store.database import Conn, all_rows, execute

_LOCK = """
SELECT job.id, EXISTS (
    SELECT FROM procrastinate_jobs AS queued
    WHERE queued.status = 'todo' AND queued.queueing_lock = job.queueing_lock
) AS queued, run.leased_by,
coalesce(worker.last_heartbeat < now() - make_interval(secs => %s), true) AS silent
FROM procrastinate_jobs AS job
    LEFT JOIN procrastinate_workers AS worker ON worker.id = job.worker_id
    LEFT JOIN run ON run.id = (job.args ->> 'run_id')::bigint
WHERE job.status = 'doing'
FOR UPDATE OF job SKIP LOCKED
"""
_PUT_BACK = """
UPDATE procrastinate_jobs SET status = 'todo', attempts = attempts + 1, scheduled_at = now(), worker_id = NULL
WHERE id = ANY(%s)
"""
_DROP = "DELETE FROM procrastinate_jobs WHERE id = ANY(%s)"


async def put_back_stalled(conn: Conn, seconds: float) -> int:
    """Give back every running job whose worker is dead, or was not heard of for ``seconds``. Returns how many.

    One whose run is queued already is dropped: the dead worker had just queued the next chunk.
    """
    doing = await all_rows(conn, _LOCK, (seconds,))
    stalled = [row for row in doing if row["silent"] or is_dead(row["leased_by"] or "")]
    if not stalled:
        return 0
    await execute(conn, _DROP, ([row["id"] for row in stalled if row["queued"]],))
    await execute(conn, _PUT_BACK, ([row["id"] for row in stalled if not row["queued"]],))
    return len(stalled)
