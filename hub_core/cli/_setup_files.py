"""The set-up as a file: read, written, headed."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from hub_core.errors import BadInput

if TYPE_CHECKING:
    from hub_core.model.setup import CrmSetup
    from hub_core.services.hub import OpenConnection


def yaml_of(crm: OpenConnection, setup: CrmSetup, version: int) -> str:
    """The document for people, with what it is and how to save it above."""
    from hub_core.rules.documents import to_yaml

    heading = f"Set-up of {crm.connector.manifest.name}, made from version {version}.\nSave with: hub setup apply FILE"
    return to_yaml(setup, heading)


def write(file: Path, text: str) -> None:
    """Write a file, or the terminal when it is "-". Raises `BadInput`."""
    if file == Path("-"):
        sys.stdout.write(text)
        return
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise BadInput(f"{file} cannot be written: {error.strerror}.", fix="Name another file.") from None


def read(file: Path) -> str:
    """Read a file, or standard input when it is "-". Raises `BadInput`."""
    if file == Path("-"):
        return sys.stdin.read()
    try:
        return file.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise BadInput(f"{file} cannot be read: {error.strerror}.", fix="Name another file.") from None
    except UnicodeDecodeError:
        raise BadInput(f"{file} is not text.", fix="Name a file that 'hub setup export' has written.") from None
