from __future__ import annotations

import asyncio
from typing import Any, cast

import pytest

from hub_core.connection import Connection, VendorRefused
from hub_core.engine import connectors
from hub_core.engine.connectors import Connector
from hub_core.errors import ConnectorBug, PluginBroken, RateLimited, Unavailable
from hub_core.model.fields import CrmType, FieldInfo
from hub_core.model.records import Account, CrmRecord, Page, Query, RecordKind, Rejected, Update, Written
from hub_core.plugin import BearerToken, CrmTraits, Manifest, Settings, hookimpl

CONNECTION = cast(Connection, None)
KIND = RecordKind.CONTACT
QUERY = cast(Query, None)


class NoSettings(Settings):
    pass


class Crm:
    """A CRM whose answers a test sets: a value to return, or an exception to raise."""

    manifest = Manifest(name="A CRM", base_url="https://crm.example", settings=NoSettings, crm=CrmTraits())

    def __init__(self, answer: Any = None) -> None:
        self.answer = answer

    async def _answer(self) -> Any:
        if isinstance(self.answer, BaseException):
            raise self.answer
        return self.answer

    @hookimpl
    async def authenticate(self, connection):
        return await self._answer()

    @hookimpl
    async def list_fields(self):
        return await self._answer()

    @hookimpl
    async def match(self, kind):
        return await self._answer()

    @hookimpl
    async def export(self, connection, kind, writes):
        return await self._answer()

    @hookimpl
    async def sync(self, cursor):
        return await self._answer()


def crm(answer: Any = None) -> Connector:
    return Connector("a-crm", "crm", Crm(answer))


def broken(plugin: object, kind: str = "crm") -> str:
    with pytest.raises(PluginBroken) as caught:
        Connector("a-crm", kind, plugin)
    return caught.value.reason


async def test_a_hook_gets_the_arguments_it_takes_and_its_answer_comes_back() -> None:
    field = FieldInfo("email", "E-mail", CrmType.EMAIL)
    assert await crm([field]).list_fields(CONNECTION, KIND) == [field]


def test_the_capabilities_are_the_hooks_that_the_plugin_has() -> None:
    assert crm().capabilities == {"authenticate", "list_fields", "match", "export", "sync"}


async def test_a_hook_that_the_plugin_lacks_is_a_bug_not_a_crash() -> None:
    with pytest.raises(ConnectorBug, match="does not have this hook"):
        await crm().notify(CONNECTION, cast(Any, None))


def test_a_misspelled_hook_fails_at_load() -> None:
    class Misspelled(Crm):
        @hookimpl
        async def exprot(self, connection):
            return []

    assert "exprot" in broken(Misspelled())


def test_an_unknown_argument_fails_at_load() -> None:
    class Curious(Crm):
        @hookimpl
        async def match(self, connection, kind, quarry):
            return []

    assert "quarry" in broken(Curious())


def test_a_hook_that_is_not_async_fails_at_load() -> None:
    class Sync(Crm):
        @hookimpl
        def match(self, kind):
            return []

    assert broken(Sync()) == "its hook match is not an 'async def'."


@pytest.mark.parametrize("option", ["wrapper", "tryfirst", "trylast", "optionalhook"])
def test_options_of_hookimpl_are_refused(option: str) -> None:
    class Optioned(Crm):
        @hookimpl(**{option: True})
        async def match(self, kind):
            yield

    assert "match" in broken(Optioned())


def test_a_hook_under_another_name_is_refused() -> None:
    class Renamed(Crm):
        @hookimpl(specname="enrich")
        async def look_up(self, query):
            return None

    assert "enrich" in broken(Renamed())


def test_a_crm_without_traits_or_without_a_hook_is_refused() -> None:
    class Silent:
        manifest = Crm.manifest

        @hookimpl
        async def authenticate(self, connection):
            return None

    class Traitless(Crm):
        manifest = Manifest(name="A CRM", base_url="https://crm.example", settings=NoSettings)

    assert broken(Silent()) == "it has no hook list_fields, match, export, sync, which every crm plugin needs."
    assert "CrmTraits" in broken(Traitless())


def test_an_auth_that_names_no_setting_is_refused() -> None:
    class Keyless(Crm):
        manifest = Manifest(
            name="A CRM", base_url="", settings=NoSettings, crm=CrmTraits(), auth=BearerToken("access_token")
        )

    assert "'access_token'" in broken(Keyless())


def test_settings_that_are_no_settings_class_are_refused() -> None:
    class Odd(Crm):
        manifest = Manifest(name="A CRM", base_url="", settings=cast(Any, dict), crm=CrmTraits())

    assert "hub_core.plugin.Settings" in broken(Odd())


async def test_what_a_plugin_may_raise_passes_unchanged() -> None:
    error = RateLimited("Later.", retry_after=3)
    with pytest.raises(RateLimited) as caught:
        await crm(error).authenticate(CONNECTION)
    assert caught.value is error


async def test_what_the_tasks_of_a_plugin_raise_is_taken_out_of_its_group() -> None:
    error = RateLimited("Later.", retry_after=3)
    with pytest.raises(RateLimited):
        await crm(ExceptionGroup("tasks", [ExceptionGroup("more", [error])])).authenticate(CONNECTION)


@pytest.mark.parametrize("error", [KeyError("ada@example.com"), SystemExit("ada@example.com")])
async def test_an_unexpected_exception_names_its_type_and_place_and_no_value(error: BaseException) -> None:
    with pytest.raises(ConnectorBug) as caught:
        await crm(error).authenticate(CONNECTION)
    assert caught.value.plugin == "a-crm"
    assert caught.value.hook == "authenticate"
    assert type(error).__name__ in caught.value.message
    assert "test_connectors.py:" in caught.value.message
    assert "ada" not in str(caught.value)
    assert caught.value.__cause__ is error


async def test_a_refusal_that_the_plugin_did_not_expect_shows_its_status_only() -> None:
    with pytest.raises(ConnectorBug) as caught:
        await crm(VendorRefused(409, {"email": "ada@example.com"})).match(CONNECTION, KIND, QUERY)
    assert "status 409" in caught.value.message
    assert "ada" not in caught.value.message


async def test_cancellation_is_never_swallowed() -> None:
    class Slow(Crm):
        @hookimpl
        async def match(self, kind):
            await asyncio.sleep(60)

    task = asyncio.ensure_future(Connector("a-crm", "crm", Slow()).match(CONNECTION, KIND, QUERY))
    await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


@pytest.mark.parametrize(("hook", "in_doubt"), [("match", False), ("export", True)])
async def test_a_hook_that_hangs_is_given_up(monkeypatch: pytest.MonkeyPatch, hook: str, in_doubt: bool) -> None:
    class Slow(Crm):
        async def _answer(self) -> None:
            await asyncio.sleep(60)

    monkeypatch.setitem(connectors.TIME_OUTS, hook, 0.02)
    with pytest.raises(Unavailable) as caught:
        await getattr(Connector("a-crm", "crm", Slow()), hook)(CONNECTION, KIND, [])
    assert caught.value.in_doubt is in_doubt


async def test_the_outcomes_come_in_the_order_of_the_writes() -> None:
    writes = [Update("a", "1", {}), Update("b", "2", {})]
    outcomes = [Rejected("b", "no"), Written("a", "1")]
    assert await crm(outcomes).export(CONNECTION, KIND, writes) == outcomes[::-1]


@pytest.mark.parametrize(
    ("outcomes", "text"),
    [
        ([Written("a", "1")], "no outcome for b"),
        ([Written("a", "1"), Written("b", "2"), Written("c", "3")], "answered for c"),
        ([Written("a", "1"), Written("b", "2"), Rejected("b", "no")], "two outcomes"),
        ([Written("a", "1"), None], "holds NoneType"),
        ({"a": "1"}, "dict where a list"),
    ],
)
async def test_anything_but_one_outcome_for_each_write_is_a_bug(outcomes: Any, text: str) -> None:
    with pytest.raises(ConnectorBug, match=text):
        await crm(outcomes).export(CONNECTION, KIND, [Update("a", "1", {}), Update("b", "2", {})])


@pytest.mark.parametrize(
    ("method", "answer", "text"),
    [
        ("authenticate", {"id": 1}, "dict where Account"),
        ("match", [CrmRecord("1", {}), "2"], "holds str"),
        ("sync", Page([CrmRecord("1", {})], "c1", done=False), "never end"),
        ("sync", Page(cast(Any, [1]), "c2", done=True), "holds int"),
    ],
)
async def test_an_answer_of_another_type_is_a_bug(method: str, answer: Any, text: str) -> None:
    arguments: dict[str, list[Any]] = {"authenticate": [], "match": [KIND, QUERY], "sync": [KIND, "c1", []]}
    with pytest.raises(ConnectorBug, match=text):
        await getattr(crm(answer), method)(CONNECTION, *arguments[method])


async def test_each_plugin_is_alone_in_its_manager() -> None:
    one, two = crm(Account("1", "One")), crm(Account("2", "Two"))
    assert (await one.authenticate(CONNECTION)).label == "One"
    assert (await two.authenticate(CONNECTION)).label == "Two"
