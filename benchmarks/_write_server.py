"""A CRM that takes every write: HubSpot's batch create, answered at once and remembered nowhere.

``python -m benchmarks._write_server`` prints its address, then serves until its standard input is closed.
"""

from __future__ import annotations

from typing import Any

import orjson

from benchmarks._processes import serve

_AT = "2026-11-01T08:00:00.000Z"
_HEADERS = [
    (b"content-type", b"application/json;charset=utf-8"),
    (b"x-hubspot-ratelimit-max", b"10000000"),
    (b"x-hubspot-ratelimit-remaining", b"9999999"),
    (b"x-hubspot-ratelimit-interval-milliseconds", b"10000"),
]


def created(inputs: list[dict[str, Any]], first_id: int) -> dict[str, Any]:
    """The answer to a batch of creates."""
    results: list[dict[str, Any]] = []
    for id_, given in enumerate(inputs, first_id):
        own = {"createdate": _AT, "lastmodifieddate": _AT, "hs_object_id": str(id_)}
        row = {"id": str(id_), "properties": {**given["properties"], **own}, "createdAt": _AT, "updatedAt": _AT}
        row |= {"archived": False, "url": f"https://app.hubspot.com/contacts/1/record/0-1/{id_}"}
        trace = given.get("objectWriteTraceId")
        results.append(row | ({"objectWriteTraceId": trace} if trace else {}))
    return {"status": "COMPLETE", "results": results, "startedAt": _AT, "completedAt": _AT}


class Vendor:
    """Knows whose account it is, and the batch create of any version."""

    def __init__(self) -> None:
        self._next_id = 1

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        parts: list[bytes] = []
        more = True
        while more:
            message = await receive()
            parts.append(message.get("body", b""))
            more = message.get("more_body", False)
        if scope["path"].endswith("/batch/create"):
            inputs = orjson.loads(b"".join(parts))["inputs"]
            status, answer = 201, created(inputs, self._next_id)
            self._next_id += len(inputs)
        else:
            status, answer = 200, {"portalId": 1, "uiDomain": "localhost", "timeZone": "UTC"}
        body = orjson.dumps(answer)
        headers = [*_HEADERS, (b"content-length", b"%d" % len(body))]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})


if __name__ == "__main__":
    serve(Vendor())
