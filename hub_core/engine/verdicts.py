"""Whether each installed plugin can be used, found out by loading it once and remembered until its code changes.

Remembering is what makes listing quick: nothing is imported for a plugin that was found ready before. What is broken is
tried again each time, since the mend may be outside of it.
"""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path

from hub_core import HUB_API, __version__
from hub_core.engine.discovery import Installed

READY, BROKEN, OFF = "ready", "broken", "switched off"


@dataclass(frozen=True, slots=True)
class Verdict:
    """``name`` is the manifest's, "" when it could not be read. ``why`` and ``fix`` are set for a broken plugin."""

    status: str
    name: str = ""
    why: str = ""
    fix: str = ""


def verdicts(plugins: Iterable[Installed], remembered: Path) -> dict[str, Verdict]:
    """The verdict on each plugin by key; ``remembered`` is the file that keeps those found ready."""
    stamp = _stamp()
    before = _read(remembered, stamp)
    after: dict[str, list[str]] = {}
    found: dict[str, Verdict] = {}
    for plugin in plugins:
        mark = "" if plugin.disabled or plugin.why else _mark(plugin)
        held = before.get(plugin.key)
        if held and mark and held[0] == mark:
            found[plugin.key] = Verdict(READY, held[1])
        else:
            found[plugin.key] = _judge(plugin)
        if found[plugin.key].status == READY and mark:
            after[plugin.key] = [mark, found[plugin.key].name]
    if after != before:
        _write(remembered, {"stamp": stamp, "ready": after})
    return found


def _judge(plugin: Installed) -> Verdict:
    if plugin.disabled:
        return Verdict(OFF)
    if plugin.why:
        return Verdict(BROKEN, why=plugin.why, fix=plugin.fix)
    from hub_core.engine.connectors import connector
    from hub_core.errors import PluginBroken

    try:
        return Verdict(READY, connector(plugin.key).manifest.name)
    except PluginBroken as broken:
        return Verdict(BROKEN, why=broken.reason, fix=broken.fix)
    except KeyboardInterrupt:  # raised by the plugin itself, or Ctrl-C while it is imported: the others are listed
        return Verdict(BROKEN, why="importing it was interrupted.", fix="List the plugins again, or update this one.")


def _stamp() -> list[object]:
    """What every verdict depends on: the hub, Python, and where installers write."""
    times = [
        Path(folder).stat().st_mtime_ns
        for folder in sys.path
        if folder.endswith(("site-packages", "dist-packages")) and Path(folder).is_dir()
    ]
    return [__version__, list(HUB_API), sys.version, times]


def _mark(plugin: Installed) -> str:
    """What one verdict depends on; "" when the plugin's files are not found. Imports nothing."""
    try:
        spec = _spec(plugin.value.partition(":")[0])
    except (ImportError, ValueError):
        return ""
    if spec is None or spec.origin is None:
        return ""
    with os.scandir(Path(spec.origin).parent) as files:
        newest = max(file.stat().st_mtime_ns for file in files if file.name.endswith(".py"))
    return json.dumps([plugin.package, plugin.version, plugin.value, newest])


def _spec(module: str) -> ModuleSpec | None:
    """Where a module is. Unlike `importlib.util.find_spec` it does not import the packages around it."""
    top, *rest = module.split(".")
    spec = importlib.util.find_spec(top)
    name = top
    for part in rest:
        if spec is None or spec.submodule_search_locations is None:
            return None
        name = f"{name}.{part}"
        spec = PathFinder.find_spec(name, list(spec.submodule_search_locations))
    return spec


def _read(path: Path, stamp: object) -> dict[str, list[str]]:
    """By key: the mark and name of the plugins found ready under the same ``stamp``."""
    try:
        content = json.loads(path.read_bytes())
        return content["ready"] if content["stamp"] == stamp else {}
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def _write(path: Path, content: object) -> None:
    """Written beside it and moved into place, so that a reader never sees half of it; a failure only costs time."""
    fresh = path.with_name(f"{path.name}.{os.getpid()}")
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh.write_text(json.dumps(content))
        fresh.replace(path)
