"""The set-up of the active CRM: looked at, proposed, tried on records, and saved.

Everything that saves goes through `save`, which judges the document by the CRM's own fields and refuses red rows.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from hub_core.engine.store import record_values, records, setups
from hub_core.errors import BadInput, NotPossible, SetupInvalid, UnknownName
from hub_core.model.fields import FieldInfo, HubField
from hub_core.model.records import AssociationType, HubValue, RecordKind
from hub_core.model.setup import CrmSetup, Row, UserStep
from hub_core.rules.campaign_mapping import check_campaign, refuse_red_campaign
from hub_core.rules.checking import ObjectReport, RowCheck, check, check_values, refuse_red
from hub_core.rules.compatibility import RowStatus, Status
from hub_core.rules.editing import with_rows
from hub_core.rules.mapping import compile_mapping
from hub_core.rules.matching import MatchRule, compile_rule
from hub_core.rules.suggesting import suggest_mapping
from hub_core.services.fields import crm_fields, drifted, settle_repairs
from hub_core.services.hub import Hub, OpenConnection

KINDS = (RecordKind.CONTACT, RecordKind.COMPANY)
_PAGE = 5_000  # records


@dataclass(frozen=True, slots=True)
class Judged:
    """A set-up, and what there is to say about it with the fields that both sides have now.

    ``rules`` lacks a kind whose identifier cannot be used; the kind's report says why. ``paused``: CRM fields whose
    rows a change in the CRM has broken, by kind; they may be saved as they are. ``campaign``: the status of each row of
    step 3.
    """

    setup: CrmSetup
    hub_fields: Mapping[RecordKind, Mapping[str, HubField]]
    crm_fields: Mapping[RecordKind, Mapping[str, FieldInfo]]
    rules: Mapping[RecordKind, MatchRule]
    reports: Mapping[RecordKind, ObjectReport]
    paused: Mapping[RecordKind, frozenset[str]]
    campaign: tuple[RowStatus, ...]

    @property
    def red(self) -> int:
        """How many active rows and objects as a whole cannot work as they are."""
        return sum(
            problem.status is Status.ERROR
            for kind, report in self.reports.items()
            for problem in (*self.active_statuses(kind), *report.problems)
        ) + sum(
            row.active and judged.status is Status.ERROR
            for row, judged in zip(self.setup.campaign.rows, self.campaign, strict=True)
        )

    def active_statuses(self, kind: RecordKind) -> Iterator[RowStatus]:
        rows = zip(self.setup.fields.of(kind).rows, self.reports[kind].rows, strict=True)
        return (judged for row, judged in rows if row.active)


# --- looking -----------------------------------------------------------------------------------------------------


async def load(hub: Hub, crm: OpenConnection) -> tuple[int, CrmSetup]:
    """The saved set-up and its version; the defaults and 0 when nothing is saved."""
    async with hub.db.transaction() as conn:
        return await setups.load_setup(conn, crm.stored.id)


async def hub_fields(hub: Hub) -> dict[RecordKind, dict[str, HubField]]:
    """The hub's fields of contacts and companies, the workspace's own included."""
    async with hub.db.transaction() as conn:
        return {kind: await records.hub_fields(conn, hub.workspace_id, kind) for kind in KINDS}


async def judge(hub: Hub, crm: OpenConnection, setup: CrmSetup, *, fresh: bool = False) -> Judged:
    """Judge a set-up, saved or not. The CRM's fields are asked for anew when ``fresh``, or when a row names an unknown
    one. Raises what listing the fields raises."""
    own = await hub_fields(hub)
    known = {kind: await _fields(hub, crm, kind, _mapped(setup, kind), fresh=fresh) for kind in KINDS}
    rules: dict[RecordKind, MatchRule] = {}
    problems: dict[RecordKind, list[RowStatus]] = {
        kind: list(_association_problems(crm, setup, kind)) for kind in KINDS
    }
    for kind in KINDS:
        try:
            rules[kind] = compile_rule(setup.sync, kind, own[kind])
        except SetupInvalid as error:
            problems[kind].append(RowStatus(Status.ERROR, error.message, error.fix))
    reports: dict[RecordKind, ObjectReport] = {}
    for kind, other in (KINDS, KINDS[::-1]):
        identifying = rules[kind].identifying if kind in rules else frozenset[str]()
        report = check(setup, kind, own[kind], known[kind], identifying=identifying, other_fields=own[other])
        reports[kind] = replace(report, problems=(*report.problems, *problems[kind]))
    campaign = check_campaign(setup, known[RecordKind.CONTACT])
    return Judged(setup, own, known, rules, reports, await _paused(hub, crm, setup), campaign)


def _mapped(setup: CrmSetup, kind: RecordKind) -> set[str]:
    """The CRM fields that the set-up names."""
    campaign = setup.campaign.rows if kind is RecordKind.CONTACT else ()
    return {row.crm for row in (*setup.fields.of(kind).rows, *campaign)}


async def _paused(hub: Hub, crm: OpenConnection, setup: CrmSetup) -> dict[RecordKind, frozenset[str]]:
    """CRM fields whose rows are paused, as far as those rows are the saved ones."""
    async with hub.db.transaction() as conn:
        _, saved = await setups.load_setup(conn, crm.stored.id)
        broken = {kind: await drifted(conn, crm.stored.id, kind) for kind in KINDS}
    return {
        kind: broken[kind] & {row.crm for row in setup.fields.of(kind).rows if row in saved.fields.of(kind).rows}
        for kind in KINDS
    }


async def crm_field(hub: Hub, crm: OpenConnection, kind: RecordKind, name: str) -> FieldInfo:
    """One field of the CRM, also when it was made just now. Raises `UnknownName`."""
    known = await _fields(hub, crm, kind, {name})
    if name not in known:
        raise UnknownName(f"{crm.connector.manifest.name} field of {kind.plural}", name, known)
    return known[name]


async def _fields(
    hub: Hub, crm: OpenConnection, kind: RecordKind, named: set[str], *, fresh: bool = False
) -> dict[str, FieldInfo]:
    known = await crm_fields(hub, crm, kind, **({"max_age": 0.0} if fresh else {}))
    return known if fresh or named <= known.keys() else await crm_fields(hub, crm, kind, max_age=0.0)


def _association_problems(crm: OpenConnection, setup: CrmSetup, kind: RecordKind) -> Iterator[RowStatus]:
    """A type of association that the CRM does not know."""
    traits = crm.connector.manifest.crm
    wanted = setup.fields.of(kind).association
    if traits is not None and wanted not in traits.associations:
        able = [each.value for each in AssociationType if each in traits.associations]
        yield RowStatus(
            Status.WARNING,
            f"{crm.connector.manifest.name} cannot tie contacts to companies as {wanted.value!r}.",
            f"Choose one that it can: hub setup set fields.{kind.plural}.association={'|'.join(able)}",
        )


# --- saving ------------------------------------------------------------------------------------------------------


async def save(hub: Hub, crm: OpenConnection, setup: CrmSetup, expected: int) -> int:
    """Save as the version after ``expected`` and return its number. CRM users given by e-mail are stored by id.

    Raises `SetupInvalid` for active rows that cannot work and for identifiers that cannot be used, `UnknownName` for
    CRM users that are not there, `NotPossible` when somebody else has saved after version ``expected``.
    """
    version, before = await load(hub, crm)
    if version != expected:
        raise NotPossible(
            f"Somebody else saved the set-up meanwhile (version {version}).",
            fix="Look at it again, then repeat your change.",
        )
    setup = await with_user_ids(crm, setup, before)
    refuse(await judge(hub, crm, setup))
    async with hub.db.transaction() as conn:
        saved = await setups.save_setup(conn, crm.stored.id, setup, expected=expected)
    await settle_repairs(hub, crm)
    return saved


def refuse(judged: Judged) -> None:
    """Raise the `SetupInvalid` with which `save` refuses a set-up, if it does."""
    for kind in KINDS:
        compile_rule(judged.setup.sync, kind, judged.hub_fields[kind])
    refuse_red(judged.setup, judged.reports, paused=judged.paused)
    refuse_red_campaign(judged.setup, judged.campaign, paused=judged.paused.get(RecordKind.CONTACT, ()))


# --- the CRM's users ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class CrmUser:
    """Somebody who can own records in the CRM, unless ``active`` is False."""

    id: str
    name: str
    email: str
    active: bool


async def crm_users(crm: OpenConnection) -> list[CrmUser]:
    """Everybody the CRM knows. Asks the CRM every time."""
    found: list[CrmUser] = []
    cursor: str | None = None
    while True:
        page = await crm.connector.sync(crm.connection, RecordKind.USER, cursor, ())
        for record in page.changes:
            name, email, active = (str(record.values.get(field, "")) for field in ("name", "email", "active"))
            found.append(CrmUser(record.id, name or email, email, active != "false"))
        if page.done:
            return found
        cursor = page.next_cursor


async def with_user_ids(crm: OpenConnection, setup: CrmSetup, before: CrmSetup) -> CrmSetup:
    """The set-up with the CRM users that differ from ``before`` as ids, by id or e-mail address.

    Raises `UnknownName`, or `BadInput` for somebody who cannot own records. Asks nothing when nobody differs.
    """
    kept = {*before.users.users.values(), *before.users.identities.values(), before.users.default_owner, None}
    named = {*setup.users.users.values(), *setup.users.identities.values(), setup.users.default_owner}
    if named <= kept:
        return setup
    users = await crm_users(crm)
    ids = {name: name if name in kept else user_id(crm, users, name) for name in named if name is not None}
    step = UserStep(
        identities={who: ids[user] for who, user in setup.users.identities.items()},
        users={who: ids[user] for who, user in setup.users.users.items()},
        default_owner=ids.get(setup.users.default_owner or ""),
    )
    return setup.model_copy(update={"users": step})


def user_id(crm: OpenConnection, users: list[CrmUser], name: str) -> str:
    """The id of the CRM user with this id or e-mail address. Raises as `with_user_ids`."""
    meant = [user for user in users if user.id == name or (user.email and user.email.casefold() == name.casefold())]
    able = [user for user in meant if user.active]
    if not meant:
        known = [user.email or user.id for user in users if user.active]
        raise UnknownName(f"{crm.connector.manifest.name} user", name, known)
    if not able:
        raise BadInput(
            f"{name} cannot own records in {crm.connector.manifest.name}: no active user.", fix="Choose somebody else."
        )
    return able[0].id


# --- proposing ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Suggestion:
    """The set-up with the rows of ``added`` in it, which are the last ones of their tabs.

    ``records``: how many records have a value, by hub field. ``left``: values that records have and for which a
    proposed choice field has no option, by CRM field, the most frequent first.
    """

    judged: Judged
    added: Mapping[RecordKind, tuple[Row, ...]]
    records: Mapping[RecordKind, Mapping[str, int]]
    left: Mapping[RecordKind, Mapping[str, list[str]]]


async def suggest(hub: Hub, crm: OpenConnection, setup: CrmSetup) -> Suggestion:
    """Propose rows for the hub fields that records have or that identify them, beside the rows that are there.

    Nothing is saved. A proposed row that would be red is inactive.
    """
    before = await judge(hub, crm, setup)
    added: dict[RecordKind, tuple[Row, ...]] = {}
    used: dict[RecordKind, dict[str, int]] = {}
    left: dict[RecordKind, dict[str, list[str]]] = {}
    for kind in KINDS:
        async with hub.db.transaction() as conn:
            used[kind] = await record_values.used_fields(conn, hub.workspace_id, kind)
        added[kind], left[kind] = await _suggested(hub, crm, before, kind, frozenset(used[kind]))
    judged = await judge(hub, crm, _with_added(setup, added))
    for kind in KINDS:
        found = judged.reports[kind].rows[len(setup.fields.of(kind).rows) :]
        added[kind] = tuple(
            row.model_copy(update={"active": status.status is not Status.ERROR})
            for row, status in zip(added[kind], found, strict=True)
        )
    merged = _with_added(setup, added)
    return Suggestion(judged if merged == judged.setup else await judge(hub, crm, merged), added, used, left)


def _with_added(setup: CrmSetup, added: Mapping[RecordKind, tuple[Row, ...]]) -> CrmSetup:
    for kind, rows in added.items():
        setup = with_rows(setup, kind, (*setup.fields.of(kind).rows, *rows))
    return setup


class _Asked(Mapping[str, tuple[str, ...]]):
    """Holds no values, and remembers whose were asked for."""

    def __init__(self) -> None:
        self.names: set[str] = set()

    def __getitem__(self, name: str) -> tuple[str, ...]:
        self.names.add(name)
        return ()

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0

    def __bool__(self) -> bool:
        return True  # or it would be taken for no values at all


async def _suggested(
    hub: Hub, crm: OpenConnection, judged: Judged, kind: RecordKind, used: frozenset[str]
) -> tuple[tuple[Row, ...], dict[str, list[str]]]:
    """The rows, and the values that their value maps leave out."""
    rows = judged.setup.fields.of(kind).rows
    mapped, taken = {row.hub_field for row in rows}, {row.crm for row in rows}
    free = {name: field for name, field in judged.hub_fields[kind].items() if name not in mapped}
    known = {name: field for name, field in judged.crm_fields[kind].items() if name not in taken}
    traits = crm.connector.manifest.crm
    names: Mapping[str, tuple[str, ...]] = traits.field_names.get(kind, {}) if traits else {}
    identifying = judged.rules[kind].identifying if kind in judged.rules else frozenset[str]()
    # Which fields' values matter is only known once the CRM's fields are; reading those of all would take long.
    asked = _Asked()
    suggest_mapping(free, known, names, used, identifying=identifying, seen=asked)
    async with hub.db.transaction() as conn:
        seen = await record_values.seen_values(conn, hub.workspace_id, kind, asked.names)
    found = suggest_mapping(free, known, names, used, identifying=identifying, seen=seen)
    values = {row.crm: [each for each in seen.get(row.hub_field or "", ()) if each not in row.values] for row in found}
    return found, {name: some for name, some in values.items() if some and known[name].options}


# --- trying ------------------------------------------------------------------------------------------------------


async def try_records(hub: Hub, judged: Judged, kind: RecordKind, limit: int) -> tuple[int, tuple[RowCheck, ...]]:
    """Try the active rows that are not red on the first ``limit`` records: how many there were, how each row fared."""
    mapping = judged.setup.fields.of(kind)
    usable = tuple(
        row
        for row, found in zip(mapping.rows, judged.reports[kind].rows, strict=True)
        if row.active and found.status is not Status.ERROR
    )
    compiled = compile_mapping(
        mapping.model_copy(update={"rows": usable}), judged.hub_fields[kind], judged.crm_fields[kind]
    )
    values: list[Mapping[str, HubValue]] = []
    after = 0
    while len(values) < limit:
        async with hub.db.transaction() as conn:
            page = await records.records_after(conn, hub.workspace_id, kind, after, min(_PAGE, limit - len(values)))
        if not page:
            break
        values += [record.values for record in page]
        after = page[-1].id
    return len(values), await asyncio.to_thread(check_values, compiled, values)
