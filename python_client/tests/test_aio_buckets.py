"""Buckets with the asyncio client, against a server. What is the machine's is tested with the blocking one."""

from __future__ import annotations

import asyncio
import pickle
import time
from collections.abc import Callable
from typing import Any

import pytest
from harness.server import Server

from conftest import Serve
from proxy import Proxy
from support import available, busy, eventually, websocket_url
from throttle_client import (
    AcquireTimeout,
    Busy,
    HierarchyViolation,
    NotABucket,
    NotHeld,
    Progress,
    ServerUnavailable,
    aio,
)

SLOW = "api = { capacity = 10, refill = 1, every = '1h' }\n"
QUICK = "quick = { capacity = 1, refill = 1, every = '200ms' }\n"
PACER = "crawl = { min_interval = '300ms', max_reserved = 1 }\n"


@pytest.fixture
def server(serve: Serve) -> Server:
    return serve("gpu = 1\nA = { max = 2, level = 1 }", buckets=SLOW + QUICK + PACER)


async def test_a_permit_takes_tokens_and_its_release_gives_none_back(server: Server) -> None:
    async with aio.connect(websocket_url(server)) as throttle:
        async with throttle.bucket("api").take(3) as permit:
            assert permit.counts == {"api": 3}
        permit = await throttle.bucket("api").take(2).acquire()
        await permit.release()
        await eventually(lambda: not busy(server), "both are released")
        assert available(server, "api") == 5


async def test_decorating_coroutine_functions(server: Server) -> None:
    async with aio.connect(websocket_url(server)) as throttle:

        @throttle.bucket("api").take(2)
        async def inner(number: int) -> int:
            return number + 1

        @throttle.bucket("api").take(3)
        async def outer() -> int:
            return await inner(6)

        assert await outer() == 7
        assert available(server, "api") == 5


async def test_what_cannot_be_decorated(server: Server) -> None:
    throttle = aio.connect(websocket_url(server))

    def plain() -> Any: ...

    with pytest.raises(TypeError, match="no coroutine function"):
        throttle.bucket("api").take()(plain)
    with pytest.raises(TypeError, match="no coroutine function"):
        throttle.pace(1, 1, name="crawl")(plain)


async def test_how_long_to_wait(server: Server) -> None:
    async with aio.connect(websocket_url(server)) as throttle:
        await (await throttle.bucket("api").take(10).acquire()).release()
        for max_wait in (0, 1):
            with pytest.raises(AcquireTimeout) as refusal:
                await throttle.bucket("api").take(max_wait=max_wait).acquire()
            assert refusal.value.eta is not None
            assert 3_590 < refusal.value.eta <= 3_600
        with pytest.raises(AcquireTimeout) as refusal:
            await throttle.acquire({"gpu": 1, "api": 1}, max_wait=1)
        assert refusal.value.eta is not None


async def test_who_comes_when_too_many_wait_is_told_when_to_come_back(server: Server) -> None:
    async with aio.connect(websocket_url(server)) as throttle:
        moments: list[float] = []

        async def call() -> float | None:
            try:
                async with throttle.bucket("crawl").take():
                    moments.append(time.monotonic())
                    return None
            except Busy as error:
                return error.retry_after

        results = await asyncio.gather(*(call() for _ in range(4)))
        assert len(moments) == 2
        assert moments[1] - moments[0] > 0.29
        assert all(0 < result <= 0.3 for result in results if result is not None)
        assert sum(result is None for result in results) == 2


async def test_progress_tells_when_it_is_due(server: Server) -> None:
    told: list[Progress] = []
    async with aio.connect(websocket_url(server)) as throttle:
        quick = throttle.bucket("quick")
        async with quick.take(), quick.take(progress=told.append):
            pass
    assert told[0].eta is not None
    assert 0 < told[0].eta <= 0.2


async def test_permits_and_locks_inside_each_other(server: Server) -> None:
    async with aio.connect(websocket_url(server)) as throttle:
        api = throttle.bucket("api")
        async with throttle.lock("A"), api.take(), api.take(), throttle.lock({"gpu": 1, "api": 2}), api.take():
            with pytest.raises(HierarchyViolation):
                await throttle.acquire({"A": 1, "api": 1})
        assert available(server, "api") == 5


async def test_more_tasks_inside_each_other_than_there_are_peers(serve: Serve) -> None:
    settings = "[sessions]\nmax_peers_per_connection = 10"
    server = serve(settings=settings, buckets="many = { capacity = 1000, refill = 1000, every = '1s' }")
    async with aio.connect(websocket_url(server)) as throttle:

        @throttle.bucket("many").take()
        async def job(depth: int) -> None:
            await asyncio.sleep(0.001)
            if depth < 3:
                await job(depth + 1)

        await asyncio.gather(*(job(0) for _ in range(100)))
        await eventually(lambda: not busy(server), "all is released")


async def test_what_is_told_about_a_permit(server: Server) -> None:
    async with aio.connect(websocket_url(server)) as throttle:
        async with throttle.bucket("api").take(5) as permit:
            await permit.settle(2)
            assert available(server, "api") == 8
            await permit.settle({"api": 0})
            await permit.throttled(0.2)
            async with throttle.bucket("api").take() as later:
                assert 0.1 < later.waited < 5
        with pytest.raises(NotHeld):
            await permit.settle(1)
        async with throttle.lock({"gpu": 1, "api": 5}) as lease:
            with pytest.raises(NotABucket):
                await lease.settle({"gpu": 1})
            with pytest.raises(NotABucket):
                await lease.throttled(1, "gpu")
            await lease.settle({"api": 1})


async def test_a_cancelled_task_uses_no_tokens(server: Server) -> None:
    async def take(throttle: aio.Throttle) -> None:
        async with throttle.bucket("api").take() as permit:
            await permit.settle(0)

    async with aio.connect(websocket_url(server)) as throttle:
        # At every moment on the way, the grant's arrival above all.
        for turns in range(60):
            task = asyncio.create_task(take(throttle))
            for _ in range(turns):
                await asyncio.sleep(0.00005)
            task.cancel()
            await asyncio.wait([task])
        await eventually(lambda: not busy(server), "all is released")
        assert available(server, "api") == 10


async def test_a_permit_is_not_lost(server: Server, proxy_of: Callable[[Server], Proxy]) -> None:
    proxy = proxy_of(server)
    async with aio.connect(proxy.url, expires_in=0.5, on_lost="cancel", patience=1) as throttle:
        async with throttle.bucket("api").take(4) as permit:
            proxy.refuse()
            with pytest.raises(ServerUnavailable):
                await permit.settle(1)
            assert not permit.lost.is_set()
            permit.check()
            proxy.refuse(refusing=False)
            with pytest.raises(NotHeld):
                await permit.settle(1)
        assert available(server, "api") == 6


async def test_buckets_and_takes_can_be_pickled(server: Server) -> None:
    bucket = pickle.loads(pickle.dumps(aio.connect(websocket_url(server)).bucket("api")))  # noqa: S301  our own
    take = bucket.take(2)
    assert repr(take) == "<take from api (2), to be entered with `async with`>"
    await (await take.acquire()).release()
    await bucket._throttle.close()
    await take._throttle.close()
