"""Who owns what is exported: set-up step 4."""

from __future__ import annotations

from dataclasses import dataclass

from hub_core.model.plan import ExportOptions
from hub_core.model.setup import UserStep


@dataclass(frozen=True, slots=True)
class Owner:
    """A CRM user's id and why it is this one. ``forced``: the person asked for it, so it replaces an existing owner."""

    crm_user: str
    why: str
    forced: bool = False


def owner_of_export(users: UserStep, options: ExportOptions) -> Owner | None:
    """The owner that this export sets: the override, else the exporting user's CRM user, else the default owner."""
    if options.owner:
        return Owner(options.owner, "chosen for this export", forced=True)
    mapped = users.users.get(options.user or "")
    if mapped:
        return Owner(mapped, f"mapped to {options.user}")
    if users.default_owner:
        return Owner(users.default_owner, "default owner")
    return None
