"""A task that is cancelled, at whatever moment, leaves nothing behind: no lock, no ticket, no task."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from typing import Any

import pytest
from harness.server import Server

from conftest import Serve
from support import busy, eventually, peers, websocket_url
from throttle_client import aio

MOST_STEPS = 4_000


async def cancel_at_every_step(
    run: Callable[[], Coroutine[Any, Any, None]], check: Callable[[], Awaitable[None]], stride: int = 1
) -> int:
    """Run something again and again, cancelled one turn of the event loop later each time, until it gets through."""
    for steps in range(0, MOST_STEPS, stride):
        task = asyncio.create_task(run())
        for _ in range(steps):
            await asyncio.sleep(0)
        through = task.done()
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        await check()
        if through:
            return steps
    pytest.fail("it never got through")


async def nobody_is_busy(server: Server) -> None:
    await eventually(lambda: busy(server) == [], "nobody holds or waits")


async def test_while_it_acquires_and_holds(serve: Serve) -> None:
    server = serve("A = { max = 1, level = 1 }\nB = 1")
    async with aio.connect(websocket_url(server)) as throttle:

        async def run() -> None:
            async with throttle.lock("A"), throttle.lock("B"):
                await asyncio.sleep(0)

        await cancel_at_every_step(run, lambda: nobody_is_busy(server), 3)
        async with throttle.lock({"A": 1, "B": 1}, timeout=0):
            assert len(peers(server)) == 1


async def test_while_the_grant_is_on_its_way(serve: Serve) -> None:
    server = serve()
    async with aio.connect(websocket_url(server)) as throttle:
        holder = [await throttle.acquire("A")]

        async def wait() -> None:
            async with throttle.lock("A"):
                pass

        async def run() -> None:
            # Just as it is handed on, the one that waits is cancelled.
            waits = asyncio.create_task(wait())
            await asyncio.sleep(0)
            await holder.pop().release()
            try:
                await waits
            except asyncio.CancelledError:
                waits.cancel()
                raise

        async def check() -> None:
            if not holder:
                await nobody_is_busy(server)
                holder.append(await throttle.acquire("A", timeout=20))

        await cancel_at_every_step(run, check, 3)
        for lease in holder:
            await lease.release()


async def test_while_it_connects_and_closes(serve: Serve) -> None:
    server = serve()

    async def run() -> None:
        async with aio.connect(websocket_url(server)) as throttle, throttle.lock("A"):
            pass

    async def check() -> None:
        # Whoever had no time to take leave is let go of by the server, which sees the connection end.
        await asyncio.sleep(0)

    await cancel_at_every_step(run, check, 7)


async def test_a_crowd_that_is_cancelled_leaves_the_line(serve: Serve) -> None:
    server = serve()
    async with aio.connect(websocket_url(server)) as throttle, throttle.lock("A"):

        async def wait() -> None:
            async with throttle.lock("A"):
                pytest.fail("it is held")

        crowd = [asyncio.create_task(wait()) for _ in range(50)]
        await eventually(lambda: len(busy(server)) == 51, "all stand in line")
        for task in crowd:
            task.cancel()
        await asyncio.gather(*crowd, return_exceptions=True)
        await eventually(lambda: len(busy(server)) == 1, "nobody stands in line")


async def test_timeouts_of_asyncio_leave_nothing_behind(serve: Serve) -> None:
    server = serve()
    async with aio.connect(websocket_url(server)) as throttle, throttle.lock("A"):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await asyncio.create_task(throttle.acquire("A"))
        await eventually(lambda: len(busy(server)) == 1, "nobody stands in line")
