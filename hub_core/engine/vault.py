"""Secrets at rest: AES-256-GCM under a master key that is never in the database."""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from hub_core.engine.settings import HubSettings
from hub_core.engine.store.connections import Sealed
from hub_core.errors import SetupInvalid

_NONCE = 12  # bytes: the size GCM is made for


class Vault:
    """Seals and opens the secrets of connections. A sealed secret opens only where it was sealed: its workspace, its
    connection and its name are part of what is authenticated."""

    def __init__(self, master: bytes) -> None:
        """``master``: 32 bytes."""
        self._cipher = AESGCM(master)
        self.key_id = hashlib.sha256(b"hub key id\0" + master).hexdigest()[:16]

    def seal(self, workspace_id: int, connection_id: int, name: str, secret: str) -> Sealed:
        nonce = os.urandom(_NONCE)
        data = self._cipher.encrypt(nonce, secret.encode(), _place(workspace_id, connection_id, name))
        return Sealed(name, self.key_id, nonce, data)

    def open(self, workspace_id: int, connection_id: int, sealed: Sealed) -> str:
        """The secret; raises `SetupInvalid` when another master key sealed it or the row was tampered with."""
        if sealed.key_id != self.key_id:
            raise SetupInvalid(
                f"The stored secrets were encrypted with another key (id {sealed.key_id}; this one is {self.key_id}).",
                fix="Give the hub the key it had before (HUB_SECRET_KEY or the key file), or connect again.",
            )
        try:
            data = self._cipher.decrypt(
                sealed.nonce, sealed.ciphertext, _place(workspace_id, connection_id, sealed.name)
            )
        except InvalidTag as error:
            raise SetupInvalid(
                "A stored secret was changed or moved, so it is not used.", fix="Connect the integration again."
            ) from error
        return data.decode()


def open_vault(settings: HubSettings, environ: dict[str, str] | None = None) -> Vault:
    """The vault under HUB_SECRET_KEY (32 bytes in base64), else under the key file, which is made if there is none.

    Raises `SetupInvalid` for a key of another form.
    """
    given = (os.environ if environ is None else environ).get("HUB_SECRET_KEY")
    if given:
        return Vault(_decoded(given, "HUB_SECRET_KEY"))
    path = settings.secret_key_file
    return Vault(_decoded(_read_or_make(path), str(path)))


def _read_or_make(path: Path) -> str:
    try:
        return path.read_text()
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True)
    # Written in full beside it, then linked into place: of two processes the first wins, and nobody reads half a key.
    fresh = path.with_name(f"{path.name}.{os.getpid()}")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(base64.b64encode(os.urandom(32)).decode() + "\n")
    try:
        path.hardlink_to(fresh)
    except FileExistsError:
        pass
    finally:
        fresh.unlink()
    return path.read_text()


def _decoded(text: str, source: str) -> bytes:
    try:
        key = base64.b64decode(text.strip(), validate=True)
    except binascii.Error:
        key = b""
    if len(key) != 32:
        raise SetupInvalid(
            f"{source} does not hold a key of 32 bytes in base64.",
            fix="Make one: python -c 'import base64, os; print(base64.b64encode(os.urandom(32)).decode())'",
        )
    return key


def _place(workspace_id: int, connection_id: int, name: str) -> bytes:
    return f"{workspace_id}|{connection_id}|{name}".encode()
