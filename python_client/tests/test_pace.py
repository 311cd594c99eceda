"""Pacing calls, with and without a client of one's own, against a server whose configuration has the pacer."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator

import pytest
from harness.server import Server

from conftest import Serve
from support import websocket_url
from throttle_client import Busy, aio, connect, pace
from throttle_client._shared import aio_client, blocking_client, close_blocking


@pytest.fixture
def server(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    server = serve(buckets="crawl = { min_interval = '300ms', max_reserved = 2 }")
    monkeypatch.setenv("THROTTLE_URL", websocket_url(server))
    yield server
    close_blocking()


def check_moments(start: float, moments: list[float]) -> None:
    """As many as may wait, and the first one, are paced: none is early. How late they are is up to the machine."""
    assert len(moments) == 3
    for number, moment in enumerate(moments):
        assert start + 0.3 * number - 0.01 < moment < start + 0.3 * number + 5


@pytest.mark.usefixtures("server")
def test_functions_are_paced_without_a_client() -> None:
    moments: list[float] = []

    @pace(0.3, 2, name="crawl")
    def call(number: int) -> int:
        """Say when."""
        moments.append(time.monotonic())
        return number

    assert call.__doc__ == "Say when."
    results: list[int | None] = []
    threads = [threading.Thread(target=lambda: results.append(call(7))) for _ in range(6)]
    start = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    check_moments(start, moments)
    assert sorted(results, key=str) == [7, 7, 7, None, None, None]


@pytest.mark.usefixtures("server")
def test_coroutine_functions_are_paced_without_a_client() -> None:
    @pace(0.3, 2, name="crawl")
    async def call(number: int) -> int:
        moments.append(time.monotonic())
        return number

    async def main() -> list[int | None]:
        return await asyncio.gather(*(call(7) for _ in range(6)))

    for _ in range(2):
        # In a loop of its own each time, with a connection of its own that is closed with the loop.
        moments: list[float] = []
        start = time.monotonic()
        assert sorted(asyncio.run(main()), key=str) == [7, 7, 7, None, None, None]
        check_moments(start, moments)
        time.sleep(0.3)


def test_pacing_with_a_client(server: Server) -> None:
    with connect(websocket_url(server)) as throttle:

        @throttle.pace(0.3, 2, name="crawl")
        def call() -> float:
            return time.monotonic()

        start = time.monotonic()
        moments = [call() for _ in range(3)]
        check_moments(start, [moment for moment in moments if moment is not None])


async def test_pacing_with_a_client_for_asyncio(server: Server) -> None:
    async with aio.connect(websocket_url(server)) as throttle:

        @throttle.pace(0.3, 2, name="crawl")
        async def call() -> int:
            return 7

        assert sorted(await asyncio.gather(*(call() for _ in range(5))), key=str) == [7, 7, 7, None, None]


@pytest.mark.usefixtures("server")
def test_what_a_paced_function_raises_itself_is_raised() -> None:
    @pace(0.3, 2, name="crawl")
    def call() -> None:
        raise Busy("not the pacer")

    with pytest.raises(Busy, match="not the pacer"):
        call()


def test_there_is_one_client_for_each_server_and_loop(server: Server) -> None:
    url = websocket_url(server)
    assert blocking_client(None) is blocking_client(url)

    async def clients() -> tuple[aio.Throttle, aio.Throttle]:
        return await aio_client(None), await aio_client(url)

    one, other = asyncio.run(clients())
    assert one is other
    assert asyncio.run(clients())[0] is not one
    with pytest.raises(Exception, match="closed"):
        one.link()


def test_a_loop_that_ends_without_a_word_is_forgotten(server: Server) -> None:
    loop = asyncio.new_event_loop()
    client = loop.run_until_complete(aio_client(websocket_url(server)))
    loop.close()

    async def another() -> aio.Throttle:
        return await aio_client(None)

    assert asyncio.run(another()) is not client
