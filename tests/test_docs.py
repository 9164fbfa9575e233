"""What the documents say is true: links lead somewhere, signatures are the code's, the example plugins work."""

from __future__ import annotations

import inspect
import re
import runpy
import subprocess
import tomllib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import parse_qs, urlsplit

import orjson
import pytest

import hub_core.plugin
from hub_core.connection import Connection
from hub_core.engine import settings
from hub_core.engine.connectors import REQUIRED, Connector
from hub_core.engine.http import open_http
from hub_core.errors import CredentialsRejected, ExitCode
from hub_core.hookspecs import HOOKS, HookSpecs
from hub_core.plugin import (
    Associate,
    Associated,
    AssociationType,
    ByIds,
    Condition,
    Create,
    CrmRecord,
    CrmType,
    FieldInfo,
    Probe,
    Question,
    RecordKind,
    Rejected,
    Update,
    Written,
)
from tests.engine.vendor import Answer, Asked, Vendor, serve

ROOT = Path(__file__).parents[1]
_SKIPPED = {".venv", ".git", ".hypothesis", "node_modules", ".pytest_cache", ".ruff_cache", "dist"}
PAGES = sorted(path for path in ROOT.rglob("*.md") if not _SKIPPED & set(path.relative_to(ROOT).parts))
CONTACT, COMPANY = RecordKind.CONTACT, RecordKind.COMPANY


def _text(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def _prose(text: str) -> str:
    """A page without its code blocks."""
    return re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)


def _anchors(page: Path) -> set[str]:
    """The names under which the headings of a page can be linked to."""
    headings = re.findall(r"^#+ +(.+)$", _prose(page.read_text(encoding="utf-8")), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def _blocks(language: str) -> dict[str, str]:
    """The code blocks of docs/plugins.md by the file name in their first line."""
    found = re.findall(rf"^```{language}\n# (\S+)\n(.*?)^```", _text("docs/plugins.md"), re.MULTILINE | re.DOTALL)
    return dict(found)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_relative_link_leads_somewhere(page: Path) -> None:
    broken: list[str] = []
    for target in re.findall(r"\]\(([^)\s]+)\)", _prose(page.read_text(encoding="utf-8"))):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        there = (page.parent / name).resolve() if name else page
        if not there.exists() or (anchor and anchor not in _anchors(there)):
            broken.append(target)
    assert not broken


def test_every_hook_has_a_heading_with_its_exact_signature() -> None:
    wanted: list[str] = []
    for hook in HOOKS:
        signature = inspect.signature(getattr(HookSpecs, hook))
        arguments = [f"{each.name}: {each.annotation}" for each in signature.parameters.values() if each.name != "self"]
        wanted.append(f"### `{hook}({', '.join(arguments)}) -> {signature.return_annotation}`")
    assert re.findall(r"^### .*$", _text("docs/plugins.md"), re.MULTILINE) == wanted


def test_every_name_for_plugin_authors_is_explained() -> None:
    text = _text("docs/plugins.md")
    assert [name for name in hub_core.plugin.__all__ if not re.search(rf"\b{name}\b", text)] == []


def test_the_hooks_that_each_kind_needs_are_listed() -> None:
    rows = re.findall(r"^\| (`hub\..*?) \| (.*?) \|", _text("docs/plugins.md"), re.MULTILINE)
    listed = {
        kind: tuple(re.findall(r"`(\w+)`", hooks))
        for kinds, hooks in rows
        for kind in re.findall(r"`hub\.(\w+)`", kinds)
    }
    assert listed == REQUIRED


def test_the_form_of_every_type_of_crm_value_is_said() -> None:
    section = _text("docs/plugins.md").partition("\n## Values\n")[2].partition("\n## ")[0]
    assert {CrmType[name] for name in re.findall(r"`([A-Z_]+)`", section)} == set(CrmType) - {CrmType.UNKNOWN}


def test_the_pyproject_of_the_example_declares_what_the_hub_looks_for() -> None:
    declared = tomllib.loads(_blocks("toml")["pyproject.toml"])
    points = declared["project"]["entry-points"]
    assert points["hub.crm"] == {"tinycrm": "hub_tinycrm.connector:plugin"}
    real = tomllib.loads(_text("plugins/hubspot/pyproject.toml"))
    assert declared["project"]["dependencies"] == real["project"]["dependencies"]
    assert set(points) == set(real["project"]["entry-points"])
    assert declared["build-system"] == real["build-system"]


def test_the_page_of_commands_is_what_the_commands_say() -> None:
    made = runpy.run_path(str(ROOT / ".ci" / "cli_page.py"))["page"]()
    assert _text("docs/cli.md") == made, "make it again: uv run python .ci/cli_page.py > docs/cli.md"


def test_the_readme_lists_the_exit_codes() -> None:
    rows = re.findall(r"^\| (\d+) \|", _text("README.md"), re.MULTILINE)
    assert [int(code) for code in rows] == [code.value for code in ExitCode]


def test_every_variable_that_an_operator_can_set_is_in_the_readme() -> None:
    read = set(re.findall(r"\"(HUB_[A-Z_]+)\"", inspect.getsource(settings)))
    assert read
    assert [name for name in sorted(read) if name not in _text("README.md")] == []


def test_every_place_in_the_table_of_places_exists() -> None:
    table = _text("CONTRIBUTING.md").partition("## Where do I change")[2].partition("\n## ")[0]
    rows = [line.split("|")[2] for line in table.splitlines() if line.startswith("| ") and "---" not in line][1:]
    named = [name for row in rows for name in re.findall(r"`([^`]+)`", row) if "/" in name or name.endswith(".md")]
    assert len(named) >= len(rows)
    assert [name for name in named if not list(ROOT.glob(name.rstrip("/")))] == []


def test_paths_in_the_architecture_exist() -> None:
    named = re.findall(r"`((?:hub_core|plugins|tests|docs|benchmarks|\.ci)/[\w./*-]*)`", _text("docs/architecture.md"))
    assert named
    assert [name for name in named if not list(ROOT.glob(name.rstrip("/")))] == []


def test_shell_commands_in_the_readme_are_commands_of_the_hub() -> None:
    text = _text("README.md") + _text("CONTRIBUTING.md")
    used = set(
        re.findall(
            r"^(?:uv run )?(hub [a-z]+(?: (?:list|show|apply|suggest|resolve|stop|status))?)\b", text, re.MULTILINE
        )
    )
    known = re.findall(r"^### `(hub [a-z ]+[a-z])", _text("docs/cli.md"), re.MULTILINE)
    assert used
    assert [
        command for command in sorted(used) if not any(f"{each} ".startswith(f"{command} ") for each in known)
    ] == []


def test_the_package_index_of_one_machine_is_not_in_the_repository() -> None:
    if not (ROOT / ".git").exists():
        pytest.skip("not a checkout: nothing is tracked here")
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    assert "uv.lock" not in tracked


# The example plugins, against a vendor on loopback


def _plugin(name: str) -> Any:
    module = ModuleType(name.removesuffix(".py").replace("/", "."))
    exec(compile(_blocks("python")[name], name, "exec", dont_inherit=True), module.__dict__)
    return module.plugin


@asynccontextmanager
async def _connected(connector: Connector, vendor: Vendor, **secrets: str) -> AsyncIterator[Connection]:
    manifest = connector.manifest
    accepted = manifest.settings.model_validate(secrets)
    async with (
        serve(vendor) as url,
        open_http(
            key=connector.key,
            base_url=url,
            auth=manifest.auth,
            settings=accepted,
            limits=manifest.limits,
            share=manifest.share,
            account="docs",
            db=None,
        ) as http,
    ):
        yield Connection("default", connector.key, accepted, url, http)


def _mailfinder(asked: Asked) -> Answer:
    """The vendor of the first example: it knows Ada."""
    if asked.headers.get("x-api-key") != "good":
        return Answer(401)
    target = urlsplit(asked.target)
    if target.path == "/account":
        return Answer(data={"id": 7, "name": "Acme"})
    if parse_qs(target.query) == {"name": ["Ada Lovelace"], "domain": ["acme.example"]}:
        return Answer(data={"email": "ada@acme.example", "score": 0.9})
    return Answer(404, {"error": "nobody"})


async def test_the_small_plugin_finds_misses_and_is_refused() -> None:
    connector = Connector("mailfinder", "enrichment", _plugin("hub_mailfinder/connector.py"))
    wanted = frozenset({"professionalEmail"})
    async with _connected(connector, Vendor(answering=_mailfinder), api_key="good") as connection:
        assert (await connector.authenticate(connection)).label == "Acme"
        known = {"fullName": "Ada Lovelace", "domain": "acme.example"}
        found = await connector.enrich(connection, Question(CONTACT, known, wanted))
        assert found is not None
        assert found.values == {"professionalEmail": "ada@acme.example"}
        nobody = {"fullName": "Nobody", "domain": "acme.example"}
        assert await connector.enrich(connection, Question(CONTACT, nobody, wanted)) is None
    async with _connected(connector, Vendor(answering=_mailfinder), api_key="bad") as connection:
        with pytest.raises(CredentialsRejected):
            await connector.authenticate(connection)


class _Tinycrm:
    """The vendor of the second example; an e-mail address is unique."""

    def __init__(self) -> None:
        self.people: dict[str, dict[str, Any]] = {}

    def __call__(self, asked: Asked) -> Answer:
        path = urlsplit(asked.target).path
        body = orjson.loads(asked.body) if asked.body else None
        rows = list(self.people.values())
        match path:
            case "/me":
                return Answer(data={"account": 1, "company": "Acme", "email": "ann@acme.example"})
            case "/people/fields":
                field = {"key": "email", "label": "E-mail", "type": "email", "computed": False}
                return Answer(data=[field, {**field, "key": "score", "type": "wine", "computed": True}])
            case "/people/read":
                return Answer(data=[row for row in rows if row["id"] in body["ids"]])
            case "/people/search":
                groups = body["any_of"]
                hit = [row for row in rows if any(all(row[key] in group[key] for key in group) for group in groups)]
                return Answer(data=hit)
            case "/people/batch":
                return Answer(data=[self._write(row) for row in body])
            case _:
                return Answer(data={"rows": rows, "next": "9", "more": False, "deleted": ["gone"]})

    def _write(self, row: dict[str, Any]) -> dict[str, Any]:
        ref = row.pop("ref")
        same = next((one for one in self.people.values() if one["email"] == row.get("email")), None)
        if same is not None and "id" not in row:
            return {"ref": ref, "error": "That e-mail address is taken", "existing": same["id"]}
        id_ = row.setdefault("id", str(len(self.people) + 1))
        self.people[id_] = {**self.people.get(id_, {}), **row, "modified": "2026-11-23T10:00:00Z"}
        return {"ref": ref, "id": id_, "modified": "2026-11-23T10:00:00Z"}


async def test_the_small_crm_plugin_keeps_the_contract() -> None:
    connector = Connector("tinycrm", "crm", _plugin("hub_tinycrm/connector.py"))
    email = FieldInfo("email", "E-mail", CrmType.EMAIL)
    async with _connected(connector, Vendor(answering=_Tinycrm()), token="t") as connection:
        assert (await connector.authenticate(connection)).user_email == "ann@acme.example"
        fields = await connector.list_fields(connection, CONTACT)
        assert [(field.id, field.type, field.read_only) for field in fields] == [
            ("email", CrmType.EMAIL, False),
            ("score", CrmType.UNKNOWN, True),
        ]
        tie = Associate(COMPANY, "c5", AssociationType.PRIMARY)
        writes = [Create("a", {"email": "ada@x.example"}, associate=(tie,)), Create("b", {"email": "ada@x.example"})]
        made, refused = await connector.export(connection, CONTACT, writes)
        assert isinstance(made, Written)
        assert refused == Rejected("b", "That e-mail address is taken", existing_id=made.crm_id)
        update = Update("c", made.crm_id, {"email": "ada@y.example"})
        assert isinstance((await connector.export(connection, CONTACT, [update]))[0], Written)
        [found] = await connector.match(
            connection, CONTACT, Probe(((Condition("email", ("ada@y.example",)),),), (email,))
        )
        assert found == CrmRecord(made.crm_id, {"email": "ada@y.example"}, "2026-11-23T10:00:00Z")
        [read] = await connector.match(connection, CONTACT, ByIds((made.crm_id, "unknown"), (email,), COMPANY))
        assert read.associated == (Associated("c5", primary=True),)
        page = await connector.sync(connection, CONTACT, None, (email,))
        assert (page.done, list(page.deletions), len(page.changes)) == (True, ["gone"], 1)
