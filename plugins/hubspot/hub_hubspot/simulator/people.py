"""The owners of the simulated account: three people, a queue, and one who left.

Owner ids and user ids are different numbers on purpose: a record is assigned with the owner id.
"""

from __future__ import annotations

from typing import Any

SINCE = "2024-02-01T08:00:00.000Z"
SALES = {"id": "178588", "name": "Sales", "primary": True}


def _owner(
    owner_id: str, user_id: int, first: str, last: str, *, archived: bool = False, **more: Any
) -> dict[str, Any]:
    person = {
        "id": owner_id,
        "email": f"{first}@simulator.example".lower(),
        "type": "PERSON",
        "firstName": first,
        "lastName": last,
        "userIdIncludingInactive": user_id,
        "createdAt": SINCE,
        "updatedAt": SINCE,
        "archived": archived,
        **more,
    }
    # The vendor leaves `userId` out for somebody who is no longer a user.
    return person if archived else person | {"userId": user_id}


OWNERS: tuple[dict[str, Any], ...] = (
    _owner("41629779", 9_586_504, "Ann", "Owner", teams=[SALES]),
    _owner("41629780", 9_586_505, "Bram", "Seller", teams=[SALES]),
    _owner("41629781", 9_586_506, "Chloe", "Manager"),
    {
        "id": "52000001",
        "type": "QUEUE",
        "firstName": "Inbound",
        "lastName": "queue",
        "createdAt": SINCE,
        "updatedAt": SINCE,
        "archived": False,
    },
    _owner("41629700", 9_586_400, "Dirk", "Gone", archived=True),
)
