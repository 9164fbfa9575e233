"""What is in the way of the hub's work, who must act, and what to do: ``hub doctor``."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from hub_core.engine import discovery
from hub_core.engine.store import budgets, connections, repairs, runs, workspaces
from hub_core.engine.store.connections import StoredConnection
from hub_core.engine.store.database import server_version
from hub_core.engine.store.mirror import mirror_state
from hub_core.errors import (
    ConnectorBug,
    DatabaseUnavailable,
    ExitCode,
    HubError,
    NotPossible,
    SetupInvalid,
    SignInNeeded,
    TryLater,
)
from hub_core.model.plan import RunState
from hub_core.rules.compatibility import Status
from hub_core.rules.drift import Drift
from hub_core.rules.editing import with_rows
from hub_core.services.fields import MAX_AGE, crm_fields, look_again
from hub_core.services.hub import Hub, OpenConnection
from hub_core.services.setup import KINDS, judge, load, save

log = logging.getLogger(__name__)

_DAY = 86_400.0
_NEARLY = 0.9  # of the API budget
YOU, ADMINISTRATOR, AUTHOR, NOBODY = "you", "the CRM's administrator", "the plugin's author", "nobody"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at. ``who`` must act, and ``fix`` says what to do: a command where there is one.
    ``exit_code``: what a command answers that meets this, for errors."""

    area: str
    status: Status
    text: str
    who: str = ""
    fix: str = ""
    exit_code: ExitCode = ExitCode.OK


@dataclass(frozen=True, slots=True)
class Checkup:
    """``drift``: what has changed about the CRM's fields and still concerns the mapping."""

    findings: tuple[Finding, ...]
    drift: tuple[Drift, ...] = ()

    @property
    def exit_code(self) -> ExitCode:
        """Of the gravest error: sign-in before set-up before the rest."""
        codes = {finding.exit_code for finding in self.findings if finding.status is Status.ERROR}
        order = (ExitCode.SIGN_IN_NEEDED, ExitCode.SETUP_INVALID, *ExitCode)
        return next((code for code in order if code in codes), ExitCode.OK)

    @property
    def mendable(self) -> tuple[Drift, ...]:
        """Drift that `mend` can put right."""
        return tuple(each for each in self.drift if each.mended is not None)


def finding_of(area: str, error: HubError) -> Finding:
    """An error as a finding: what passes by itself is a warning."""
    text, code = error.message, error.exit_code
    match error:
        case TryLater():
            return Finding(area, Status.WARNING, text, NOBODY, error.fix or "It passes; try again later.", code)
        case ConnectorBug():
            return Finding(area, Status.ERROR, text, AUTHOR, error.fix, code)
        case _:
            return Finding(area, Status.ERROR, text, YOU, error.fix, code)


def no_database(error: DatabaseUnavailable) -> Finding:
    """The one finding when the hub's own database does not answer."""
    return Finding("database", Status.ERROR, error.message, YOU, error.fix, error.exit_code)


async def examine(hub: Hub) -> Checkup:
    """Look at everything: the database, plugins, connections, API budgets, mirrors, runs, the mapping, and whether the
    CRM's fields have changed. Asks each vendor in use who we are, and the CRM for its fields."""
    async with hub.db.transaction() as conn:
        version = await server_version(conn)
        stored = await connections.list_connections(conn, hub.workspace_id)
    findings = [Finding("database", Status.OK, f"PostgreSQL {version} answers; its schema is the present one.")]
    findings += _plugins()
    drift: list[Drift] = []
    if not any(each.enabled and each.kind == "crm" for each in stored):
        fix = "hub connect KEY, then: hub enable KEY"
        text = "No CRM is enabled."
        findings.append(Finding("connections", Status.ERROR, text, YOU, fix, ExitCode.SETUP_INVALID))
    for each in stored:
        if each.enabled:
            found, changed = await _connection(hub, each)
            findings += found
            drift += changed
        else:
            findings.append(Finding("connections", Status.OK, f"{each.key} is connected, and not in use."))
    findings += await _runs(hub)
    return Checkup(tuple(findings), tuple(drift))


# --- plugins and connections ---------------------------------------------------------------------------------------


def _plugins() -> list[Finding]:
    installed = discovery.installed()
    broken = [
        Finding("plugins", Status.WARNING, f"{each.key} cannot be used: {each.why}", AUTHOR, each.fix)
        for each in installed
        if each.why
    ]
    return broken or [Finding("plugins", Status.OK, f"{len(installed)} installed.")]


async def _connection(hub: Hub, stored: StoredConnection) -> tuple[list[Finding], list[Drift]]:
    """One connection in use; of the CRM, also what depends on its answering."""
    try:
        async with hub.open(stored) as opened:
            account = await opened.connector.authenticate(opened.connection)
            if account.id != stored.account.id:
                raise SetupInvalid(
                    f"The credentials of {stored.key} are for another account now ({account.label}).",
                    fix=f"Give those of {stored.account.label}: hub connect {stored.key}",
                )
            findings = [Finding("connections", Status.OK, f"{stored.key} answers: {account.label or account.id}.")]
            findings += await _budgets(hub, stored, opened)
            if stored.kind != "crm":
                return findings, []
            crm_findings, drift = await _crm(hub, opened)
            return [*findings, *await _mirrors(hub, opened), *crm_findings], drift
    except SignInNeeded as error:
        fix = f"{error.fix} Then: hub connect {stored.key}".strip()
        return [Finding("connections", Status.ERROR, error.message, YOU, fix, error.exit_code)], []
    except HubError as error:
        return [finding_of("connections", error)], []


async def _budgets(hub: Hub, stored: StoredConnection, opened: OpenConnection) -> list[Finding]:
    """The part of the vendor's limits that the hub may use, and how much of it is used."""
    async with hub.db.transaction() as conn:
        known = await budgets.budgets_of(conn, f"{stored.key}:{stored.account.id}")
    findings: list[Finding] = []
    for bucket, (budget, now) in known.items():
        budget.roll(now)
        allowed, used = budget.allowed(opened.connector.manifest.share), sum(budget.used)
        text = f"{stored.key}, {bucket}: {used:,} of {allowed:,} requests in {budget.seconds:g} seconds are used."
        status, who, fix = Status.OK, "", ""
        if budget.blocked_until > now:
            status, who, fix = Status.WARNING, NOBODY, "Runs wait and go on by themselves."
            text = f"{stored.key}, {bucket}: wait {budget.blocked_until - now:.0f} seconds: {budget.blocked_why}"
        elif used >= _NEARLY * allowed:
            status, who, fix = Status.WARNING, NOBODY, "Runs slow down and go on by themselves."
        findings.append(Finding("API budget", status, text, who, fix))
    return findings


async def _mirrors(hub: Hub, opened: OpenConnection) -> list[Finding]:
    findings: list[Finding] = []
    for kind in KINDS:
        async with hub.db.transaction() as conn:
            state = await mirror_state(conn, opened.stored.id, kind)
        name, fix = f"The copy of the CRM's {kind.plural}", f"hub match {kind.plural} brings it up to date."
        if state.age is None and state.cursor is None:
            findings.append(Finding("mirror", Status.OK, f"{name} has not been needed yet."))
        elif state.age is None or not state.complete:
            findings.append(Finding("mirror", Status.OK, f"{name} holds what runs have asked for."))
        elif state.age > _DAY:
            text = f"{name} is {state.age / _DAY:.0f} days old; the next run reads what has changed since."
            findings.append(Finding("mirror", Status.WARNING, text, NOBODY, fix))
        else:
            findings.append(Finding("mirror", Status.OK, f"{name} is {state.age / 60:.0f} minutes old."))
    return findings


# --- runs ----------------------------------------------------------------------------------------------------------


async def _runs(hub: Hub) -> list[Finding]:
    async with hub.db.transaction() as conn:
        newest = await runs.list_runs(conn, hub.workspace_id)
    findings: list[Finding] = []
    for run in newest:
        fix = f"hub runs resume {run.id}, or: hub runs cancel {run.id}"
        if run.interrupted:
            text = f"Run {run.id} was interrupted; nothing is lost."
            findings.append(Finding("runs", Status.WARNING, text, YOU, fix))
        elif run.state is RunState.PAUSED:
            findings.append(Finding("runs", Status.WARNING, f"Run {run.id} is paused. {run.message}".strip(), YOU, fix))
    return findings or [Finding("runs", Status.OK, "None is stuck.")]


# --- mapping and drift ---------------------------------------------------------------------------------------------


async def _crm(hub: Hub, crm: OpenConnection) -> tuple[list[Finding], list[Drift]]:
    drift = [each for kind in KINDS for each in await look_again(hub, crm, kind)]
    findings = [_of_drift(each) for each in drift]
    if not drift:
        findings = [Finding("CRM fields", Status.OK, "Nothing that the mapping uses has changed.")]
    return [*await _mapping(hub, crm, drift), *findings], drift


def _of_drift(drift: Drift) -> Finding:
    paused = drift.row is not None and drift.status is Status.ERROR
    text = f"{drift.kind.plural}: {drift.text}" + (" Its row is paused, the others go on." if paused else "")
    who = YOU if drift.mended is not None else f"{YOU}, or {ADMINISTRATOR}"
    code = ExitCode.SETUP_INVALID if drift.status is Status.ERROR else ExitCode.OK
    return Finding("CRM fields", drift.status, text, who, drift.fix, code)


async def _mapping(hub: Hub, crm: OpenConnection, drift: Sequence[Drift]) -> list[Finding]:
    """The icons of the mapping step, but for what is told as drift."""
    version, setup = await load(hub, crm)
    judged = await judge(hub, crm, setup)
    told = {(each.kind, each.field) for each in drift}
    findings: list[Finding] = []
    for kind in KINDS:
        mapped = setup.fields.of(kind).rows
        if not any(row.active for row in mapped):
            text = f"{kind.plural}: no field is mapped yet."
            findings.append(Finding("mapping", Status.WARNING, text, YOU, "hub setup suggest --save"))
            continue
        rows = zip(mapped, judged.reports[kind].rows, strict=True)
        worst = [(row.crm, found) for row, found in rows if row.active and (kind, row.crm) not in told]
        unfilled = {repr(each.field) for each in drift if each.kind is kind and each.row is None}
        problems = judged.reports[kind].problems
        whole = [("", found) for found in problems if not any(name in found.fix for name in unfilled)]
        for name, found in (*worst, *whole):
            if found.status is not Status.OK:
                code = ExitCode.SETUP_INVALID if found.status is Status.ERROR else ExitCode.OK
                text = f"{kind.plural}: {name}: {found.reason}" if name else f"{kind.plural}: {found.reason}"
                findings.append(Finding("mapping", found.status, text, YOU, found.fix, code))
    return findings or [Finding("mapping", Status.OK, f"Version {version} of the set-up fits the CRM.")]


# --- acting --------------------------------------------------------------------------------------------------------


async def mend(hub: Hub, drift: Iterable[Drift]) -> int:
    """Replace rows by their mended ones, as a new version of the set-up; returns how many were replaced. A row that
    has been changed since the check-up stays. Raises as `services.setup.save`."""
    async with hub.crm() as crm:
        version, setup = await load(hub, crm)
        count = 0
        for each in drift:
            rows = setup.fields.of(each.kind).rows
            if each.mended is None or each.row not in rows:
                continue
            rows = tuple(each.mended if row == each.row else row for row in rows)
            setup = with_rows(setup, each.kind, rows)
            count += 1
        if count:
            await save(hub, crm, setup, version)
        return count


async def accept(hub: Hub) -> int:
    """Take the present fields of the CRM as they should be where only warnings stand open; returns how many did."""
    async with hub.db.transaction() as conn:
        stored = await workspaces.active_crm(conn, hub.workspace_id)
        if stored is None:
            raise NotPossible("No CRM is enabled.", fix="hub connect KEY, then: hub enable KEY")
        warnings = [item.id for item in await repairs.open_repairs(conn, stored.id) if item.status is Status.WARNING]
        return await repairs.close_repairs(conn, stored.id, warnings)


async def watch(hub: Hub, *, every: float = MAX_AGE) -> None:
    """Compare the fields of every workspace's CRM every so many seconds, for ever. Of several processes that do, one
    asks the CRM."""
    while True:
        try:
            async with hub.db.transaction() as conn:
                active = await workspaces.active_crms(conn)
            for stored in active:
                await _compare(hub, stored, 0.9 * every)  # or one that is a moment younger would wait for twice as long
        except DatabaseUnavailable as error:
            log.warning("the CRM's fields could not be compared: %s", error.message)
        await asyncio.sleep(every)


async def _compare(hub: Hub, stored: StoredConnection, max_age: float) -> None:
    own = Hub(hub.settings, hub.db, stored.workspace_id, stored.workspace, hub.vault)
    try:
        async with own.open(stored) as crm:
            for kind in KINDS:
                await crm_fields(own, crm, kind, max_age=max_age)
    except HubError as error:
        log.warning("the fields of %s could not be compared: %s", stored.key, error.message)
