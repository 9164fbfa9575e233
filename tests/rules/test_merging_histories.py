"""Random histories of edits on both sides with syncs in between, against a model of the five modes.

The model speaks in letters: each stands for a value, which every field type spells in its own way, and which the
simulated CRM spells anew whenever it stores one.
"""

from __future__ import annotations

import random
import unicodedata
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from hub_core.model.fields import STANDARD_FIELDS, CrmType, FieldInfo, Option
from hub_core.model.records import CrmValue, RecordKind
from hub_core.model.setup import Blank, ConflictPolicy, FromHub, Mode, ObjectMapping, Row
from hub_core.rules.mapping import compile_mapping
from hub_core.rules.merging import RecordDecision, merge_record

HUB = STANDARD_FIELDS[RecordKind.CONTACT]
NEVER = "never agreed"


# The model: the product page's sentences about the mapping options, one field, letters or None for a blank


def model(mode: Mode, policy: ConflictPolicy, clear: bool, agreed: Any, hub: Any, crm: Any, newer: str) -> Any:
    """(hub, crm) after a sync, or "review"."""

    def moves(value: Any) -> bool:  # a blank goes to the other side only where that is wanted, and was not blank before
        return value is not None or (clear and agreed not in (NEVER, None))

    def may_differ(value: Any) -> bool:
        return value != agreed or agreed is NEVER

    if hub == crm or mode is Mode.OFF:  # "no automatic sync"
        return hub, crm
    if mode is Mode.IF_EMPTY:  # "only syncs when the destination field is empty, either in the hub or the CRM"
        return (hub, hub) if crm is None else (crm, crm) if hub is None else (hub, crm)
    if mode is Mode.CRM_OVERWRITES_HUB:  # "changes in the CRM automatically overwrite the fields in the hub"
        return (crm, crm) if moves(crm) else (hub, crm)
    if mode is Mode.HUB_OVERWRITES_CRM:
        return (hub, hub) if moves(hub) else (hub, crm)
    changed = {  # "changes sync both ways automatically"
        side for side, value in (("hub", hub), ("crm", crm)) if may_differ(value) and moves(value)
    }
    if len(changed) == 2:
        if policy is ConflictPolicy.REVIEW:
            return "review"
        changed = {newer if policy is ConflictPolicy.NEWEST else policy.value}
    if not changed:  # only a blank that may not go: the value that is there goes
        changed = {"hub" if hub is not None else "crm"}
    return (hub, hub) if changed == {"hub"} else (crm, crm)


# The spellings: per field, how the hub holds each letter, and the ways in which a CRM or its users may write it


@dataclass(frozen=True)
class Spelling:
    hub_field: str
    crm: FieldInfo
    ours: dict[str, Any]
    theirs: dict[str, list[CrmValue]]
    values: dict[str, str | None] = field(default_factory=dict[str, "str | None"])

    def letter(self, value: Any) -> str | None:
        """What a value of either side stands for; the hub may hold it as it was read from the CRM."""
        ways = {letter: [spelt, *self.theirs[letter]] for letter, spelt in self.ours.items()}
        return next((each for each in ways if _bare(value) in map(_bare, ways[each])), None)


def _bare(value: Any) -> Any:
    if isinstance(value, list):
        return sorted(value)
    return "".join(unicodedata.normalize("NFC", str(value)).lower().split())


SPELLINGS = (
    Spelling(
        "firstName",
        FieldInfo("first", "First", CrmType.TEXT),
        {"a": "Ana", "b": "Bob\nJr", "c": "Éva"},
        {"a": ["Ana", " Ana "], "b": ["Bob\nJr", "Bob\r\nJr ", "Bob\rJr"], "c": ["Éva", "E\u0301va"]},
    ),
    Spelling(
        "professionalEmail",
        FieldInfo("mail", "Mail", CrmType.EMAIL),
        {"a": "Ana@Acme.com", "b": "bob@acme.com", "c": "cy@acme.com"},
        {"a": ["Ana@Acme.com", "ana@acme.com", "ANA@acme.com "], "b": ["bob@acme.com", "Bob@ACME.com"],
         "c": ["cy@acme.com"]},
    ),
    Spelling(
        "numberOfConnections",
        FieldInfo("links", "Links", CrmType.NUMBER),
        {"a": 17, "b": 0, "c": 1200},
        {"a": ["17", "17.0", "1.7e1"], "b": ["0", "0.00"], "c": ["1200", "1200.0"]},
    ),
    Spelling(
        "mobilePhone",
        FieldInfo("phone", "Phone", CrmType.PHONE),
        {"a": "+34 600 000 001", "b": "600-000-002", "c": "(600) 000 003"},
        {"a": ["+34600000001", "+34 600 000 001", "0034 600000001"], "b": ["600000002", "600-000-002"],
         "c": ["600000003", "(600) 000 003"]},
    ),
    Spelling(
        "birthday",
        FieldInfo("born", "Born", CrmType.DATE),
        {"a": "1980-05-06", "b": "1999-12-31", "c": "1980-01-02"},
        {"a": ["1980-05-06", "1980-05-06T00:00:00Z"], "b": ["1999-12-31"], "c": ["1980-01-02", "315619200000"]},
    ),
    Spelling(
        "isUnsubscribed",
        FieldInfo("opted_out", "Opted out", CrmType.BOOLEAN),
        {"a": True, "b": False},
        {"a": ["true", "True", "1"], "b": ["false", "False", "0"]},
    ),
    Spelling(
        "languages",
        FieldInfo("tongues", "Tongues", CrmType.MULTI_CHOICE, options=(Option("de", "D"), Option("en", "E"))),
        {"a": ["Deutsch", "en"], "b": ["en"], "c": ["Deutsch"]},
        {"a": [["de", "en"], ["en", "de"]], "b": [["en"]], "c": [["de"]]},
        values={"Deutsch": "de"},
    ),
)  # fmt: skip


# One linked record, the sync of it, and what must hold


@dataclass
class Scene:
    rows: tuple[Row, ...]
    chance: random.Random
    ours: dict[str, Any] = field(default_factory=dict[str, Any])
    theirs: dict[str, CrmValue] = field(default_factory=dict[str, CrmValue])
    agreed: dict[str, CrmValue | None] = field(default_factory=dict[str, "CrmValue | None"])
    now: int = 0
    hub_at: int = 0
    crm_at: int = 0

    def __post_init__(self) -> None:
        self.compiled = compile_mapping(
            ObjectMapping(rows=self.rows), HUB, {each.crm.id: each.crm for each in SPELLINGS}
        )
        self.letters_agreed: dict[str, Any] = {each.crm.id: NEVER for each in SPELLINGS}

    def edit(self, side: str, number: int, letter: str | None) -> None:
        spelling = SPELLINGS[number]
        letter = letter if letter in spelling.ours else None
        self.now += 1
        if side == "hub":
            self.hub_at = self.now
            _put(self.ours, spelling.hub_field, spelling.ours.get(letter or ""))
        else:
            self.crm_at = self.now
            _put(self.theirs, spelling.crm.id, letter and self.chance.choice(spelling.theirs[letter]))

    def letters(self, spelling: Spelling) -> tuple[str | None, str | None]:
        return spelling.letter(self.ours.get(spelling.hub_field)), spelling.letter(self.theirs.get(spelling.crm.id))

    def decide(self) -> RecordDecision:
        return merge_record(
            self.compiled,
            hub_values=self.ours,
            crm_values=self.theirs,
            agreed=self.agreed,
            hub_changed_at=_time(self.hub_at),
            crm_changed_at=_time(self.crm_at),
        )

    def apply(self, decided: RecordDecision) -> None:
        for change in decided.to_hub:
            assert self.ours.get(change.field) == change.before
            _put(self.ours, change.field, change.after)
        for change in decided.to_crm:
            assert self.theirs.get(change.field) == change.before
            spelling = next(each for each in SPELLINGS if each.crm.id == change.field)
            letter = spelling.letter(change.after)
            _put(self.theirs, change.field, letter and self.chance.choice(spelling.theirs[letter]))
        self.agreed.update(decided.agreed_after)

    def sync_and_check(self) -> Counter[str]:
        """Sync twice. The outcome of each field is the model's, what is lost is noted, the second sync is idle."""
        before = {each.crm.id: self.letters(each) for each in SPELLINGS}
        decided = self.decide()
        self.apply(decided)
        assert decided.problems == ()
        seen = Counter[str]()
        newer = "hub" if self.hub_at > self.crm_at else "crm"
        for row, spelling in zip(self.rows, SPELLINGS, strict=True):
            name, agreed, (hub, crm) = row.crm, self.letters_agreed[row.crm], before[row.crm]
            expected = model(row.mode, row.conflict, row.blank is Blank.CLEAR, agreed, hub, crm, newer)
            asked = name in {conflict.field for conflict in decided.conflicts}
            assert asked is (expected == "review")
            after = self.letters(spelling)
            assert after == ((hub, crm) if asked else expected), (row, agreed, hub, crm)
            self._check_lost(decided, spelling, agreed, (hub, crm), after)
            if after[0] == after[1]:
                self.letters_agreed[name] = after[0]
            seen[f"{row.mode} {'asked' if asked else 'wrote' if after != (hub, crm) else 'kept'}"] += 1
        again = self.decide()
        assert not again.writes
        assert again.agreed_after == {}
        return seen

    def _check_lost(self, decided: RecordDecision, spelling: Spelling, agreed: Any, before: Any, after: Any) -> None:
        lost = {(each.side, spelling.letter(each.value)) for each in decided.lost if each.field == spelling.crm.id}
        expected = {
            (side, was)
            for side, was, now in zip(("hub", "crm"), before, after, strict=True)
            if was is not None and was != now and was != agreed
        }
        assert lost == expected


def _put(values: dict[str, Any], name: str, value: Any) -> None:
    values.pop(name, None)
    if value is not None:
        values[name] = value


def _time(number: int) -> datetime:
    return datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=number)


LETTERS = st.sampled_from(["a", "b", "c", None])
EDITS = st.tuples(st.sampled_from(["hub", "crm"]), st.integers(0, len(SPELLINGS) - 1), LETTERS)
ROWS = st.tuples(
    *(
        st.builds(
            Row,
            source=st.just(FromHub(hub=each.hub_field)),
            crm=st.just(each.crm.id),
            mode=st.sampled_from([*Mode, Mode.BIDIRECTIONAL, Mode.BIDIRECTIONAL]),
            blank=st.sampled_from(Blank),
            conflict=st.sampled_from(ConflictPolicy),
            values=st.just(each.values),
        )
        for each in SPELLINGS
    )
)


@settings(deadline=None)
@given(ROWS, st.lists(st.lists(EDITS, max_size=12), min_size=1, max_size=6), st.integers(0, 9999))
def test_whatever_is_edited_the_rules_do_as_the_model_and_settle_in_one_sync(
    rows: tuple[Row, ...], history: list[list[tuple[str, int, str | None]]], seed: int
) -> None:
    scene = Scene(rows, random.Random(seed))
    for edits in history:
        for side, number, letter in edits:
            scene.edit(side, number, letter)
        scene.sync_and_check()


def test_long_histories_meet_every_mode_and_every_outcome() -> None:
    chance, seen = random.Random(7), Counter[str]()
    for _ in range(60):
        rows = tuple(
            Row(
                source=FromHub(hub=each.hub_field),
                crm=each.crm.id,
                mode=chance.choice(list(Mode)),
                blank=chance.choice(list(Blank)),
                conflict=chance.choice(list(ConflictPolicy)),
                values=each.values,
            )
            for each in SPELLINGS
        )
        scene = Scene(rows, chance)
        for _ in range(20):
            for _ in range(chance.randint(0, 8)):
                scene.edit(chance.choice(["hub", "crm"]), chance.randrange(len(SPELLINGS)), chance.choice("abc-"))
            seen += scene.sync_and_check()
    assert {text for text in seen if "asked" not in text} == {
        f"{mode} {outcome}" for mode in Mode for outcome in ("wrote", "kept") if (mode, outcome) != (Mode.OFF, "wrote")
    }
    assert seen[f"{Mode.BIDIRECTIONAL} asked"]
