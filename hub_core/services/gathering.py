"""What is known of a page of hub records: twins, links, answers, candidates, the CRM's values, missing ties."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from hub_core.engine.store import candidates as known
from hub_core.engine.store import links, selection
from hub_core.engine.store.candidates import Mirrored
from hub_core.engine.store.database import Conn
from hub_core.engine.store.links import Link
from hub_core.model.plan import AssociationStep
from hub_core.model.records import AssociationType, Record, RecordKind
from hub_core.rules.exporting import Answer, Situation
from hub_core.rules.matching import Candidate, explain
from hub_core.services.export_context import ExportContext, KindContext


async def situations(
    conn: Conn, context: ExportContext, kind: KindContext, records: Sequence[Record], scopes: tuple[int, int]
) -> list[Situation]:
    """One `Situation` per record, in order. ``scopes`` are the key scopes of the hub's and the CRM's side."""
    ids = [record.id for record in records]
    connection, what = context.connection_id, kind.part.kind
    follows, leads = await selection.twins_of(conn, context.run.id, what, ids)
    records = await with_twins_values(conn, what, records, leads)
    linked = await links.links_of(conn, connection, ids)
    answers = await links.answers_of(conn, connection, what, ids)
    unlinked = [record for record in records if record.id not in linked]
    found = await known.key_candidates(
        conn, [record.id for record in unlinked], hub_scope=scopes[0], crm_scope=scopes[1]
    )
    confirmed = {record.id: _confirmed(kind, record, found.get(record.id, ())) for record in unlinked}
    asked = {link.crm_id for link in linked.values()} | {crm_id for _, crm_id in answers.values() if crm_id}
    mirror = await known.mirrored(conn, connection, what, list(asked))
    for candidates in found.values():
        mirror.update({candidate.crm_id: candidate for candidate in candidates})
    taken = await links.linked_records(
        conn, connection, what, [*asked, *(each.crm_id for candidates in confirmed.values() for each in candidates)]
    )
    ties, _ = await missing_ties(conn, context, kind, records, linked)
    current = {crm_id: record.values for crm_id, record in mirror.items()}
    return [
        Situation(
            record=record,
            current=current,
            linked=linked[record.id].crm_id if record.id in linked else None,
            candidates=confirmed.get(record.id, ()),
            taken=taken,
            answer=Answer(*answers[record.id]) if record.id in answers else None,
            twin_of=follows.get(record.id),
            associations=ties.get(record.id, ()),
        )
        for record in records
    ]


def _confirmed(kind: KindContext, record: Record, found: Sequence[Mirrored]) -> list[Candidate]:
    """Candidates by key that also match on their values: a 64-bit key may be shared by chance."""
    confirmed: list[Candidate] = []
    for candidate in found:
        hits = explain(kind.rule, record.values, candidate.values, kind.compared)
        if hits:
            confirmed.append(Candidate(candidate.crm_id, hits))
    return confirmed


async def with_twins_values(
    conn: Conn, kind: RecordKind, records: Sequence[Record], leads: Mapping[int, Sequence[int]]
) -> list[Record]:
    """Records with the values of the twins that are folded into them; a record's own values win."""
    if not leads:
        return list(records)
    twins = await selection.records_by_id(conn, kind, [twin for group in leads.values() for twin in group])
    merged: list[Record] = []
    for record in records:
        values = dict(record.values)
        for twin in leads.get(record.id, ()):
            if twin in twins:
                values = {**twins[twin].values, **values}
        merged.append(replace(record, values=values) if record.id in leads else record)
    return merged


#: Under which name a link remembers the tie of its contact to the CRM company it works at: "id type".
AGREED_TIE = "@company"


def agreed_tie(company_crm_id: str, type_: AssociationType) -> str:
    """What is remembered of a tie. A contact works at one company, so a new tie takes the old one's place."""
    return f"{company_crm_id} {type_.value}"


async def missing_ties(
    conn: Conn, context: ExportContext, kind: KindContext, records: Sequence[Record], linked: Mapping[int, Link]
) -> tuple[dict[int, tuple[AssociationStep, ...]], dict[int, str | None]]:
    """The ties to companies that are wanted and not agreed on yet, by contact; and of the companies that are in the CRM
    or will be, the CRM ids (None: created by this run)."""
    if not kind.part.ties:
        return {}, {}
    company_ids = sorted({record.company_id for record in records if record.company_id})
    stands = await _standing_for(conn, context, company_ids)
    employers = sorted({stands.get(company_id, company_id) for company_id in company_ids})
    companies = await known.companies_of_run(conn, context.run.id, context.connection_id, employers)
    ties: dict[int, tuple[AssociationStep, ...]] = {}
    for record in records:
        employer = stands.get(record.company_id, record.company_id) if record.company_id else None
        if employer is None or employer not in companies:
            continue
        crm_id, link = companies[employer], linked.get(record.id)
        if crm_id and link and link.agreed.get(AGREED_TIE) == agreed_tie(crm_id, kind.association):
            continue
        ties[record.id] = (AssociationStep(RecordKind.COMPANY, employer, kind.association),)
    return ties, companies


async def _standing_for(conn: Conn, context: ExportContext, company_ids: Sequence[int]) -> dict[int, int]:
    """Hub companies that are in the CRM as another hub company: folded into it, or matching its CRM record."""
    stands, _ = await selection.twins_of(conn, context.run.id, RecordKind.COMPANY, company_ids)
    found = await known.matching_of_run(conn, context.run.id, context.connection_id, company_ids)
    return {**found, **stands}
