"""HubSpot's CRM API as an ASGI app on loopback: stateful, and as unkind as the vendor.

`create_app(config)` gives one simulated account with its records in memory; serve it with any ASGI server.
`SimulatorConfig` sets tokens, limits, the lag of search and the rest. It plays the dated paths (2025-09,
2026-03, 2026-09) and the older ones (v3, associations v4), checks what the vendor checks and refuses what
it refuses: unknown parameters and keys, values of the wrong type, limits of size and rate.

What the simulator decides where the vendor leaves it open:

- A lifecycle stage which would move backwards is passed over in silence; the write succeeds.
- A listed or read property without a value is null; in search answers it is left out.
- Negative filters (NEQ, NOT_IN, NOT_CONTAINS_TOKEN) find only records which have a value.
- In 2026-09 (and 2025-09) a batch with failed rows keeps its 200 or 201; the others answer 207.
- An association batch read reports records without links as errors (NO_ASSOCIATIONS_FOUND).
- E-mail addresses are kept in lower case.

Admin API, without token, for tests and demonstrations only:

| Call | Meaning |
|---|---|
| `GET /_simulator/state?type=contacts` | all records: `{"contacts": [{"id", "properties", "archived", "associations": {"companies": [{"id", "types"}]}}]}`; `type` is optional |
| `POST /_simulator/records` | seed: `{"type", "records": [{"email": ..}], "associations": [{"from", "to", "toType", "types"}]}` -> `{"ids"}`; values unchecked, found by search at once; a record may give its own create and modification times |
| `PATCH /_simulator/records/{type}/{id}` | change as a user in the screen would: `{"properties": {..}}`; "" clears |
| `DELETE /_simulator/records/{type}/{id}` | archive |
| `POST /_simulator/faults` | plan one fault or a list: keys and kinds in `faults.Fault` |
| `GET`, `DELETE /_simulator/faults` | the faults still to come; forget them |
| `POST /_simulator/config` | change settings (`config.RUNTIME_SETTINGS`) and `{"tokens": {"pat-..": {"scopes", "requests", "expires_at", "revoked"}}}` |
| `GET`, `DELETE /_simulator/calls` | counts: `total`, `reads`, `writes`, `rate_limited`, `errors`, and `routes` by method and template; start anew |
| `POST /_simulator/properties` | define a property: the vendor's create body with `objectType` |
| `PATCH /_simulator/properties/{type}/{name}` | change any property: keys of the vendor's body, `readOnlyValue`, `archived` |
"""  # noqa: E501 - table rows

from hub_hubspot.simulator.app import Simulator, create_app
from hub_hubspot.simulator.config import SimulatorConfig

__all__ = ["Simulator", "SimulatorConfig", "create_app"]
