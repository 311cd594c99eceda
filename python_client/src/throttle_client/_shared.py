"""Clients that a program has without making any: one for each server, and in asyncio one for each event loop.

They are for what is decorated when modules are loaded, and for `compat`. The environment says where the server is.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import AsyncGenerator

from . import _aio_client, _blocking_client

DEFAULT_URL = "ws://127.0.0.1:8000"

_making = threading.Lock()
_blocking: dict[str, _blocking_client.Throttle] = {}
# The generators end, and their clients are closed, when `asyncio.run` shuts down the generators of its loop.
_keepers: dict[tuple[asyncio.AbstractEventLoop, str], AsyncGenerator[_aio_client.Throttle]] = {}
_clients: dict[tuple[asyncio.AbstractEventLoop, str], _aio_client.Throttle] = {}


def server_url(url: str | None) -> str:
    """Tell where the server is: as given, or in `THROTTLE_URL`, or else on this machine."""
    return url or os.environ.get("THROTTLE_URL") or DEFAULT_URL


def blocking_client(url: str | None) -> _blocking_client.Throttle:
    """Get the client for threads. It ends with the program."""
    place = server_url(url)
    with _making:
        client = _blocking.get(place)
        if client is None:
            client = _blocking[place] = _blocking_client.connect(place, token=_token())
    return client


async def aio_client(url: str | None) -> _aio_client.Throttle:
    """Get the client of this event loop. It is closed with the loop."""
    key = (asyncio.get_running_loop(), server_url(url))
    client = _clients.get(key)
    if client is None:
        for other in [known for known in _keepers if known[0].is_closed()]:
            # Nobody has shut down its generators.
            del _keepers[other], _clients[other]
        client = _clients[key] = _aio_client.connect(key[1], token=_token())
        _keepers[key] = _keep(key, client)
        await anext(_keepers[key])
    return client


def close_blocking() -> None:
    """Close the clients for threads; those who go on with what they have decorated get new ones."""
    with _making:
        clients = list(_blocking.values())
        _blocking.clear()
    for client in clients:
        client.close()


async def _keep(
    key: tuple[asyncio.AbstractEventLoop, str], client: _aio_client.Throttle
) -> AsyncGenerator[_aio_client.Throttle]:
    try:
        yield client
    finally:
        del _keepers[key], _clients[key]
        await client.close()


def _token() -> str | None:
    return os.environ.get("THROTTLE_TOKEN")
