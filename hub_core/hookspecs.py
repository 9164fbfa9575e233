"""The seven hooks. A plugin implements the ones its kind needs, each as ``async def`` with these argument names.

An implementation may take fewer arguments than its spec: that is how a spec may grow without breaking a plugin.
"""

from __future__ import annotations

from collections.abc import Sequence

import pluggy

from hub_core.connection import Connection
from hub_core.model.enrichment import Delivered, Found, Message, Question
from hub_core.model.fields import FieldInfo
from hub_core.model.records import Account, CrmRecord, Outcome, Page, Query, RecordKind, Write

PROJECT = "hub"
hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)

# The bodies are docstrings only; the return types say what the coroutine answers.
# pyright: reportReturnType=false


class HookSpecs:
    """One method per hook; pluggy reads the names and arguments."""

    @hookspec
    async def authenticate(self, connection: Connection) -> Account:
        """Say who we are at the vendor. Also the test of a connection before it is saved.

        Raises `CredentialsRejected` or `MissingScope` when the vendor does not let us in.
        """

    @hookspec
    async def list_fields(self, connection: Connection, kind: RecordKind) -> Sequence[FieldInfo]:
        """List every field of ``kind``, the read-only ones included, in the vendor's order."""

    @hookspec
    async def match(self, connection: Connection, kind: RecordKind, query: Query) -> Sequence[CrmRecord]:
        """Return **all** records that the query asks for, with the values of ``query.fields``; core decides.

        A `Probe` may answer more than was asked (core compares again), never less than the vendor's search can find.
        """

    @hookspec
    async def export(self, connection: Connection, kind: RecordKind, writes: Sequence[Write]) -> Sequence[Outcome]:
        """Carry out the writes, in the vendor's batches; one outcome per write, in any order, named by ``ref``.

        Never raises for one record: a refusal is a `Rejected`. Raises only when nothing more can be said: the batch is
        then looked up before anything is sent again.
        """

    @hookspec
    async def sync(
        self, connection: Connection, kind: RecordKind, cursor: str | None, fields: Sequence[FieldInfo]
    ) -> Page:
        """Read one page of what has changed since ``cursor``; None reads everything, from the vendor's own store rather
        than a lagging search. Also CRM users (``kind`` user), and the search results of an import source."""

    @hookspec
    async def enrich(self, connection: Connection, query: Question) -> Found | None:
        """Look one record up, or let a model answer; a miss is None."""

    @hookspec
    async def notify(self, connection: Connection, message: Message) -> Delivered:
        """Tell people."""


HOOKS: tuple[str, ...] = ("authenticate", "list_fields", "match", "export", "sync", "enrich", "notify")
