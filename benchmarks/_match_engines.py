"""Other people's engines on the same contacts: each normalises, matches and gives (hub id, lowest, highest CRM id).

Two contacts match when their LinkedIn profiles are equal, or their first name, last name and company.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

Answer = list[tuple[int, int, int]]
#: The work is done when an engine returns this; calling it only hands the result over to Python.
Fetch = Callable[[], Answer]

# Plain functions where they do; a regular expression costs DuckDB several times as much. Spaces come in pairs at most.
_FOLD = "strip_accents(lower(trim(replace(translate({}, '.,', '  '), '  ', ' '))))"
_FORM = "( +(gmbh|inc|ltd|llc|sl|s +l))+$"
_SLUG = "linkedin\\.com/in/([^/?#]+)"


def _keys(file: Path) -> str:
    """SQL for (id, slug, name) of the contacts in a Parquet file; null where a part is missing."""
    first, last, company = (_FOLD.format(column) for column in ("first", "last", "company"))
    return f"""
        SELECT id,
            nullif(split_part(split_part(split_part(lower(linkedin), 'linkedin.com/in/', 2), '/', 1), '?', 1), '')
                AS slug,
            {first} || '|' || {last} || '|' || trim(regexp_replace({company}, '{_FORM}', '')) AS name
        FROM read_parquet('{file}')"""


def duckdb(folder: Path) -> Fetch:
    """One equi-join for each alternative, never an OR in the join."""
    import duckdb as engine

    con = engine.connect()
    con.execute(f"CREATE TABLE hub AS {_keys(folder / 'hub.parquet')}")
    con.execute(f"CREATE TABLE crm AS {_keys(folder / 'crm.parquet')}")
    con.execute(
        "CREATE TABLE found AS SELECT hub, min(crm) AS lo, max(crm) AS hi FROM ("
        "SELECT h.id AS hub, c.id AS crm FROM hub h JOIN crm c ON h.slug = c.slug UNION ALL "
        "SELECT h.id AS hub, c.id AS crm FROM hub h JOIN crm c ON h.name = c.name) GROUP BY hub"
    )
    return con.execute("SELECT hub, lo, hi FROM found").fetchall


def splink(folder: Path) -> Fetch:
    """A deterministic link on keys that DuckDB has normalised."""
    import duckdb as engine
    from splink import Linker, SettingsCreator, block_on
    from splink.internals.duckdb.database_api import DuckDBAPI

    con = engine.connect()
    con.execute(f"CREATE TABLE hub AS SELECT id AS unique_id, slug, name FROM ({_keys(folder / 'hub.parquet')})")
    con.execute(f"CREATE TABLE crm AS SELECT id AS unique_id, slug, name FROM ({_keys(folder / 'crm.parquet')})")
    api = DuckDBAPI(con)
    settings = SettingsCreator(
        link_type="link_only",
        blocking_rules_to_generate_predictions=[block_on("slug"), block_on("name")],
        comparisons=[],
    )
    sides = [api.register("crm", dataset_display_name="a_crm"), api.register("hub", dataset_display_name="b_hub")]
    found = Linker(sides, settings, log_level="ERROR").inference.deterministic_link().physical_name
    con.execute(
        "CREATE TABLE answer AS SELECT unique_id_r AS hub, min(unique_id_l) AS lo, max(unique_id_l) AS hi "
        f"FROM {found} GROUP BY unique_id_r"
    )
    return con.execute("SELECT hub, lo, hi FROM answer").fetchall


def _frame(file: Path) -> Any:
    """A pandas table with the columns slug, first, last and company, normalised; missing where nothing is left."""
    import pandas as pd

    table = pd.read_parquet(file).set_index("id")

    def fold(column: Any) -> Any:
        plain = column.str.lower().str.normalize("NFKD").str.encode("ascii", "ignore").str.decode("ascii")
        return plain.str.replace(r"[.,]", " ", regex=True).str.replace(r"\s+", " ", regex=True).str.strip()

    return pd.DataFrame(
        {
            "slug": table["linkedin"].str.lower().str.extract(_SLUG, expand=False),
            "first": fold(table["first"]),
            "last": fold(table["last"]),
            "company": fold(table["company"]).str.replace(_FORM, "", regex=True).str.strip(),
        }
    )


def pandas(folder: Path) -> Fetch:
    """One merge for each alternative."""
    import pandas as pd

    hub, crm = (_frame(folder / f"{side}.parquet").reset_index() for side in ("hub", "crm"))
    parts = []
    for columns in (["slug"], ["first", "last", "company"]):
        left, right = (side[["id", *columns]].dropna() for side in (hub, crm))
        parts.append(left.merge(right, on=columns, suffixes=("_hub", "_crm"))[["id_hub", "id_crm"]])
    found = pd.concat(parts).groupby("id_hub")["id_crm"].agg(["min", "max"])
    return lambda: list(found.itertuples(name=None))


def recordlinkage(folder: Path) -> Fetch:
    """Blocking on the values that must be equal; what it pairs needs no further comparison."""
    import recordlinkage as engine

    hub, crm = (_frame(folder / f"{side}.parquet") for side in ("hub", "crm"))
    by_slug, by_name = engine.Index(), engine.Index()
    by_slug.block("slug")
    by_name.block(["first", "last", "company"])
    pairs = by_slug.index(hub[hub["slug"].notna()], crm[crm["slug"].notna()])
    whole = [side.dropna(subset=["first", "last", "company"]) for side in (hub, crm)]
    pairs = pairs.union(by_name.index(*whole))
    table = pairs.to_frame(index=False, name=["hub", "crm"])
    found = table.groupby("hub")["crm"].agg(["min", "max"])
    return lambda: list(found.itertuples(name=None))


ENGINES = {"duckdb": duckdb, "splink": splink, "pandas": pandas, "recordlinkage": recordlinkage}
