"""Many at once: a thousand tasks on one connection, more than it carries, and a server that dies under them."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable

import pytest
from harness.server import Server

import throttle_client
from conftest import Serve
from proxy import Proxy
from support import busy, eventually, peers, websocket_url
from throttle_client import LeaseLost, ThrottleError, aio

ProxyOf = Callable[[Server], Proxy]


async def test_a_thousand_tasks_on_one_connection(serve: Serve, proxy_of: ProxyOf) -> None:
    server = serve("A = 10")
    proxy = proxy_of(server)
    inside = most = done = 0
    async with aio.connect(proxy.url) as throttle:

        async def one() -> None:
            nonlocal inside, most, done
            async with throttle.lock("A"):
                inside += 1
                most = max(most, inside)
                await asyncio.sleep(0)
                inside -= 1
                done += 1

        await asyncio.gather(*(one() for _ in range(1_000)))
        assert (done, most, proxy.connections) == (1_000, 10, 1)
        assert len(peers(server)) <= 1_000
        await eventually(lambda: busy(server) == [], "all is released")
        await eventually(lambda: peers(server) == [], "spare peers are closed after a while")


@pytest.mark.parametrize("most", [1, 5])
async def test_more_tasks_than_a_connection_carries(serve: Serve, most: int) -> None:
    server = serve("A = 3", f"sessions.max_peers_per_connection = {most}")
    async with aio.connect(websocket_url(server)) as throttle:

        async def one() -> None:
            async with throttle.lock("A"):
                await asyncio.sleep(0)

        await asyncio.gather(*(one() for _ in range(100)))
        assert len(peers(server)) <= most


@pytest.mark.parametrize("most", [1, 20])
async def test_tasks_that_come_before_the_first_word_of_the_server(serve: Serve, most: int) -> None:
    server = serve("A = 3", f"sessions.max_peers_per_connection = {most}")
    throttle = aio.connect(websocket_url(server))

    async def one() -> None:
        async with throttle.lock("A"):
            await asyncio.sleep(0)

    await asyncio.gather(*(one() for _ in range(500)))
    await throttle.close()


async def test_the_server_is_killed_and_restarted_under_load(serve: Serve) -> None:
    server = serve("A = 4", 'recovery_grace = "300ms"')
    inside = most = done = 0
    stop = False
    async with aio.connect(websocket_url(server)) as throttle:

        async def one() -> None:
            nonlocal inside, most, done
            while not stop:
                async with throttle.lock("A"):
                    inside += 1
                    most = max(most, inside)
                    await asyncio.sleep(0.002)
                    inside -= 1
                    done += 1

        async with asyncio.TaskGroup() as tasks:
            for _ in range(50):
                tasks.create_task(one())
            for _ in range(3):
                before = done
                await eventually(lambda b=before: done > b + 50, "work goes on")  # type: ignore[misc]
                server.kill()
                server.start()
            before = done
            await eventually(lambda: done > before + 50, "work goes on after all")
            stop = True
        await eventually(lambda: busy(server) == [], "nothing is left")
    assert most <= 4


async def test_connections_that_break_under_load(serve: Serve, proxy_of: ProxyOf) -> None:
    server = serve("A = 3")
    proxy = proxy_of(server)
    inside = most = 0
    async with aio.connect(proxy.url, expires_in=5) as throttle:

        async def one() -> None:
            nonlocal inside, most
            for _ in range(10):
                async with throttle.lock("A"):
                    inside += 1
                    most = max(most, inside)
                    await asyncio.sleep(0.001)
                    inside -= 1

        async with asyncio.TaskGroup() as tasks:
            crowd = [tasks.create_task(one()) for _ in range(30)]
            for connections in range(1, 6):
                await eventually(
                    lambda n=connections: proxy.connections >= n or all(task.done() for task in crowd),  # type: ignore[misc]
                    "it connects",
                )
                await asyncio.sleep(0.02)
                proxy.cut()
        await eventually(lambda: busy(server) == [], "nothing is left")
    assert most <= 3


def test_threads_share_a_connection(serve: Serve, proxy_of: ProxyOf) -> None:
    server = serve("A = 2")
    proxy = proxy_of(server)
    inside, most, lock, errors = 0, 0, threading.Lock(), list[Exception]()
    with throttle_client.connect(proxy.url) as throttle:

        def work() -> None:
            nonlocal inside, most
            try:
                for _ in range(20):
                    with throttle.lock("A"):
                        with lock:
                            inside += 1
                            most = max(most, inside)
                        with lock:
                            inside -= 1
            except (LeaseLost, ThrottleError) as error:
                errors.append(error)

        threads = [threading.Thread(target=work) for _ in range(20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert (errors, proxy.connections) == ([], 1)
        assert most <= 2
