"""Reading a CRM's contacts, page by page, from a local server: into the mirror, against Airbyte's declarative source.

Ours reads through the HubSpot connector, stores every record and its match keys. Theirs reads the same pages and hands
its messages to nobody. The server and each reader are processes of their own.
"""

from __future__ import annotations

import asyncio
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks._measure import Measurement

#: Records a second that reading, storing and making keys must reach together.
RATE = 20_000


async def measure(database_url: str, scale: float = 1.0) -> list[Measurement]:
    """``scale`` 1 is 100,000 contacts in pages of 100. The database should be empty."""
    count = int(100_000 * scale)
    with _server(count) as address:
        ours = await _run("ours", address, database_url)
        theirs = await _run("airbyte", address)
    assert ours["count"] == ours["stored"] == theirs["count"] == count
    what = f"read {count:,} contacts of a CRM into the mirror, with keys ({ours['mb']:.0f} MB)"
    return [
        Measurement(what, f"{RATE:,} records a second", ours["seconds"], count / RATE, "s", 1.0),
        Measurement(
            what, f"Airbyte CDK, to nowhere ({theirs['mb']:.0f} MB)", ours["seconds"], theirs["seconds"], "s", 1.0
        ),
    ]


@contextmanager
def _server(count: int) -> Iterator[str]:
    command = [sys.executable, "-m", "benchmarks._crm_server", str(count)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parent.parent
    ) as process:
        assert process.stdin and process.stdout
        try:
            yield process.stdout.readline().strip()
        finally:
            process.stdin.close()


async def _run(*arguments: str) -> dict[str, Any]:
    """One reader in a fresh process; what it prints last is its result."""
    done = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-W", "ignore", "-m", "benchmarks.bench_mirror", *arguments],
        stdout=subprocess.PIPE,
        check=True,
        cwd=Path(__file__).parent.parent,
    )
    return json.loads(done.stdout.splitlines()[-1])


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


async def _ours(address: str, url: str) -> dict[str, Any]:
    from benchmarks._crm_server import FIELDS
    from hub_core.engine.settings import read_settings
    from hub_core.engine.store import setups
    from hub_core.model.records import RecordKind
    from hub_core.model.setup import CrmSetup
    from hub_core.services import connections
    from hub_core.services.fields import crm_fields
    from hub_core.services.hub import open_hub
    from hub_core.services.mirroring import mirror_size, refresh

    kind = RecordKind.CONTACT
    mapped = {"firstName": "firstname", "lastName": "lastname", "companyName": "company"}
    mapped |= {"linkedInProfileUrl": "hs_linkedin_url"}
    rows = [{"source": {"hub": hub_field}, "crm": crm_field} for hub_field, crm_field in mapped.items()]
    setup = CrmSetup.model_validate({"fields": {"contacts": {"rows": rows}}})
    with tempfile.TemporaryDirectory() as home:
        settings = read_settings({"HUB_HOME": home, "HUB_DATABASE_URL": url, "HUB_WORKSPACE": "mirror"})
        async with open_hub(settings) as hub:
            await connections.connect(hub, "hubspot", {"access_token": "bench"}, base_url=address)
            await connections.enable(hub, "hubspot")
            async with hub.crm() as crm:
                async with hub.db.transaction() as conn:
                    await setups.save_setup(conn, crm.stored.id, setup, expected=0)
                known = await crm_fields(hub, crm, kind)
                start = time.perf_counter()
                report = await refresh(hub, crm, kind, needed=[known[name] for name in FIELDS], max_age=0)
                seconds = time.perf_counter() - start
                async with hub.db.transaction() as conn:
                    stored = await mirror_size(conn, crm.stored.id, kind)
    return {"seconds": seconds, "count": report.changes, "stored": stored, "mb": _peak_mb()}


def _airbyte(address: str) -> dict[str, Any]:
    import logging

    from airbyte_cdk.models import ConfiguredAirbyteCatalogSerializer, Type
    from airbyte_cdk.sources.declarative.concurrent_declarative_source import ConcurrentDeclarativeSource

    from benchmarks._crm_server import FIELDS

    logging.disable(logging.CRITICAL)
    schema = {"type": "object", "properties": {"id": {"type": "string"}, "properties": {"type": "object"}}}
    requester = {"type": "HttpRequester", "url_base": address, "path": "/crm/objects/contacts", "http_method": "GET"}
    requester["request_parameters"] = {"limit": "100", "properties": ",".join(FIELDS)}
    paginator = {
        "type": "DefaultPaginator",
        "page_token_option": {"type": "RequestOption", "inject_into": "request_parameter", "field_name": "after"},
        "pagination_strategy": {
            "type": "CursorPagination",
            "cursor_value": "{{ response.get('paging', {}).get('next', {}).get('after') }}",
            "stop_condition": "{{ not response.get('paging') }}",
        },
    }
    stream = {
        "type": "DeclarativeStream",
        "name": "contacts",
        "primary_key": "id",
        "schema_loader": {"type": "InlineSchemaLoader", "schema": schema},
        "retriever": {
            "type": "SimpleRetriever",
            "requester": requester,
            "paginator": paginator,
            "record_selector": {
                "type": "RecordSelector",
                "extractor": {"type": "DpathExtractor", "field_path": ["results"]},
            },
        },
    }
    manifest = {
        "version": "6.0.0",
        "type": "DeclarativeSource",
        "check": {"type": "CheckStream", "stream_names": ["contacts"]},
        "streams": [stream],
        "spec": {"type": "Spec", "connection_specification": {"type": "object", "properties": {}}},
    }
    configured = {
        "stream": {"name": "contacts", "json_schema": schema, "supported_sync_modes": ["full_refresh"]},
        "sync_mode": "full_refresh",
        "destination_sync_mode": "append",
    }
    catalog = ConfiguredAirbyteCatalogSerializer.load({"streams": [configured]})
    start = time.perf_counter()
    source = ConcurrentDeclarativeSource(catalog=catalog, config={}, state=None, source_config=manifest)
    messages = source.read(logging.getLogger("airbyte"), {}, catalog, None)
    count = sum(message.type is Type.RECORD for message in messages)
    return {"seconds": time.perf_counter() - start, "count": count, "mb": _peak_mb()}


def _step(step: str, address: str, *rest: str) -> dict[str, Any]:
    return asyncio.run(_ours(address, rest[0])) if step == "ours" else _airbyte(address)


if __name__ == "__main__":
    print(json.dumps(_step(*sys.argv[1:])))
