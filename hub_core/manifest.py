"""What a plugin declares about itself: data, no behaviour."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from pydantic import BaseModel, ConfigDict

from hub_core.model.records import AssociationType, Comparison, RecordKind


class Settings(BaseModel):
    """Base of a plugin's settings; its JSON schema is the form that people fill in.

    Secrets are `pydantic.SecretStr` fields: they are kept encrypted, apart from the other settings.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")


@dataclass(frozen=True, slots=True)
class BearerToken:
    """``Authorization: Bearer <setting>``."""

    setting: str


@dataclass(frozen=True, slots=True)
class HeaderKey:
    """``<header>: <setting>``."""

    header: str
    setting: str


@dataclass(frozen=True, slots=True)
class NoAuth:
    """The plugin authenticates by itself (a vendor SDK) or not at all."""


Auth = BearerToken | HeaderKey | NoAuth


@dataclass(frozen=True, slots=True)
class Limit:
    """At most ``requests`` in any ``seconds`` for one vendor account; the vendor's headers may correct it."""

    requests: int
    seconds: float


@dataclass(frozen=True, slots=True)
class LimitHeaders:
    """The names of a vendor's rate-limit headers (any case), and its word for "no more today".

    ``maximum`` and ``remaining`` count requests in a window of ``interval_ms`` milliseconds; ``daily_remaining`` counts
    requests until the vendor's midnight. ``daily_body`` is (key, value) in the body of a refusal that lasts until then,
    for accounts that get no daily header. Empty: the vendor sends no such thing.
    """

    maximum: str = ""
    remaining: str = ""
    interval_ms: str = ""
    daily_remaining: str = ""
    daily_body: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class CrmTraits:
    """What a CRM can do; core decides by these and never by a vendor's name.

    ``batch``: records per write call. ``read_batch``: ids per read call. ``page``: records per page when everything is
    read. ``search_lag``: seconds until a new record is sure to be found by search (a probe). ``comparisons``: what
    `match` can search. ``probe_size``: how many groups one search call takes, ``probe_values``: how many values when
    all groups are one field's values. ``inline_associations``: a create takes its ties along at no extra call.
    ``field_names``: hub field id -> CRM field ids that usually hold it, best first, for the proposed mapping.
    """

    kinds: tuple[RecordKind, ...] = (RecordKind.CONTACT, RecordKind.COMPANY)
    batch: int = 100
    read_batch: int = 100
    page: int = 100
    search_lag: float = 30.0
    comparisons: frozenset[Comparison] = frozenset({Comparison.EQUALS})
    probe_size: int = 1
    probe_values: int = 1
    association_batch: int = 100
    inline_associations: bool = False
    associations: frozenset[AssociationType] = frozenset({AssociationType.PRIMARY})
    owner_field: str = ""
    field_names: Mapping[RecordKind, Mapping[str, tuple[str, ...]]] = field(
        default_factory=dict[RecordKind, Mapping[str, tuple[str, ...]]]
    )


@dataclass(frozen=True, slots=True)
class Manifest:
    """``name`` is what people read. ``limits`` by bucket: a request is counted in the bucket it names ("default").

    ``share`` is the part of each limit that the hub uses at most; the rest is left to the customer's other apps.
    """

    name: str
    base_url: str
    settings: type[Settings]
    auth: Auth = NoAuth()
    api: tuple[int, int] = (1, 0)
    docs_url: str = ""
    limits: Mapping[str, Limit] = field(default_factory=dict[str, Limit])
    share: float = 0.9
    limit_headers: LimitHeaders | None = None
    crm: CrmTraits | None = None
    needs: tuple[frozenset[str], ...] = ()
    finds: frozenset[str] = frozenset()
