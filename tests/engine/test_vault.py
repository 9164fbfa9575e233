from __future__ import annotations

import base64
import stat
from dataclasses import replace
from pathlib import Path

import pytest

from hub_core.engine.settings import read_settings
from hub_core.engine.vault import Vault, open_vault
from hub_core.errors import SetupInvalid

MASTER = bytes(range(32))


def test_a_secret_opens_where_it_was_sealed() -> None:
    vault = Vault(MASTER)
    assert vault.open(1, 2, vault.seal(1, 2, "token", "s3cret ü")) == "s3cret ü"


def test_the_same_secret_is_never_sealed_alike() -> None:
    vault = Vault(MASTER)
    assert vault.seal(1, 2, "token", "s3cret").ciphertext != vault.seal(1, 2, "token", "s3cret").ciphertext


@pytest.mark.parametrize(("workspace", "connection", "name"), [(9, 2, "token"), (1, 9, "token"), (1, 2, "other")])
def test_a_secret_moved_to_another_row_does_not_open(workspace: int, connection: int, name: str) -> None:
    vault = Vault(MASTER)
    moved = replace(vault.seal(1, 2, "token", "s3cret"), name=name)
    with pytest.raises(SetupInvalid, match="changed or moved"):
        vault.open(workspace, connection, moved)


def test_another_master_key_is_refused_by_name() -> None:
    sealed = Vault(MASTER).seal(1, 2, "token", "s3cret")
    with pytest.raises(SetupInvalid, match="another key") as caught:
        Vault(bytes(32)).open(1, 2, sealed)
    assert sealed.key_id in caught.value.message


def test_the_key_file_is_made_once_and_for_its_owner_only(tmp_path: Path) -> None:
    settings = read_settings({"HUB_HOME": str(tmp_path / "home")})
    first, second = open_vault(settings, {}), open_vault(settings, {})
    assert first.key_id == second.key_id
    assert stat.S_IMODE(settings.secret_key_file.stat().st_mode) == 0o600
    assert [file.name for file in settings.home.iterdir()] == ["secret.key"]


def test_the_key_of_the_environment_wins_and_leaves_no_file(tmp_path: Path) -> None:
    settings = read_settings({"HUB_HOME": str(tmp_path)})
    vault = open_vault(settings, {"HUB_SECRET_KEY": base64.b64encode(MASTER).decode()})
    assert vault.key_id == Vault(MASTER).key_id
    assert not settings.secret_key_file.exists()


@pytest.mark.parametrize("key", ["hunter2", base64.b64encode(b"short").decode()])
def test_a_key_of_another_form_is_refused_without_repeating_it(tmp_path: Path, key: str) -> None:
    with pytest.raises(SetupInvalid) as caught:
        open_vault(read_settings({"HUB_HOME": str(tmp_path)}), {"HUB_SECRET_KEY": key})
    assert key not in str(caught.value)
