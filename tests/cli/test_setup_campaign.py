"""Step 3 of ``hub setup``."""

from __future__ import annotations

from tests.cli.test_setup import Hub, hub

__all__ = ["hub"]


def test_campaign_properties_are_mapped_shown_and_unmapped(hub: Hub) -> None:
    assert "Saved as version 1" in hub("setup", "map", "campaign", "senders=message").err
    warned = hub("setup", "map", "campaign", "sequenceStatus=hs_lead_status", "--value", "Ongoing=In Progress")
    assert "has no option for 'Not Started'" in warned.out
    shown = hub("setup", "show", "--step", "campaign")
    assert "Senders" in shown.out
    assert "campaignOpens" in shown.out
    assert max(map(len, shown.out.splitlines())) <= 80
    rows = hub("setup", "show", "--step", "campaign", "--json").data["campaign"]["rows"]
    assert [(row["property"], row["crm"], row["status"]) for row in rows] == [
        ("senders", "message", "ok"),
        ("sequenceStatus", "hs_lead_status", "warning"),
    ]
    assert rows[1]["values"] == {"Ongoing": "IN_PROGRESS"}
    assert "- campaign.message: senders" in hub("setup", "unmap", "campaign", "message").out


def test_what_cannot_be_mapped_says_why(hub: Hub) -> None:
    for given, code, says in (
        (("senderss=message",), 2, "'senders'"),
        (("senders=mesage",), 2, "'message'"),
        (("senders",), 2, "PROPERTY=CRMFIELD"),
        (("senders=message", "--mode", "off"), 2, "always written"),
        (("senders=createdate",), 5, "read-only"),
    ):
        done = hub("setup", "map", "campaign", *given)
        assert done.code == code, done.err
        assert says in done.err


def test_the_step_is_part_of_the_file(hub: Hub) -> None:
    hub("setup", "map", "campaign", "senders=message")
    exported = hub("setup", "export").out
    assert "property: senders" in exported
    assert (
        "~ campaign.message.property: senders -> campaign"
        in hub(
            "setup", "apply", "-", "--dry-run", stdin=exported.replace("property: senders", "property: campaign")
        ).out
    )
