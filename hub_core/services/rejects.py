"""The file of rows that an import could not take in: unchanged, with the reason, ready to be corrected."""

from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path
from typing import IO, Any

from hub_core.errors import BadInput
from hub_core.rules.columns import REJECT_HEADINGS
from hub_core.rules.incoming import RowProblem


def beside(path: Path, wanted: Path | None) -> Path:
    """Where rejected rows go."""
    found = wanted or path.with_name(f"{path.stem}.rejects.csv")
    if found.resolve() == path.resolve():
        raise BadInput("Rejected rows cannot be written into the file that is imported.", fix="Name another file.")
    return found


class Rejects:
    """The file of rejected rows; it is only made when there are any."""

    def __init__(self, path: Path, headings: tuple[str, ...]) -> None:
        self.count = 0
        self.reasons: Counter[tuple[str, str]] = Counter()
        self._path = path
        self._kept = [index for index, heading in enumerate(headings) if heading not in REJECT_HEADINGS]
        self._headings = headings
        self._file: IO[str] | None = None
        self._writer: Any = None

    def add(self, line: int, cells: list[str], problem: RowProblem) -> None:
        if self._file is None:
            self._open()
        row = [cells[index] if index < len(cells) else "" for index in self._kept]
        self._writer.writerow([*row, line, problem.column, problem.reason])
        self.count += 1
        self.reasons[problem.column, problem.reason] += 1

    def _open(self) -> None:
        try:
            # The mark tells spreadsheets that it is UTF-8.
            self._file = self._path.open("w", encoding="utf-8-sig", newline="")
        except OSError as error:
            raise BadInput(
                f"Some rows are rejected, but {self._path} cannot be written: {error.strerror}.",
                fix="Name another file for them (--rejects FILE).",
            ) from None
        self._writer = csv.writer(self._file)
        self._writer.writerow([*(self._headings[index] for index in self._kept), *REJECT_HEADINGS])

    def __enter__(self) -> Rejects:
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            self._file.close()
