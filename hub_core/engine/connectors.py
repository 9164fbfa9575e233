"""One loaded plugin behind typed methods: the only place that makes a `pluggy.PluginManager`.

Every plugin gets a manager of its own with exactly itself in it, so no plugin sees another one's connections, a
misspelled hook or argument fails when the plugin is loaded, and what a hook raises or answers is checked here once.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path
from traceback import extract_tb
from typing import Any, TypeVar, cast

import pluggy

from hub_core.connection import Connection, VendorRefused
from hub_core.engine import discovery
from hub_core.errors import ConnectorBug, HubError, PluginBroken, Unavailable
from hub_core.hookspecs import HOOKS, PROJECT, HookSpecs
from hub_core.manifest import BearerToken, HeaderKey, Manifest, Settings
from hub_core.model.enrichment import Delivered, Found, Message, Question
from hub_core.model.fields import FieldInfo
from hub_core.model.records import (
    Account,
    CrmRecord,
    Outcome,
    Page,
    Query,
    RecordKind,
    Rejected,
    Write,
    Written,
)

T = TypeVar("T")

#: Seconds until a hook is given up. They end a hang, not a slow vendor: a hook may have to wait for the API budget.
TIME_OUTS = {
    "authenticate": 60.0,
    "list_fields": 180.0,
    "match": 900.0,
    "export": 1800.0,
    "sync": 900.0,
    "enrich": 180.0,
    "notify": 60.0,
}
#: The hooks that a plugin of each kind cannot do without.
REQUIRED: dict[str, tuple[str, ...]] = {
    "crm": ("authenticate", "list_fields", "match", "export", "sync"),
    "enrichment": ("authenticate", "enrich"),
    "ai": ("authenticate", "enrich"),
    "source": ("authenticate", "sync"),
    "notify": ("authenticate", "notify"),
}
_FORBIDDEN = ("wrapper", "hookwrapper", "specname", "tryfirst", "trylast", "optionalhook")
_AUTHOR = "Update it, or report this to its author."


@cache
def connector(key: str, kind: str | None = None) -> Connector:
    """The plugin ``key``, loaded on first use.

    Raises `UnknownName`, `PluginBroken`.
    """
    return Connector(key, kind or discovery.find(key).kind, discovery.load(kind, key))


class Connector:
    """The seven hooks of one plugin as methods with the hooks' arguments.

    Each raises what the plugin raises if it is a `HubError`, and `ConnectorBug` for anything else or for an answer that
    breaks the contract. ``capabilities`` names the hooks that the plugin has.
    """

    def __init__(self, key: str, kind: str, plugin: object) -> None:
        """Raises `PluginBroken` when the plugin does not keep the contract."""
        self.key = key
        self.kind = kind
        self._manager = pluggy.PluginManager(PROJECT)
        self._manager.add_hookspecs(HookSpecs)
        try:
            self._manager.register(plugin, name=key)
        except (pluggy.PluginValidationError, ValueError) as error:
            lines = str(error).splitlines()  # between them: the function's repr
            raise self._broken(" ".join(dict.fromkeys([lines[0], lines[-1]]))) from error
        try:
            self._manager.check_pending()
        except pluggy.PluginValidationError as error:
            unknown = ", ".join(repr(name) for name in vars(self._manager.hook) if name not in HOOKS and name[0] != "_")
            raise self._broken(f"it has a hook {unknown}; Hub's are {', '.join(HOOKS)}.") from error
        self.capabilities = frozenset(self._checked_hooks())
        self.manifest = self._checked_manifest(plugin)

    # The hooks

    async def authenticate(self, connection: Connection) -> Account:
        return self._is(Account, "authenticate", await self._call("authenticate", connection=connection))

    async def list_fields(self, connection: Connection, kind: RecordKind) -> Sequence[FieldInfo]:
        found = await self._call("list_fields", connection=connection, kind=kind)
        return self._all(FieldInfo, "list_fields", found)

    async def match(self, connection: Connection, kind: RecordKind, query: Query) -> Sequence[CrmRecord]:
        return self._all(CrmRecord, "match", await self._call("match", connection=connection, kind=kind, query=query))

    async def export(self, connection: Connection, kind: RecordKind, writes: Sequence[Write]) -> Sequence[Outcome]:
        """Exactly one outcome per write, in the order of the writes."""
        answer = await self._call("export", connection=connection, kind=kind, writes=writes)
        outcomes = self._all((Written, Rejected), "export", answer)
        by_ref = {outcome.ref: outcome for outcome in outcomes}
        wanted = [write.ref for write in writes]
        missing = [ref for ref in wanted if ref not in by_ref]
        if missing:
            raise ConnectorBug(self.key, "export", f"it gave no outcome for {_some(missing)}.")
        if len(outcomes) != len(wanted):
            extra = sorted(by_ref.keys() - set(wanted))
            problem = (
                f"it answered for {_some(extra)}, which was not asked" if extra else "it gave two outcomes for one"
            )
            raise ConnectorBug(self.key, "export", f"{problem}.")
        return [by_ref[ref] for ref in wanted]

    async def sync(
        self, connection: Connection, kind: RecordKind, cursor: str | None, fields: Sequence[FieldInfo]
    ) -> Page:
        answer = await self._call("sync", connection=connection, kind=kind, cursor=cursor, fields=fields)
        page = self._is(Page, "sync", answer)
        self._all(CrmRecord, "sync", page.changes)
        if not page.done and page.next_cursor == cursor:
            raise ConnectorBug(self.key, "sync", "the next cursor is the one it was given, so reading would never end.")
        return page

    async def enrich(self, connection: Connection, query: Question) -> Found | None:
        answer = await self._call("enrich", connection=connection, query=query)
        return None if answer is None else self._is(Found, "enrich", answer)

    async def notify(self, connection: Connection, message: Message) -> Delivered:
        return self._is(Delivered, "notify", await self._call("notify", connection=connection, message=message))

    # How a hook is called

    async def _call(self, hook: str, **arguments: Any) -> Any:
        """The plugin's answer. Lets cancellation pass; see the class for the errors."""
        if hook not in self.capabilities:
            raise ConnectorBug(self.key, hook, "the plugin does not have this hook.")
        limit = asyncio.timeout(TIME_OUTS[hook])
        try:
            async with limit:
                return await getattr(self._manager.hook, hook)(**arguments)[0]
        except HubError:
            raise
        except (asyncio.CancelledError, KeyboardInterrupt, GeneratorExit):
            raise
        except BaseException as error:
            if limit.expired():
                raise Unavailable(
                    f"{self.manifest.name} did not answer within {TIME_OUTS[hook]:.0f} seconds.",
                    in_doubt=hook == "export",
                ) from error
            raise self._translated(hook, error) from error

    def _translated(self, hook: str, error: BaseException) -> HubError:
        """What an unexpected exception becomes: its type and place, never its text, which may hold personal data."""
        if isinstance(error, BaseExceptionGroup):
            leaves = list(_leaves(cast("BaseExceptionGroup[BaseException]", error)))
            known = [leaf for leaf in leaves if isinstance(leaf, HubError)]
            if len(known) == len(leaves):  # a TaskGroup in the plugin wraps what its tasks raise
                return known[0]
            error = next(leaf for leaf in leaves if not isinstance(leaf, HubError))
        if isinstance(error, VendorRefused):
            return ConnectorBug(self.key, hook, f"the vendor answered with status {error.status}.")
        frames = extract_tb(error.__traceback__)
        place = f" at {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
        return ConnectorBug(self.key, hook, f"{type(error).__name__}{place}.")

    def _is(self, expected: type[T], hook: str, answer: object) -> T:
        if not isinstance(answer, expected):
            raise ConnectorBug(
                self.key, hook, f"it answered {type(answer).__name__} where {expected.__name__} is expected."
            )
        return answer

    def _all(self, expected: type[T] | tuple[type[T], ...], hook: str, answer: object) -> Sequence[T]:
        if not isinstance(answer, (list, tuple)):
            raise ConnectorBug(self.key, hook, f"it answered {type(answer).__name__} where a list is expected.")
        rows = cast("Sequence[Any]", answer)
        wrong = next((row for row in rows if not isinstance(row, expected)), None)
        if wrong is not None or None in rows:
            raise ConnectorBug(self.key, hook, f"its list holds {type(wrong).__name__}, which does not belong there.")
        return rows

    # What is checked when it is loaded

    def _checked_hooks(self) -> Iterable[str]:
        for hook in HOOKS:
            for implementation in getattr(self._manager.hook, hook).get_hookimpls():
                if any(implementation.opts.get(name) for name in _FORBIDDEN):
                    raise self._broken(f"its hook {hook} uses an option of hookimpl; Hub's hooks take none.")
                if not inspect.iscoroutinefunction(implementation.function):
                    raise self._broken(f"its hook {hook} is not an 'async def'.")
                yield hook

    def _checked_manifest(self, plugin: object) -> Manifest:
        manifest = discovery.manifest_of(self.key, plugin)
        settings = cast(object, manifest.settings)  # whatever its author put there
        if not (inspect.isclass(settings) and issubclass(settings, Settings)):
            raise self._broken("its settings are not a class made from hub_core.plugin.Settings.")
        known = manifest.settings.model_fields
        if isinstance(manifest.auth, (BearerToken, HeaderKey)) and manifest.auth.setting not in known:
            raise self._broken(f"its auth names the setting {manifest.auth.setting!r}, which its settings do not have.")
        missing = [hook for hook in REQUIRED.get(self.kind, ()) if hook not in self.capabilities]
        if missing:
            raise self._broken(f"it has no hook {', '.join(missing)}, which every {self.kind} plugin needs.")
        if self.kind == "crm" and manifest.crm is None:
            raise self._broken("its manifest does not say what the CRM can do (crm=CrmTraits(...)).")
        if not 0 < manifest.share <= 1:
            raise self._broken("its share of the API limits is not between 0 and 1.")
        return manifest

    def _broken(self, reason: str) -> PluginBroken:
        return PluginBroken(self.key, reason, _AUTHOR)


def _leaves(group: BaseExceptionGroup[BaseException]) -> Iterable[BaseException]:
    for error in group.exceptions:
        if isinstance(error, BaseExceptionGroup):
            yield from _leaves(cast("BaseExceptionGroup[BaseException]", error))
        else:
            yield error


def _some(refs: Sequence[str]) -> str:
    """The first few of many names."""
    return ", ".join(refs[:5]) + (f" and {len(refs) - 5} more" if len(refs) > 5 else "")
