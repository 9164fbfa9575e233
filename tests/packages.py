"""Third-party packages made on the fly: a folder on ``sys.path`` with modules and their dist-info."""

from __future__ import annotations

import sys
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from hub_core.engine import discovery

HEADER = """
from hub_core.plugin import *
from pydantic import SecretStr

class Key(Settings):
    token: SecretStr

class Finder:
    manifest = Manifest(name="Finder", base_url="https://finder.example", settings=Key)

    @hookimpl
    async def authenticate(self, connection):
        return Account("1", "Ada's account")
"""
ENRICH = """
    @hookimpl
    async def enrich(self, connection, query):
        return None
"""
#: A whole enrichment plugin; tests spoil it.
GOOD = f"{HEADER}{ENRICH}\nplugin = Finder()\n"


@dataclass(frozen=True)
class Packages:
    folder: Path

    def add(
        self,
        package: str,
        key: str,
        code: str = GOOD,
        *,
        kind: str = "enrichment",
        extras: Mapping[str, str] | None = None,
        value: str | None = None,
    ) -> None:
        """Install ``package`` with one module, whose ``plugin`` is the plugin ``key``."""
        module = package.replace("-", "_")
        (self.folder / f"{module}.py").write_text(code)
        info = self.folder / f"{module}-1.2.dist-info"
        info.mkdir()
        lines = ["Metadata-Version: 2.1", f"Name: {package}", "Version: 1.2", f"Summary: {package} finds things."]
        lines += [f"Requires-Dist: {needs}; extra == '{extra}'" for extra, needs in (extras or {}).items()]
        (info / "METADATA").write_text("\n".join(lines) + "\n")
        (info / "entry_points.txt").write_text(f"[hub.{kind}]\n{key} = {value or f'{module}:plugin'}\n")
        discovery.rescan()


@contextmanager
def packages(folder: Path) -> Generator[Packages]:
    folder.mkdir(exist_ok=True)
    sys.path.insert(0, str(folder))
    try:
        yield Packages(folder)
    finally:
        sys.path.remove(str(folder))
        for name, module in list(sys.modules.items()):
            if str(getattr(module, "__file__", None) or "").startswith(str(folder)):
                del sys.modules[name]
        discovery.rescan()


def environment(folder: Path, home: Path, **more: str) -> dict[str, str]:
    """Environment variables for a subprocess that sees the packages in ``folder``."""
    import os

    kept = {name: held for name, held in os.environ.items() if not name.startswith("HUB_")}
    return {**kept, "PYTHONPATH": str(folder), "HUB_HOME": str(home), "NO_COLOR": "1", **more}


def hub(*arguments: str) -> Sequence[str]:
    """The command line of ``hub`` with these arguments."""
    return [sys.executable, "-c", "from hub_core.cli import main; main()", *arguments]
