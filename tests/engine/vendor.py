"""A vendor over real HTTP on loopback: answers what a test tells it to, and remembers what it was asked."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import orjson
import uvicorn


@dataclass(frozen=True)
class Asked:
    method: str
    target: str
    headers: dict[str, str]
    body: bytes
    at: float


@dataclass(frozen=True)
class Answer:
    status: int = 200
    data: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    raw: bytes | None = None


Answering = Callable[[Asked], Answer | Awaitable[Answer]]


@dataclass
class Vendor:
    url: str = ""
    asked: list[Asked] = field(default_factory=list)
    answering: Answering = lambda asked: Answer(data={"ok": True})

    def answers(self, *answers: Answer) -> None:
        """These in turn, the last one for ever."""
        left = list(answers)
        self.answering = lambda asked: left.pop(0) if len(left) > 1 else left[0]

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        assert scope["type"] == "http"
        body = b""
        while True:
            message = await receive()
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        query = scope["query_string"].decode()
        asked = Asked(
            scope["method"],
            scope["raw_path"].decode() + (f"?{query}" if query else ""),
            {name.decode(): value.decode() for name, value in scope["headers"]},
            body,
            time.monotonic(),
        )
        self.asked.append(asked)
        answer = self.answering(asked)
        if not isinstance(answer, Answer):
            answer = await answer
        content = answer.raw if answer.raw is not None else b"" if answer.data is None else orjson.dumps(answer.data)
        headers = [(name.encode(), value.encode()) for name, value in answer.headers.items()]
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        await send({"type": "http.response.body", "body": content})


@contextlib.asynccontextmanager
async def serve(app: Any) -> AsyncIterator[str]:
    """The URL of ``app``, served on a free port of the loopback."""
    config = uvicorn.Config(app, port=0, log_level="critical", lifespan="off", timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]
    task = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.005)
    port = server.servers[0].sockets[0].getsockname()[1]
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    await task
