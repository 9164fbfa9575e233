from __future__ import annotations

import pytest

from hub_core import errors
from hub_core.errors import ExitCode, HubError, OneActiveCrm, PluginBroken, UnknownName


def test_an_unknown_name_proposes_what_is_near_whatever_its_case() -> None:
    assert UnknownName("plugin", "HUBSPT", ["hubspot", "zoho"]).fix == "Did you mean 'hubspot'?"


def test_an_unknown_name_with_nothing_near_lists_what_there_is() -> None:
    assert UnknownName("plugin", "x", ["zoho", "hubspot"]).fix == "Known: hubspot, zoho."
    assert UnknownName("field", "x", [f"field{n:02}" for n in range(20)]).fix.endswith("field11, ....")


def test_an_unknown_name_where_nothing_exists_promises_nothing() -> None:
    assert UnknownName("plugin", "x", []).fix == ""


def test_every_error_reads_as_its_message_and_its_mend() -> None:
    assert str(HubError("It broke.", fix="Mend it.")) == "It broke. Mend it."
    assert str(HubError("It broke.")) == "It broke."
    assert (
        str(PluginBroken("x", "no manifest.", "Update it.")) == "The plugin 'x' cannot be used: no manifest. Update it."
    )


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("BadInput", ExitCode.USAGE),
        ("UnknownName", ExitCode.USAGE),
        ("CredentialsRejected", ExitCode.SIGN_IN_NEEDED),
        ("MissingScope", ExitCode.SIGN_IN_NEEDED),
        ("SetupInvalid", ExitCode.SETUP_INVALID),
        ("OneActiveCrm", ExitCode.SETUP_INVALID),
        ("OutOfCredits", ExitCode.RATE_LIMITED),
        ("RateLimited", ExitCode.RATE_LIMITED),
        ("Unavailable", ExitCode.FAILED),
        ("ConnectorBug", ExitCode.FAILED),
    ],
)
def test_the_kind_of_an_error_says_the_exit_code(name: str, code: ExitCode) -> None:
    assert getattr(errors, name).exit_code is code


def test_the_tree_at_the_top_of_the_module_names_every_error() -> None:
    classes = {name for name, each in vars(errors).items() if isinstance(each, type) and issubclass(each, HubError)}
    drawn = {line.split("── ")[-1].split()[0] for line in (errors.__doc__ or "").splitlines() if "── " in line}
    assert classes == drawn | {"HubError"}


def test_a_second_crm_is_told_which_one_is_active() -> None:
    assert "hub disable hubspot" in OneActiveCrm("hubspot", "zoho").fix
