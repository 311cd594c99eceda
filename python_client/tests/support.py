"""What several tests need: looking at the server from outside, and small helpers for waiting."""

from __future__ import annotations

import asyncio
import json
import time
import urllib.request
from collections.abc import Callable
from typing import Any

from harness.patience import DEADLINE_SEC
from harness.server import Server


def websocket_url(server: Server) -> str:
    return server.url.replace("http://", "ws://")


def _get(server: Server, path: str) -> bytes:
    with urllib.request.urlopen(f"{server.url}{path}", timeout=DEADLINE_SEC) as response:  # noqa: S310  it is http
        body: bytes = response.read()
    return body


def peers(server: Server) -> list[dict[str, Any]]:
    """Everybody the server knows."""
    listed: list[dict[str, Any]] = json.loads(_get(server, "/peers/"))
    return listed


def busy(server: Server) -> list[dict[str, Any]]:
    """Everybody who holds or waits for something."""
    return [peer for peer in peers(server) if peer["locks"] or peer["pending"]]


def waiting(server: Server) -> int:
    """How many stand in line."""
    return sum(peer["pending"] is not None for peer in peers(server))


def remainder(server: Server, semaphore: str) -> int:
    """How much of a semaphore is left."""
    return int(_get(server, f"/remainder?semaphore={semaphore}"))


async def eventually(condition: Callable[[], bool], what: str) -> None:
    """Return when the condition holds; fail when it does not come to hold. The event loop goes on meanwhile."""
    deadline = time.monotonic() + DEADLINE_SEC
    while not await asyncio.to_thread(condition):
        assert time.monotonic() < deadline, f"waited in vain: {what}"
        await asyncio.sleep(0.01)


def available(server: Server, bucket: str) -> int:
    """How many tokens a bucket has; negative when more was used than there were."""
    tokens: int = json.loads(_get(server, f"/buckets/{bucket}"))["available"]
    return tokens
