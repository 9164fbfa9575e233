"""Which plugins are installed, and how one is loaded: the only place that imports stevedore.

Listing reads packages' metadata and imports none of them. A plugin is imported on first use; one that fails then is
broken by itself and harms nothing else.
"""

from __future__ import annotations

import contextlib
import importlib
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import TYPE_CHECKING, Any, cast

from hub_core import HUB_API
from hub_core.engine.settings import read_settings
from hub_core.errors import NotPossible, PluginBroken, UnknownName

if TYPE_CHECKING:
    from hub_core.manifest import Manifest

KINDS = ("crm", "enrichment", "ai", "source", "notify")
_AUTHOR = "Update it, or report this to its author."


@dataclass(frozen=True, slots=True)
class Installed:
    """One plugin as its package's metadata describes it. ``value`` is where it lives ("module:object").

    ``why`` and ``fix`` are set when the metadata alone shows that it cannot be used; ``disabled`` when the operator has
    switched it off.
    """

    key: str
    kind: str
    package: str
    version: str
    summary: str
    value: str
    disabled: bool = False
    why: str = ""
    fix: str = ""


@cache
def installed() -> tuple[Installed, ...]:
    """Every installed plugin, by kind and key. Imports no plugin; `rescan` reads the metadata again."""
    off = read_settings().disabled
    by_key: dict[str, list[Installed]] = {}
    everything = entry_points()  # one reading of all packages; asking by group would be one for each
    for kind in KINDS:
        for point in everything.select(group=f"hub.{kind}"):
            by_key.setdefault(point.name, []).append(_described(kind, point, point.name in off))
    plugins = [claims[0] if len(claims) == 1 else _contested(claims) for claims in by_key.values()]
    return tuple(sorted(plugins, key=lambda plugin: (KINDS.index(plugin.kind), plugin.key)))


def find(key: str) -> Installed:
    """The installed plugin ``key``; raises `UnknownName`, which says the nearest keys."""
    known = {plugin.key: plugin for plugin in installed()}
    if key not in known:
        raise UnknownName("plugin", key, known, fix="" if known else f"Install it: pip install hub-plugin-{key}")
    return known[key]


@cache
def _load(key: str) -> object:
    """The plugin object, or the `PluginBroken` that says why there is none: a failed import is not tried again."""
    try:
        return _loaded(find(key))
    except PluginBroken as broken:
        return broken


def load(kind: str | None, key: str) -> object:
    """The plugin object ``key``, imported on first use.

    Raises `UnknownName` when no plugin (of ``kind``, if given) has this key, `NotPossible` when the operator has
    switched it off, `PluginBroken` when it cannot be used.
    """
    plugin = find(key)
    if kind is not None and plugin.kind != kind:
        raise UnknownName(f"{kind} plugin", key, [other.key for other in installed() if other.kind == kind])
    if plugin.disabled:
        raise NotPossible(
            f"The plugin {key!r} is switched off.", fix=f"Take {key} out of HUB_DISABLED_CONNECTORS to use it."
        )
    found = _load(key)
    if isinstance(found, PluginBroken):
        raise PluginBroken(found.plugin, found.reason, found.fix) from found.__cause__
    return found


def load_simulator(key: str) -> Callable[[], Any]:
    """The factory of the simulated vendor that the plugin ``key`` brings; what it returns is an ASGI app.

    Raises `UnknownName` when it brings none, `PluginBroken`.
    """
    known = [point.name for point in entry_points(group="hub.simulator")]
    if key not in known:
        raise UnknownName("simulator", key, known)
    factory = _imported("hub.simulator", key)
    if not callable(factory):
        raise PluginBroken(key, "its simulator is not a function that makes an ASGI app.", _AUTHOR)
    return factory


def manifest_of(key: str, plugin: object) -> Manifest:
    """The plugin's manifest; raises `PluginBroken` when it has none or speaks another version of the contract."""
    from hub_core.manifest import Manifest

    manifest = getattr(plugin, "manifest", None)
    if not isinstance(manifest, Manifest):
        raise PluginBroken(
            key, "it has no manifest (an attribute 'manifest' holding a hub_core.plugin.Manifest).", _AUTHOR
        )
    major, minor = manifest.api
    spoken, known = f"{major}.{minor}", ".".join(map(str, HUB_API))
    if major > HUB_API[0] or (major == HUB_API[0] and minor > HUB_API[1]):
        raise PluginBroken(
            key,
            f"it needs version {spoken} of the plugin contract; this hub has {known}.",
            "Update the hub: pip install --upgrade hub-core",
        )
    if major < HUB_API[0]:
        raise PluginBroken(
            key,
            f"it was made for version {spoken} of the plugin contract; this hub has {known}.",
            f"Update it: pip install --upgrade {find(key).package}",
        )
    return manifest


def rescan() -> tuple[Installed, ...]:
    """Read again what is installed, after a package came or went; a changed plugin still needs a restart."""
    from hub_core.engine import connectors

    importlib.invalidate_caches()
    installed.cache_clear()
    _load.cache_clear()
    connectors.connector.cache_clear()
    return installed()


def _described(kind: str, point: EntryPoint, disabled: bool) -> Installed:
    """A package's metadata can be cut short or unreadable: what it does not say is ""."""
    said: dict[str, str] = {}
    with contextlib.suppress(Exception):  # each version of importlib.metadata has its own errors for this
        said = {name: str(text) for name, text in cast("Any", point.dist).metadata.json.items()}
    return Installed(
        point.name,
        kind,
        *(said.get(name, "") for name in ("name", "version", "summary")),
        value=point.value,
        disabled=disabled,
    )


def _contested(claims: Iterable[Installed]) -> Installed:
    """The one entry for a key that several packages claim."""
    claims = sorted(claims, key=lambda claim: claim.package)
    packages = list(dict.fromkeys(claim.package or claim.value.partition(":")[0] for claim in claims))
    return Installed(
        claims[0].key,
        claims[0].kind,
        " and ".join(packages),
        "",
        "",
        "",
        claims[0].disabled,
        why=f"{' and '.join(packages)} both claim this key."
        if len(packages) > 1
        else f"{packages[0]} claims it twice.",
        fix=f"Uninstall one of them: pip uninstall {packages[-1]}",
    )


def _loaded(plugin: Installed) -> object:
    if plugin.why:
        raise PluginBroken(plugin.key, plugin.why, plugin.fix)
    return _imported(f"hub.{plugin.kind}", plugin.key)


def _imported(group: str, key: str) -> object:
    """What an entry point names; everything that importing it raises, an exit included, becomes `PluginBroken`."""
    from stevedore import DriverManager, ExtensionManager

    points = [point for point in entry_points(group=group) if point.name == key]
    # stevedore would keep what it reads here and in a file keyed by rough times. Given the entry points, it uses
    # neither and loads what `installed` lists.
    ExtensionManager.ENTRY_POINT_CACHE[group] = points
    try:
        return DriverManager(group, key).driver
    except KeyboardInterrupt:
        raise
    except ModuleNotFoundError as error:
        name = error.name or "it needs"
        raise PluginBroken(key, f"the module {name!r} is not installed.", _install(points[0], name)) from error
    except BaseException as error:
        text = str(error).partition("\n")[0][:200]
        raise PluginBroken(key, f"importing it raised {type(error).__name__}: {text}".rstrip(": "), _AUTHOR) from error


def _install(point: EntryPoint, module: str) -> str:
    """The pip command that brings ``module``: the package with its extra that names it, else the package itself."""
    package, requires = "", list[str]()
    with contextlib.suppress(Exception):  # as in `_described`
        package = str(cast("Any", point.dist).name or "")
        requires = cast("list[str]", cast("Any", point.dist).requires or [])
    if not package:
        return _AUTHOR
    top = module.partition(".")[0].replace("_", "-").lower()
    for requirement in requires:
        name = cast("re.Match[str]", re.match(r"[\w.-]*", requirement)).group().replace("_", "-").lower()
        extra = re.search(r"extra\s*==\s*['\"]([\w.-]+)['\"]", requirement)
        if name == top and extra:
            return f"pip install '{package}[{extra[1]}]'"
    return f"pip install --upgrade {package}"
