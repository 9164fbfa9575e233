from dataclasses import replace

from hub_core.model.plan import ExportOptions
from hub_core.model.records import RecordKind
from hub_core.model.setup import UserStep
from hub_core.rules.identity import owner_of_export

USERS = UserStep(users={"ann": "7"}, default_owner="9")
OPTIONS = ExportOptions(RecordKind.CONTACT)


def _owner(options: ExportOptions, users: UserStep = USERS) -> tuple[str, bool] | None:
    owner = owner_of_export(users, options)
    return owner and (owner.crm_user, owner.forced)


def test_the_owner_chosen_for_the_export_goes_before_all_and_replaces() -> None:
    assert _owner(replace(OPTIONS, owner="5", user="ann")) == ("5", True)


def test_then_the_exporting_users_crm_user() -> None:
    assert _owner(replace(OPTIONS, user="ann")) == ("7", False)


def test_a_user_who_is_not_mapped_gets_the_default_owner() -> None:
    assert _owner(replace(OPTIONS, user="bob")) == ("9", False)


def test_without_any_of_them_there_is_no_owner() -> None:
    assert _owner(OPTIONS, UserStep()) is None
