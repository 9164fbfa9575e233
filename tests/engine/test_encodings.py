from __future__ import annotations

from pathlib import Path

import pytest

from hub_core.engine.encodings import examine, label
from hub_core.errors import BadInput


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("plain\n", "utf-8"),
        ("Größe\n", "utf-8"),
        ("Nom;Société\nFrançois Lefèvre;Crédit “Océan” – 12 €\n", "cp1252"),
        ("Nombre\nÁngel Núñez\nMaría Ibáñez\n", "cp1252"),
        ("Name\nRené\n", "cp1252"),
        ("Name\nMałgorzata Wiśniewska\n", "cp1250"),
        ("Имя\nИван\nПётр\n", "koi8_r"),
    ],
)
def test_an_encoding_is_recognised_by_its_text(tmp_path: Path, text: str, encoding: str) -> None:
    path = tmp_path / "file.csv"
    path.write_bytes(text.encode(encoding))
    found = examine(path)
    assert path.read_text(found.encoding) == text
    assert found.lines == text.count("\n")


def test_bytes_that_windows_1252_does_not_have_are_read_as_latin_1(tmp_path: Path) -> None:
    path = tmp_path / "file.csv"
    path.write_bytes(b"Name\nRen\xe9\nA\x81\x8d\x8f\x90\x9d\n")
    assert examine(path).encoding in {"latin-1", "cp1250", "mac_roman", "koi8_r"}


def test_a_character_may_be_cut_by_the_end_of_a_block(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hub_core.engine.encodings._BLOCK", 7)
    path = tmp_path / "file.csv"
    path.write_bytes("a,b\nééé,ééééé€€€\n".encode())
    assert examine(path).encoding == "utf-8"


def test_codecs_that_are_no_encodings_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "file.csv"
    path.write_bytes(b"a\n1\n")
    with pytest.raises(BadInput, match="no encoding"):
        examine(path, "base64")


def test_people_read_familiar_names() -> None:
    assert (label("utf-8-sig"), label("cp1252"), label("koi8_r")) == ("UTF-8", "Windows-1252", "KOI8_R")
