"""A CRM that does nothing but serve: HubSpot's listing of contacts, page after page of bytes made beforehand.

``python -m benchmarks._crm_server COUNT`` prints its address, then serves until its standard input is closed.
"""

from __future__ import annotations

import asyncio
import re
import sys
from typing import cast

import orjson

PAGE = 100
FIELDS = (
    *("firstname", "lastname", "company", "hs_linkedin_url", "email", "jobtitle", "phone"),
    *("mobilephone", "city", "state", "country", "industry", "lifecyclestage", "website"),
)
_AT = "2026-11-01T08:00:00.000Z"
_AFTER = re.compile(rb"[?&]after=(\d+)")
_HEAD = (
    b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"
    b"x-hubspot-ratelimit-max: 10000000\r\nx-hubspot-ratelimit-remaining: 9999999\r\n"
    b"x-hubspot-ratelimit-interval-milliseconds: 10000\r\ncontent-length: %d\r\n\r\n"
)


def contact(number: int) -> dict[str, str]:
    name = f"person-{number}"
    return {
        **{
            "firstname": f"Ann {number % 997}",
            "lastname": f"Müller {number}",
            "company": f"Company {number % 20_000} GmbH",
        },
        **{"hs_linkedin_url": f"https://www.linkedin.com/in/{name}", "email": f"{name}@company.com"},
        **{"jobtitle": "Head of Sales", "phone": f"+49 30 {number:07}", "mobilephone": f"+49 170 {number:07}"},
        **{"city": "Berlin", "state": "Berlin", "country": "Germany", "industry": "Software"},
        **{"lifecyclestage": "lead", "website": "https://company.com/team"},
    }


def _page(first: int, count: int) -> bytes:
    rows = [
        {
            "id": str(number + 1),
            "properties": {**contact(number), "hs_object_id": str(number + 1), "lastmodifieddate": _AT},
            "createdAt": _AT,
            "updatedAt": _AT,
            "archived": False,
        }
        for number in range(first, min(first + PAGE, count))
    ]
    more = {"paging": {"next": {"after": str(first + PAGE)}}} if first + PAGE < count else {}
    return _answer({"results": rows, **more})


def _answer(data: object) -> bytes:
    body = orjson.dumps(data)
    return _HEAD % len(body) + body


class _Vendor(asyncio.Protocol):
    """One connection; requests come whole or in pieces, one after the other."""

    def __init__(self, pages: list[bytes], others: dict[bytes, bytes]) -> None:
        self.pages, self.others, self.buffer = pages, others, b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        head, end, body = self.buffer.partition(b"\r\n\r\n")
        length = re.search(rb"content-length: (\d+)", head.lower())
        if not end or (length and len(body) < int(length[1])):
            return
        self.buffer = b""
        path = head.split(b" ", 2)[1]
        for part, answer in self.others.items():
            if part in path:
                self.transport.write(answer)
                return
        after = _AFTER.search(path)
        self.transport.write(self.pages[int(after[1]) // PAGE if after else 0])


async def _serve(count: int) -> None:
    newest = {"id": "1", "properties": {"lastmodifieddate": _AT}, "updatedAt": _AT, "archived": False}
    fields = [
        {"name": name, "label": name, "type": "string", "fieldType": "text", "hasUniqueValue": False} for name in FIELDS
    ]
    others = {
        b"/account-info": _answer({"portalId": 1, "uiDomain": "localhost", "timeZone": "UTC"}),
        b"/crm/properties": _answer({"results": fields}),
        b"/search": _answer({"total": count, "results": [newest]}),
    }
    pages = [_page(first, count) for first in range(0, count, PAGE)]
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: _Vendor(pages, others), "127.0.0.1", 0)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    await asyncio.to_thread(sys.stdin.read)
    server.close()


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1])))
