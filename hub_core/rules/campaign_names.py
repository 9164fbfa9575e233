"""Which campaign and which sender a row means: those that are known, else new ones.

Both are found by the source's id, else by name (case, accents and punctuation aside), a sender at last by e-mail. A
name that two of them have means neither. What was first only named takes on the id that a later row gives it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Generic, TypeVar

from hub_core.model.campaigns import Campaign, Identity
from hub_core.rules.campaign_rows import Named, Refused
from hub_core.rules.normalise import exact, fold

_Thing = TypeVar("_Thing", Campaign, Identity)
_NAME = "name:"


def _folded(name: str) -> str:
    return fold(name) or exact(name)


class _Book(Generic[_Thing]):
    """Things by their ids and names. ``changed`` holds the ids of what is new or different from what was known.

    A new thing has the number 0 until it is stored.
    """

    field = ""

    def __init__(self, known: Iterable[_Thing]) -> None:
        self.by_id: dict[str, _Thing] = {}
        self.changed: dict[str, _Thing] = {}
        self._named: dict[str, set[str]] = {}
        self._renamed: dict[str, str] = {}
        self._found: dict[Named, str] = {}
        for thing in known:
            self.put(thing, changed=False)

    def __getitem__(self, key: str) -> _Thing:
        """The thing with this id, also when it has got another one since."""
        return self.by_id[self._renamed.get(key, key)]

    def put(self, thing: _Thing, *, changed: bool = True) -> None:
        """Remember a thing, new or in place of what had its id."""
        self._found.clear()
        self.by_id[thing.external_id] = thing
        self._named.setdefault(_folded(thing.name), set()).add(thing.external_id)
        if changed:
            self.changed[thing.external_id] = thing

    def find(self, named: Named) -> str | None:
        """The id of what is meant, made known if it is not; None when nothing is named. Raises `Refused`."""
        if not named:
            return None
        found = self._found.get(named)
        if found is None and (found := self._find(named)) is not None:
            self._found[named] = found
        return found

    def _find(self, named: Named) -> str | None:
        raise NotImplementedError

    def key(self, named: Named) -> str | None:
        """The id under which ``named`` is, or will be, known; None when nothing is named. Raises `Refused`."""
        given, name = named.external_id, _folded(named.name)
        if given:
            first = f"{_NAME}{name}"
            if name and given not in self.by_id and first in self.by_id:
                self._rename(first, given)
            return given
        if not name:
            return None
        ids = self._named.get(name) or {f"{_NAME}{name}"}
        if len(ids) > 1:
            raise Refused(self.field, "There are several with this name; give the id.")
        return next(iter(ids))

    def _rename(self, before: str, after: str) -> None:
        thing = replace(self.by_id.pop(before), external_id=after)
        self.changed.pop(before, None)
        self._named[_folded(thing.name)].discard(before)
        self._renamed[before] = after
        self.put(thing)


class Senders(_Book[Identity]):
    """Identities. Addresses that rows give are added where none is known; a row with the id may give another name."""

    field = "sender"

    def _find(self, named: Named) -> str | None:
        key = self.key(named)
        if key is None and named.email:
            same = (each for each in self.by_id.values() if each.email == named.email)
            key = next((each.external_id for each in same), f"email:{named.email}")
        if key is None:
            return None
        known = self.by_id.get(key)
        if known is None:
            known = Identity(0, key, named.name or named.email or key)
            self.put(known)
        name = (named.external_id and named.name) or known.name
        fuller = replace(known, name=name, email=known.email or named.email, linkedin=known.linkedin or named.linkedin)
        if fuller != known:
            self.put(fuller)
        return key


class Campaigns(_Book[Campaign]):
    field = "campaign"

    def _find(self, named: Named) -> str | None:
        key = self.key(named)
        if key is None:
            return None
        known = self.by_id.get(key)
        if known is None:
            self.put(Campaign(0, key, named.name or key))
        elif named.name and known.name != named.name and named.external_id:
            self.put(replace(known, name=named.name))
        return key
