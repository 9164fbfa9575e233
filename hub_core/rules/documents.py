"""The set-up as a YAML document, and what differs between two of them."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, TypeVar, cast

import yaml
from pydantic import ValidationError

from hub_core.errors import BadInput
from hub_core.model.records import RecordKind
from hub_core.model.setup import (
    AllOf,
    CampaignRow,
    CrmSetup,
    Engagement,
    Fixed,
    FromHub,
    ManualAtExport,
    Part,
    Row,
    Source,
    Tree,
)

FORMAT = 1
_OBJECTS = (RecordKind.CONTACT, RecordKind.COMPANY)
#: Left out of a row that is written, because nearly every row has them.
_USUAL: dict[str, object] = {"active": True, "blank": "keep", "conflict": "newest", "values": {}}

# --- YAML --------------------------------------------------------------------------------------------------------


def to_yaml(setup: CrmSetup, heading: str = "") -> str:
    """The document for people to edit; ``heading`` becomes a comment at the top."""
    document = setup.model_dump(mode="json")
    for kind in _OBJECTS:
        mapping = document["fields"][kind.plural]
        mapping["rows"] = [
            {key: value for key, value in row.items() if key not in _USUAL or value != _USUAL[key]}
            for row in mapping["rows"]
        ]
    campaign = document["campaign"]
    campaign["rows"] = [
        {key: value for key, value in row.items() if key not in _USUAL or value != _USUAL[key]}
        for row in campaign["rows"]
    ]
    # PyYAML does not read its own writing of U+0085 back unless it is escaped, and with it everything beyond ASCII.
    plain = "\x85" not in setup.model_dump_json()
    text = yaml.safe_dump(document, sort_keys=False, allow_unicode=plain, width=120)
    return "".join(f"# {line}\n" for line in heading.splitlines()) + text


class _Loader(yaml.SafeLoader):
    """Takes every plain word as text but null: a value map's ``no`` and ``10`` are texts, and so is 2024-12-31."""

    yaml_implicit_resolvers: ClassVar[dict[str, list[tuple[str, re.Pattern[str]]]]] = {}  # pyright: ignore


_Loader.add_implicit_resolver(  # pyright: ignore[reportUnknownMemberType]
    "tag:yaml.org,2002:null", re.compile("(?:~|null|Null|NULL|)$"), ["~", "n", "N", ""]
)


def from_yaml(text: str) -> CrmSetup:
    """The set-up that a YAML (or JSON) document describes. Raises `BadInput` that says where it is wrong."""
    try:
        document: Any = yaml.load(text, Loader=_Loader)  # noqa: S506 - a SafeLoader
    except yaml.MarkedYAMLError as error:
        at = f" in line {error.problem_mark.line + 1}" if error.problem_mark else ""
        raise BadInput(
            f"The file is not YAML: {error.problem or 'it cannot be read'}{at}.", fix="Correct this line."
        ) from None
    except (yaml.YAMLError, RecursionError):
        raise BadInput("The file is not YAML.", fix="Start from: hub setup export FILE") from None
    if not isinstance(document, dict):
        raise BadInput("The file holds no set-up.", fix="Start from: hub setup export FILE")
    version = cast("dict[str, Any]", document).setdefault("format", str(FORMAT))
    if version != str(FORMAT):
        raise BadInput(
            f"The file has format {version!r}; this version of Hub reads format {FORMAT}.",
            fix="Use the version of Hub that wrote it, or export again with this one.",
        )
    return validated({**document, "format": FORMAT})


_SOURCES = "hub: FIELD, fixed: VALUE, manual: LABEL or engagement: VALUE"
_CONDITIONS = "a field's id, all: [...] or any: [...]"
#: Where the model takes one of several shapes, pydantic complains about each of them.
_SHAPES = {"source": _SOURCES, "custom": _CONDITIONS}


def validated(document: Mapping[str, Any]) -> CrmSetup:
    """The document as a set-up; raises one `BadInput` that names every place at fault (five at most)."""
    try:
        return CrmSetup.model_validate(document)
    except ValidationError as error:
        faults: dict[str, str] = {}
        for problem in error.errors(include_url=False):
            at, what = _fault(problem["loc"], problem, document)
            faults.setdefault(at, what)
    some = [f"{at}: {what}" if at else what for at, what in faults.items()]
    more = f"; and {len(some) - 5} more" if len(some) > 5 else ""
    raise BadInput(f"The set-up cannot be read. {'; '.join(some[:5])}{more}.", fix="Correct these places.")


def _fault(loc: Sequence[int | str], problem: Any, document: Mapping[str, Any]) -> tuple[str, str]:
    shape = next((name for name in _SHAPES if name in loc), None)
    if shape is not None:
        return _place(loc[: loc.index(shape) + 1], document), f"it must be {_SHAPES[shape]}"
    if problem["type"] == "extra_forbidden":
        return _place(loc, document), "there is no such key" + _near(loc)
    reason: object = problem.get("ctx", {}).get("error")
    text = str(reason) if reason else problem["msg"].replace("Input", "it", 1)
    return _place(loc, document), text[:1].lower() + text[1:]


def _place(loc: Sequence[int | str], document: Any) -> str:
    """``fields.contacts.rows[3] (industry).mode``: rows are counted from 1, as people do, and named."""
    text = ""
    for step in loc:
        document = _inside(document, step)
        if isinstance(step, int):
            name = _inside(document, "crm")
            text += f"[{step + 1}]" + (f" ({name})" if isinstance(name, str) else "")
        else:
            text += f".{step}" if text else step
    return text


def _inside(document: Any, step: int | str) -> Any:
    try:
        return document[step]
    except (KeyError, IndexError, TypeError):
        return None


def _near(loc: Sequence[int | str]) -> str:
    """The key that was meant, if one of the place's own is near."""
    rows = CampaignRow if loc[0] == "campaign" else Row
    owner: type[Part] | None = rows if "rows" in loc else CrmSetup
    if owner is CrmSetup:
        for step in loc[:-1]:
            owner = owner and _child(owner, str(step))
    known = owner.model_fields if owner else ()
    hit = difflib.get_close_matches(str(loc[-1]), known, n=1)
    return f" (did you mean {hit[0]!r}?)" if hit else ""


def _child(model: type[Part], name: str) -> type[Part] | None:
    field = model.model_fields.get(name)
    kind = field.annotation if field else None
    return kind if isinstance(kind, type) and issubclass(kind, Part) else None


# --- differences -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that is not the same: ``before`` None: it is new; ``after`` None: it is gone."""

    path: str
    before: str | None
    after: str | None

    def __str__(self) -> str:
        if self.before is None:
            return f"+ {self.path}: {self.after}"
        if self.after is None:
            return f"- {self.path}: {self.before}"
        return f"~ {self.path}: {self.before} -> {self.after}"


def differences(before: CrmSetup, after: CrmSetup) -> tuple[Difference, ...]:
    """What saving ``after`` instead of ``before`` changes, setting by setting and row by row."""
    found = list(_compared("sync.", _sync(before), _sync(after)))
    for kind in _OBJECTS:
        at = f"fields.{kind.plural}."
        old, new = before.fields.of(kind), after.fields.of(kind)
        found += _compared(at, {"association": old.association}, {"association": new.association})
        found += _rows(at, _keyed(old.rows), _keyed(new.rows))
    found += _rows("campaign.", _keyed(before.campaign.rows), _keyed(after.campaign.rows))
    found += _compared("users.", _users(before), _users(after))
    return tuple(found)


def _compared(at: str, old: Mapping[str, str], new: Mapping[str, str]) -> Iterator[Difference]:
    for name in dict.fromkeys((*old, *new)):
        if old.get(name) != new.get(name):
            yield Difference(f"{at}{name}", old.get(name), new.get(name))


def _sync(setup: CrmSetup) -> dict[str, str]:
    flat: dict[str, str] = {}
    for name, value in setup.sync:
        for inner, setting in value if isinstance(value, Part) else (("", value),):
            if setting is not None:
                flat[f"{name}.{inner}".rstrip(".")] = _plain(setting)
    return flat


def _plain(setting: object) -> str:
    if isinstance(setting, bool):
        return "true" if setting else "false"
    return str(setting) if isinstance(setting, str) else conditions_text(cast("Tree", setting))


def conditions_text(tree: Tree) -> str:
    """Custom conditions as people write them."""
    if isinstance(tree, str):
        return tree
    word, parts = (" AND ", tree.all) if isinstance(tree, AllOf) else (" OR ", tree.any)
    return word.join(part if isinstance(part, str) else f"({conditions_text(part)})" for part in parts)


def _users(setup: CrmSetup) -> dict[str, str]:
    users = setup.users
    people = {f"users.{name}": user for name, user in users.users.items()}
    senders = {f"identities.{name}": user for name, user in users.identities.items()}
    return people | senders | ({"default_owner": users.default_owner} if users.default_owner else {})


_AnyRow = TypeVar("_AnyRow", Row, CampaignRow)


def _keyed(rows: Sequence[_AnyRow]) -> dict[str, _AnyRow]:
    """Rows by CRM field, in their order; a second one of a field gets a number."""
    keyed: dict[str, _AnyRow] = {}
    for row in rows:
        name, number = row.crm, 2
        while name in keyed:
            name, number = f"{row.crm} ({number})", number + 1
        keyed[name] = row
    return keyed


def _rows(at: str, old: Mapping[str, _AnyRow], new: Mapping[str, _AnyRow]) -> Iterator[Difference]:
    for name in dict.fromkeys((*old, *new)):
        was, becomes = old.get(name), new.get(name)
        if was is not None and becomes is not None:
            yield from _compared(f"{at}{name}.", _attributes(was), _attributes(becomes))
        else:
            yield Difference(f"{at}{name}", was and row_text(was), becomes and row_text(becomes))
    if sorted(old) == sorted(new) and list(old) != list(new):
        yield Difference(f"{at}rows", "in another order", ", ".join(new))


def _attributes(row: Row | CampaignRow) -> dict[str, str]:
    values = {f"values.{value}": option or "(dropped)" for value, option in row.values.items()}
    if isinstance(row, CampaignRow):
        return {"property": row.property, "active": _plain(row.active), **values}
    own = {"source": source_text(row.source), "mode": row.mode, "active": _plain(row.active)}
    return {**own, "blank": row.blank, "conflict": row.conflict, **values}


def source_text(source: Source) -> str:
    """Where a row's value comes from: a hub field's id, or the value itself with what it is."""
    match source:
        case FromHub(hub=name):
            return name
        case Fixed(fixed=text):
            return f"fixed: {text}"
        case ManualAtExport(manual=label):
            return f"asked at export: {label}"
        case Engagement(engagement=text):
            return f"engagement: {text}"


def row_text(row: Row | CampaignRow) -> str:
    """A whole row in one line."""
    parts = [row.property] if isinstance(row, CampaignRow) else [source_text(row.source), row.mode.value]
    if row.values:
        parts.append(f"{len(row.values)} value{'s' if len(row.values) > 1 else ''} mapped")
    if isinstance(row, CampaignRow):
        return ", ".join([*parts, *([] if row.active else ["inactive"])])
    parts += ["blank clears"] if row.blank == "clear" else []
    parts += [] if row.conflict == "newest" else [f"conflict: {row.conflict.value}"]
    parts += [] if row.active else ["inactive"]
    return ", ".join(parts)
