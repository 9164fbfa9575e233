"""From a path to an operation: one table for the dated and the older versions."""

from __future__ import annotations

from hub_hubspot.simulator import associations, batches, catalogue, objects, search
from hub_hubspot.simulator.account import Account
from hub_hubspot.simulator.errors import ApiError, not_found
from hub_hubspot.simulator.limits import Token
from hub_hubspot.simulator.request import DATED, Route

# Fixed paths stand before paths with a variable part of the same length.
ROUTES: tuple[Route, ...] = (
    *batches.ROUTES,
    *search.ROUTES,
    *associations.ROUTES,
    *catalogue.ROUTES,
    *objects.ROUTES,
)
CRM_AREAS = frozenset({"objects", "properties", "owners", "pipelines", "associations"})
Found = tuple[Route, str, tuple[str, ...]]


def _table() -> dict[tuple[str, int], list[tuple[tuple[str, ...], Route]]]:
    table: dict[tuple[str, int], list[tuple[tuple[str, ...], Route]]] = {}
    for route in ROUTES:
        pattern = tuple(route.pattern.split("/")) if route.pattern else ()
        table.setdefault((route.area, len(pattern)), []).append((pattern, route))
    for routes in table.values():
        routes.sort(key=lambda entry: [part.startswith("{") for part in entry[0]])
    return table


TABLE = _table()


def template(route: Route) -> str:
    """Method and path of a route, without values: `POST /crm/objects/{version}/{type}/search`."""
    area = f"/crm/{route.area}" if route.area in CRM_AREAS else f"/{route.area}"
    return f"{route.method} {area}/{{version}}/{route.pattern}".rstrip("/")


def locate(path: str) -> tuple[str, str, tuple[str, ...]]:
    """Area, version and the rest of a path; 404 for a path which the vendor does not have."""
    match path.strip("/").split("/"):
        case ["crm", area, version, *rest] if area in CRM_AREAS and version in DATED:
            return area, version, tuple(rest)
        case ["crm", ("v3" | "v4") as version, area, *rest] if area in CRM_AREAS:
            return area, version, tuple(rest)
        case ["crm", "associations", "v4", *rest] if len(rest) == 3 and rest[2] == "labels":
            return "associations", "v4", tuple(rest)
        case ["account-info", version, *rest]:
            return "account-info", version, tuple(rest)
        case _:
            raise not_found()


def find(method: str, path: str) -> Found:
    """The route for a request, its version and the values of the variable parts; 404 or 405."""
    area, version, rest = locate(path)
    known = False
    for pattern, route in TABLE.get((area, len(rest)), ()):
        if version not in route.versions or not _fits(pattern, rest):
            continue
        known = True
        if route.method == method:
            values = (given for part, given in zip(pattern, rest, strict=True) if part.startswith("{"))
            return route, version, tuple(values)
    if known:
        raise ApiError(405, f"Method {method} is not allowed here.", "METHOD_NOT_ALLOWED")
    raise not_found()


def check_scope(account: Account, route: Route, path: tuple[str, ...], token: Token) -> None:
    """403 unless the token has the scopes of a route."""
    verb = "write" if route.write else "read"
    if route.scope == "owners":
        token.requires(("crm.objects.owners.read",))
    elif route.scope == "schemas":
        scope = account.table(path[0]).kind.scope
        objects_read = (f"crm.objects.{scope}.read",) if verb == "read" else ()
        token.requires((f"crm.schemas.{scope}.{verb}", *objects_read))
    elif route.scope == "objects":
        token.requires((f"crm.objects.{account.table(path[0]).kind.scope}.{verb}",))
    elif route.scope == "associations":
        for name in (path[0], path[2] if route.area == "objects" else path[1]):
            token.requires((f"crm.objects.{account.table(name).kind.scope}.{verb}",))


def _fits(pattern: tuple[str, ...], rest: tuple[str, ...]) -> bool:
    return all(
        part == given or (part.startswith("{") and given != "") for part, given in zip(pattern, rest, strict=True)
    )
