from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from hub_core.engine.answers import (
    Meaning,
    meaning,
    midnight_wait,
    no_more_today,
    retry_after,
    scopes_named,
    told_limit,
)
from hub_core.manifest import LimitHeaders

NOW = datetime(2026, 11, 23, 14, 30, tzinfo=UTC)
NAMES = LimitHeaders("x-max", "x-left", "x-ms", "x-today", ("policyName", "DAILY"))


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (200, Meaning.GOOD),
        (207, Meaning.GOOD),
        (302, Meaning.REFUSED),
        (400, Meaning.REFUSED),
        (401, Meaning.REJECTED),
        (403, Meaning.FORBIDDEN),
        (404, Meaning.REFUSED),
        (408, Meaning.AGAIN),
        (423, Meaning.WAIT),
        (429, Meaning.WAIT),
        (477, Meaning.WAIT),
        (500, Meaning.AGAIN),
        (524, Meaning.AGAIN),
    ],
)
def test_a_status_has_one_meaning(status: int, expected: Meaning) -> None:
    assert meaning(status) is expected


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("7", 7.0),
        ("0.5", 0.5),
        ("0", 0.0),
        ("-3", 0.0),
        ("", None),
        ("soon", None),
        ("nan", None),
        ("inf", None),
        (format_datetime(NOW + timedelta(seconds=90), usegmt=True), 90.0),
        (format_datetime(NOW - timedelta(seconds=90), usegmt=True), 0.0),
    ],
)
def test_retry_after_is_read_as_seconds_or_as_a_date_and_nonsense_is_not_read(text: str, seconds: float | None) -> None:
    assert retry_after({"retry-after": text}, NOW) == seconds


def test_a_retry_after_date_counts_from_the_vendors_own_clock() -> None:
    theirs = NOW + timedelta(hours=5)
    headers = {"retry-after": format_datetime(theirs + timedelta(seconds=20)), "date": format_datetime(theirs)}
    assert retry_after(headers, NOW) == 20.0


def test_a_spent_day_is_known_by_the_header_or_by_the_body() -> None:
    assert no_more_today({"x-today": "0"}, None, NAMES)
    assert no_more_today({}, {"policyName": "DAILY"}, NAMES)
    assert not no_more_today({"x-today": "12"}, {"policyName": "SECONDLY"}, NAMES)
    assert not no_more_today({"x-today": "0"}, {"policyName": "DAILY"}, None)


def test_a_spent_day_is_tried_again_after_the_next_full_hour() -> None:
    assert midnight_wait(NOW) == 31 * 60


def test_scopes_are_found_wherever_a_403_names_them() -> None:
    body = {
        "message": "This app hasn't been granted all required scopes.",
        "errors": [{"context": {"requiredGranularScopes": ["crm.objects.contacts.write", "crm.lists.read"]}}],
        "context": {"missingScopes": ["crm.objects.contacts.write"]},
    }
    assert scopes_named(body) == ("crm.objects.contacts.write", "crm.lists.read")
    assert scopes_named({"scope": "read:a, write:b"}) == ("read:a", "write:b")
    assert scopes_named({"scope": "<script>"}) == ()
    assert scopes_named("no rights") == ()


def test_a_limit_is_read_from_the_vendors_headers() -> None:
    told = told_limit({"x-max": "190", "x-left": "12", "x-ms": "10000"}, NAMES)
    assert told is not None
    assert (told.maximum, told.remaining, told.seconds) == (190, 12, 10.0)


def test_a_limit_is_read_from_the_headers_of_the_draft_standard() -> None:
    told = told_limit({"ratelimit-policy": '"burst";q=100;w=60', "ratelimit": '"burst";r=50;t=30'}, None)
    assert told is not None
    assert (told.maximum, told.remaining, told.seconds) == (100, 50, 60.0)


@pytest.mark.parametrize("headers", [{}, {"x-max": "many", "x-left": "1", "x-ms": "1"}, {"x-max": "5"}])
def test_headers_that_say_no_whole_limit_say_none(headers: dict[str, str]) -> None:
    assert told_limit(headers, NAMES) is None
