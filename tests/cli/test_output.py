from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from hub_core.cli._output import emit, print_json, print_json_stream, run
from hub_core.model.records import RecordKind


@dataclass
class Row:
    kind: RecordKind
    at: datetime
    keys: frozenset[str]
    path: Path


def test_json_is_one_document_whatever_is_in_it(capsys: pytest.CaptureFixture[str]) -> None:
    print_json([Row(RecordKind.CONTACT, datetime(2026, 1, 2, tzinfo=UTC), frozenset("ba"), Path("x"))])
    (row,) = json.loads(capsys.readouterr().out)
    assert row == {"kind": "contact", "at": "2026-01-02T00:00:00+00:00", "keys": ["a", "b"], "path": "x"}


def test_emit_prints_the_table_only_for_people(capsys: pytest.CaptureFixture[str]) -> None:
    emit({"a": 1}, True, lambda: pytest.fail("not asked for"))
    assert json.loads(capsys.readouterr().out) == {"a": 1}


def test_text_with_brackets_is_printed_as_it_is(capfd: pytest.CaptureFixture[str]) -> None:
    from hub_core.cli import _output

    _output.console.cache_clear()
    emit({}, False, lambda: "pip install 'x[y]' [red]")
    _output.console.cache_clear()
    assert capfd.readouterr().out == "pip install 'x[y]' [red]\n"


def test_run_gives_the_coroutines_answer() -> None:
    async def work() -> int:
        await asyncio.sleep(0)
        return 7

    assert run(work()) == 7


@pytest.mark.parametrize("items", [[], [1], [{"a": ["x\ny", {}]}, {"b": []}]])
def test_a_streamed_document_is_the_same_as_a_whole_one(
    items: list[object], capsys: pytest.CaptureFixture[str]
) -> None:
    async def each() -> AsyncGenerator[object]:
        for item in items:
            yield item

    head = {"run": {"id": 7}, "outcomes": {}}
    print_json({**head, "items": items})
    whole = capsys.readouterr().out
    run(print_json_stream(head, "items", each()))
    assert capsys.readouterr().out == whole
