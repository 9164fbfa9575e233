"""Contacts as two systems hold them: the same people, spelled differently, with blanks and duplicates.

The noise is what SQL's own functions can undo (case, spaces, accents, forms of URLs and of company names), so that an
engine without our normalisers can reach the same answer.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

COLUMNS = ("linkedin", "first", "last", "company")
SCHEMA = pa.schema([("id", pa.int64()), *((name, pa.string()) for name in COLUMNS)])

_FIRST = [
    "Ana",
    "José",
    "Marie",
    "Jürgen",
    "Zoë",
    "Chloé",
    "Peter",
    "Núria",
    "Anaïs",
    "Björn",
    "Ivan",
    "Mia",
    "Noah",
    "Sofía",
    "Lucía",
    "Émile",
]
_LAST = [
    "García",
    "Müller",
    "Peña",
    "Dubois",
    "Lefèvre",
    "Schröder",
    "Novák",
    "Rossi",
    "Silva",
    "Conceição",
    "Kovács",
    "Smith",
    "Nuñez",
    "Åberg",
]
_COMPANY = [
    "Café",
    "Bäckerei",
    "Northwind",
    "Globex",
    "Initech",
    "Soluções",
    "Électro",
    "Umbrella",
    "Stark",
    "Vandelay",
    "Hooli",
    "Muñoz",
]
_FORMS = ("", " GmbH", " Inc.", ", Inc", " Ltd", " LLC", " S.L.", " SL", ", LLC")
_URLS = (
    "https://www.linkedin.com/in/{}",
    "https://www.linkedin.com/in/{}/",
    "http://linkedin.com/in/{}",
    "linkedin.com/in/{}",
    "www.linkedin.com/in/{}/",
    "https://de.linkedin.com/in/{}?trk=people",
    "https://es.linkedin.com/in/{}/",
    "HTTPS://WWW.LINKEDIN.COM/IN/{}",
)
_PLAIN = str.maketrans("áàâäãåçéèêëíïóôöõúüñÁÉÄÖÜÅÑ", "aaaaaaceeeeiioooouunAEAOUAN")


def write(folder: Path, count: int, seed: int = 11) -> None:
    """hub.parquet and crm.parquet with ``count`` rows each: 55 % of the hub's people are in the CRM."""
    known = count * 55 // 100
    _write(folder / "hub.parquet", _rows(range(count), seed + 1, duplicates=0.0))
    _write(folder / "crm.parquet", _rows(range(count - known, 2 * count - known), seed + 2, duplicates=0.03))


def _write(path: Path, rows: Iterator[tuple[int, str | None, str | None, str | None, str | None]]) -> None:
    with pq.ParquetWriter(path, SCHEMA) as writer:
        while chunk := [row for row, _ in zip(rows, range(100_000), strict=False)]:
            writer.write_table(pa.table([list(column) for column in zip(*chunk, strict=True)], schema=SCHEMA))


def _person(number: int) -> tuple[str, str, str, str]:
    """The truth about a person: profile, first name, last name, company."""
    chance = random.Random(number)
    first, last = chance.choice(_FIRST), f"{chance.choice(_LAST)} {chance.randrange(5000)}"
    company = f"{chance.choice(_COMPANY)} {chance.randrange(20_000)}"
    return f"{first.translate(_PLAIN).lower()}-{number:x}", first, last, company


def _rows(
    people: range, seed: int, *, duplicates: float
) -> Iterator[tuple[int, str | None, str | None, str | None, str | None]]:
    chance = random.Random(seed)
    number = 0
    for person in people:
        if number == len(people):
            return
        for _ in range(2 if chance.random() < duplicates else 1):
            if number == len(people):
                return
            number += 1
            slug, first, last, company = _person(person)
            url = chance.choice(_URLS).format(slug)
            yield (
                number,
                url if chance.random() > 0.45 else None,
                _noisy(chance, first),
                _noisy(chance, last) if chance.random() > 0.02 else None,
                _noisy(chance, company + chance.choice(_FORMS)) if chance.random() > 0.15 else None,
            )


def _noisy(chance: random.Random, text: str) -> str:
    kind = chance.randrange(8)
    if kind == 0:
        return text.upper()
    if kind == 1:
        return text.lower()
    if kind == 2:
        return f" {text} "
    if kind == 3:
        return text.replace(" ", "  ")
    if kind == 4:
        return text.translate(_PLAIN)
    return text
