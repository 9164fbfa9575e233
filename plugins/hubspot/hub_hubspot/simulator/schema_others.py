"""Deals, leads, activities: their properties, the pipelines, and what tells the object types apart."""

from __future__ import annotations

from dataclasses import dataclass

from hub_hubspot.simulator.schema import Property, flag, moment, number, options, owner, select, system, text
from hub_hubspot.simulator.schema_companies import COMPANIES
from hub_hubspot.simulator.schema_contacts import CONTACTS

# object type -> pipeline (id, label) -> stages (id, label, metadata)
PIPELINES: dict[str, dict[tuple[str, str], tuple[tuple[str, str, dict[str, str]], ...]]] = {
    "deals": {
        ("default", "Sales Pipeline"): (
            ("appointmentscheduled", "Appointment Scheduled", {"isClosed": "false", "probability": "0.2"}),
            ("qualifiedtobuy", "Qualified To Buy", {"isClosed": "false", "probability": "0.4"}),
            ("contractsent", "Contract Sent", {"isClosed": "false", "probability": "0.9"}),
            ("closedwon", "Closed Won", {"isClosed": "true", "probability": "1.0"}),
            ("closedlost", "Closed Lost", {"isClosed": "true", "probability": "0.0"}),
        ),
        ("75e28846", "Renewals"): (
            ("1190481", "Up for renewal", {"isClosed": "false", "probability": "0.5"}),
            ("1190482", "Renewed", {"isClosed": "true", "probability": "1.0"}),
        ),
    },
    "leads": {
        ("lead-pipeline-id", "Lead pipeline"): (
            ("new-stage-id", "New", {"leadState": "NEW"}),
            ("attempting-stage-id", "Attempting", {"leadState": "IN_PROGRESS"}),
            ("qualified-stage-id", "Qualified", {"leadState": "QUALIFIED"}),
        ),
    },
}


def _pipelines(kind: str) -> tuple[tuple[str, str], ...]:
    return tuple(PIPELINES[kind])


def _stages(kind: str) -> tuple[tuple[str, str], ...]:
    return tuple((key, label) for stages in PIPELINES[kind].values() for key, label, _ in stages)


_SYSTEM = system("hs_createdate", "hs_lastmodifieddate")
_ACTIVITY = (
    *_SYSTEM,
    moment("hs_timestamp", "Activity date"),
    owner("hubspot_owner_id", "Activity assigned to"),
    text("hs_unique_id", "Unique ID", read_only=True),
)

SCHEMAS: dict[str, tuple[Property, ...]] = {
    "contacts": CONTACTS,
    "companies": COMPANIES,
    "deals": (
        *system("createdate", "hs_lastmodifieddate"),
        text("dealname", "Deal Name"),
        number("amount", "Amount"),
        select("pipeline", "Pipeline", _pipelines("deals")),
        select("dealstage", "Deal Stage", _stages("deals")),
        select("dealtype", "Deal Type", options("newbusiness", "existingbusiness")),
        moment("closedate", "Close Date"),
        text("description", "Deal Description", field_type="textarea"),
        select("hs_priority", "Priority", options("low", "medium", "high")),
        owner("hubspot_owner_id", "Deal owner"),
        flag("hs_is_closed_won", "Is Closed Won", calculated=True),
    ),
    "leads": (
        *_SYSTEM,
        text("hs_lead_name", "Lead Name"),
        select("hs_lead_type", "Lead Type", options("NEW_BUSINESS", "UPSELL", "RE_ATTEMPTING")),
        select("hs_lead_label", "Lead Label", options("HOT", "WARM", "COLD")),
        select("hs_pipeline", "Pipeline", _pipelines("leads")),
        select("hs_pipeline_stage", "Pipeline Stage", _stages("leads")),
        owner("hubspot_owner_id", "Lead owner"),
    ),
    "tasks": (
        *_ACTIVITY,
        text("hs_task_subject", "Task Title"),
        text("hs_task_body", "Task Notes", field_type="html"),
        select(
            "hs_task_status", "Task Status", options("NOT_STARTED", "IN_PROGRESS", "WAITING", "DEFERRED", "COMPLETED")
        ),
        select("hs_task_priority", "Priority", options("NONE", "LOW", "MEDIUM", "HIGH")),
        select("hs_task_type", "Task Type", options("TODO", "CALL", "EMAIL")),
        moment("hs_task_completion_date", "Completed at", read_only=True),
    ),
    "notes": (*_ACTIVITY, text("hs_note_body", "Note body", field_type="html")),
    "emails": (
        *_ACTIVITY,
        select("hs_email_direction", "Direction", options("EMAIL", "INCOMING_EMAIL", "FORWARDED_EMAIL")),
        select("hs_email_status", "Send Status", options("SENT", "SENDING", "SCHEDULED", "FAILED", "BOUNCED")),
        text("hs_email_subject", "Email subject"),
        text("hs_email_text", "Text Body", field_type="textarea"),
        text("hs_email_html", "HTML Body", field_type="html"),
        text("hs_email_headers", "Headers", field_type="textarea"),
        text("hs_email_from_email", "From address", read_only=True),
        text("hs_email_to_email", "To addresses", read_only=True),
    ),
    "communications": (
        *_ACTIVITY,
        select("hs_communication_channel_type", "Channel", options("LINKEDIN_MESSAGE", "SMS", "WHATS_APP")),
        select("hs_communication_logged_from", "Logged from", (("CRM", "CRM"),)),
        text("hs_communication_body", "Body", field_type="html"),
    ),
    "calls": (
        *_ACTIVITY,
        text("hs_call_title", "Call Title"),
        text("hs_call_body", "Call notes", field_type="html"),
        number("hs_call_duration", "Call duration"),
        select("hs_call_direction", "Direction", options("INBOUND", "OUTBOUND")),
        select("hs_call_status", "Status", options("COMPLETED", "NO_ANSWER", "BUSY", "FAILED", "CANCELED")),
    ),
    "meetings": (
        *_ACTIVITY,
        text("hs_meeting_title", "Meeting name"),
        text("hs_meeting_body", "Meeting description", field_type="html"),
        moment("hs_meeting_start_time", "Start time"),
        moment("hs_meeting_end_time", "End time"),
        select(
            "hs_meeting_outcome", "Outcome", options("SCHEDULED", "COMPLETED", "RESCHEDULED", "NO_SHOW", "CANCELED")
        ),
    ),
}


@dataclass(frozen=True, slots=True)
class ObjectType:
    """What the API must know about one object type beside its properties."""

    name: str
    singular: str
    type_id: str
    first_id: int
    scope: str
    created: str = "hs_createdate"
    modified: str = "hs_lastmodifieddate"
    shown: tuple[str, ...] = ()
    """Properties which come back when none are asked for."""
    searched: tuple[str, ...] = ()
    """Properties which a free-text `query` looks in."""
    one_of: tuple[str, ...] = ()
    """A new record needs one of these."""
    all_of: tuple[str, ...] = ()
    """A new record needs all of these."""
    merges: bool = True


def _activity(name: str, singular: str, type_id: str, first_id: int, body: str) -> ObjectType:
    # Activities belong to the contact scopes, need a timestamp and cannot be merged.
    return ObjectType(
        name, singular, type_id, first_id, "contacts", searched=(body,), all_of=("hs_timestamp",), merges=False
    )


OBJECT_TYPES: tuple[ObjectType, ...] = (
    ObjectType(
        "contacts", "contact", "0-1", 70_100_000_001, "contacts", "createdate", "lastmodifieddate",
        shown=("email", "firstname", "lastname"),
        searched=("firstname", "lastname", "email", "phone", "hs_additional_emails", "fax", "mobilephone", "company"),
        one_of=("email", "firstname", "lastname"),
    ),
    ObjectType(
        "companies", "company", "0-2", 30_200_000_001, "companies", "createdate",
        shown=("name", "domain"), searched=("website", "phone", "name", "domain"), one_of=("name", "domain"),
    ),
    ObjectType(
        "deals", "deal", "0-3", 20_300_000_001, "deals", "createdate",
        shown=("amount", "closedate", "dealname", "dealstage", "pipeline"), searched=("dealname", "description"),
    ),
    ObjectType(
        "leads", "lead", "0-136", 40_400_000_001, "leads",
        shown=("hs_lead_name",), searched=("hs_lead_name",), all_of=("hs_lead_name",),
    ),
    _activity("tasks", "task", "0-27", 50_500_000_001, "hs_task_subject"),
    _activity("notes", "note", "0-46", 51_600_000_001, "hs_note_body"),
    _activity("emails", "email", "0-49", 52_700_000_001, "hs_email_subject"),
    _activity("communications", "communication", "0-18", 53_800_000_001, "hs_communication_body"),
    _activity("calls", "call", "0-48", 54_900_000_001, "hs_call_title"),
    _activity("meetings", "meeting", "0-47", 56_000_000_001, "hs_meeting_title"),
)  # fmt: skip
