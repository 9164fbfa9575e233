from __future__ import annotations

import socket
from typing import Any

import httpx
import pytest

from hub_core.engine.simulators import serve
from hub_core.errors import BadInput


async def app(scope: dict[str, Any], receive: Any, send: Any) -> None:
    assert scope["type"] == "http"
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": scope["path"].encode()})


def test_an_app_is_served_on_loopback_until_the_block_ends() -> None:
    with serve(app) as base_url:
        assert base_url.startswith("http://127.0.0.1:")
        assert httpx.get(f"{base_url}/contacts").text == "/contacts"
    with pytest.raises(httpx.ConnectError):
        httpx.get(base_url)


def test_a_taken_port_says_so() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(BadInput, match=f"Port {port}"), serve(app, port=port):
            pass
