"""Every error the hub raises, sorted by who must act.

HubError
├── UserMustAct                 a person has to change something; trying again does not help
│   ├── BadInput                a file, an argument or a value the hub cannot use            exit 2
│   │   └── UnknownName         no such plugin, field, run, ...; names the nearest ones
│   ├── SignInNeeded            the vendor does not accept who we are                         exit 4
│   │   ├── CredentialsRejected
│   │   └── MissingScope
│   ├── SetupInvalid            settings, mapping or set-up must be corrected first           exit 5
│   │   └── OneActiveCrm        a second CRM may not be enabled beside the active one
│   ├── OutOfCredits                                                                          exit 6
│   └── NotPossible             the thing asked for does not fit the present state            exit 1
├── TryLater                    nothing to change; the same call works later
│   ├── RateLimited             carries when                                                  exit 6
│   ├── Unavailable             vendor down, network broken                                   exit 1
│   └── DatabaseUnavailable     the hub's own database is gone                                exit 1
├── LostLease                   another worker has taken this run over; this one must stop writing
└── ConnectorBug                a plugin broke the contract; its author must act              exit 1
    └── PluginBroken            it could not even be loaded; says why and the mend

A message is one or two sentences a sales person can act on. It never holds a token, a request body or personal data.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from enum import IntEnum


class ExitCode(IntEnum):
    """Exit codes of the command line; the same everywhere."""

    OK = 0
    FAILED = 1
    USAGE = 2
    PARTIAL = 3
    SIGN_IN_NEEDED = 4
    SETUP_INVALID = 5
    RATE_LIMITED = 6
    INTERRUPTED = 130


class HubError(Exception):
    """Base of all errors. ``message`` says what happened, ``fix`` what the reader can do about it."""

    exit_code: ExitCode = ExitCode.FAILED

    def __init__(self, message: str, *, fix: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.fix = fix

    def __str__(self) -> str:
        return f"{self.message} {self.fix}".strip()


class UserMustAct(HubError):
    """A person has to change something."""


class BadInput(UserMustAct):
    exit_code = ExitCode.USAGE


class UnknownName(BadInput):
    """``what`` is the noun ("plugin"), ``known`` the names that would have been right."""

    def __init__(self, what: str, name: str, known: Iterable[str], *, fix: str = "") -> None:
        names = sorted(known)
        folded = {candidate.casefold(): candidate for candidate in names}
        near = [folded[hit] for hit in difflib.get_close_matches(name.casefold(), folded, n=3, cutoff=0.5)]
        if not fix:
            if near:
                fix = "Did you mean " + " or ".join(repr(hit) for hit in near) + "?"
            elif names:
                fix = "Known: " + ", ".join(names[:12]) + (", ..." if len(names) > 12 else "") + "."
        super().__init__(f"There is no {what} {name!r}.", fix=fix)


class SignInNeeded(UserMustAct):
    exit_code = ExitCode.SIGN_IN_NEEDED


class CredentialsRejected(SignInNeeded):
    """The vendor refused the credentials of a connection."""


class MissingScope(SignInNeeded):
    """The credentials are good but may not do this; ``scopes`` names what is missing, if the vendor says so."""

    def __init__(self, message: str, *, scopes: Iterable[str] = (), fix: str = "") -> None:
        super().__init__(message, fix=fix)
        self.scopes = tuple(scopes)


class SetupInvalid(UserMustAct):
    exit_code = ExitCode.SETUP_INVALID


class OneActiveCrm(SetupInvalid):
    """Only one CRM may be active in a workspace; ``active`` names it."""

    def __init__(self, active: str, wanted: str) -> None:
        super().__init__(
            f"{active} is the active CRM, and only one CRM can be active at a time.",
            fix=f"Disable {active} first (hub disable {active}), then enable {wanted}.",
        )
        self.active = active


class OutOfCredits(UserMustAct):
    exit_code = ExitCode.RATE_LIMITED


class NotPossible(UserMustAct):
    """The request is well formed but does not fit the present state (resume a finished run, ...)."""


class TryLater(HubError):
    """The same call works later. ``retry_after``: seconds to wait, None when nobody knows."""

    def __init__(self, message: str, *, retry_after: float | None = None, fix: str = "") -> None:
        super().__init__(message, fix=fix)
        self.retry_after = retry_after


class RateLimited(TryLater):
    exit_code = ExitCode.RATE_LIMITED


class Unavailable(TryLater):
    """The vendor did not answer usefully.

    ``in_doubt`` is True when a write was on its way: it may have been carried out or not, so it must be looked up
    before it is sent again.
    """

    def __init__(
        self, message: str, *, retry_after: float | None = None, in_doubt: bool = False, fix: str = ""
    ) -> None:
        super().__init__(message, retry_after=retry_after, fix=fix)
        self.in_doubt = in_doubt


class DatabaseUnavailable(TryLater):
    """The hub's own database cannot be reached."""


class LostLease(HubError):
    """Another worker carries this run on; the present one must not write any more."""


class ConnectorBug(HubError):
    """A plugin broke the contract. ``plugin`` and ``hook`` say where; the cause is chained."""

    def __init__(self, plugin: str, hook: str, message: str) -> None:
        super().__init__(
            f"The plugin {plugin!r} failed in {hook}: {message}", fix="Report this to the plugin's author."
        )
        self.plugin = plugin
        self.hook = hook


class PluginBroken(ConnectorBug):
    """A plugin that cannot be used at all; ``reason`` and ``fix`` are shown on its card."""

    def __init__(self, plugin: str, reason: str, fix: str) -> None:
        HubError.__init__(self, f"The plugin {plugin!r} cannot be used: {reason}", fix=fix)
        self.plugin = plugin
        self.hook = "load"
        self.reason = reason
