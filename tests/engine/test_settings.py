from __future__ import annotations

from pathlib import Path

from hub_core.engine.settings import read_settings


def test_everything_lies_under_the_home_unless_said_otherwise(tmp_path: Path) -> None:
    settings = read_settings({"HUB_HOME": str(tmp_path)})
    assert settings.embedded_data == tmp_path / "postgres"
    assert settings.secret_key_file == tmp_path / "secret.key"
    assert (settings.database_url, settings.workspace, settings.disabled) == (None, "default", frozenset())


def test_the_environment_sets_every_one(tmp_path: Path) -> None:
    settings = read_settings(
        {
            "HUB_HOME": str(tmp_path),
            "HUB_DATABASE_URL": "postgresql://h/d",
            "HUB_WORKSPACE": "sales",
            "HUB_DISABLED_CONNECTORS": " a, b ,,",
            "HUB_SECRET_KEY_FILE": str(tmp_path / "k"),
        }
    )
    assert settings.database_url == "postgresql://h/d"
    assert settings.workspace == "sales"
    assert settings.disabled == {"a", "b"}
    assert settings.secret_key_file == tmp_path / "k"


def test_an_empty_variable_counts_as_none(tmp_path: Path) -> None:
    settings = read_settings({"HUB_HOME": str(tmp_path), "HUB_DATABASE_URL": "", "HUB_WORKSPACE": ""})
    assert (settings.database_url, settings.workspace) == (None, "default")
