"""Limits that come into being when they are first used, against a server whose configuration allows that."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest
from harness.patience import eventually
from harness.server import Server

from conftest import Serve
from support import available, remainder, websocket_url
from support import eventually as eventually_async
from throttle_client import AcquireTimeout, Busy, DeclaredOtherwise, Throttle, UnknownSemaphore, connect, pace
from throttle_client._shared import close_blocking
from throttle_client.compat import MaxSleepExceededError, RedisError, Semaphore, TokenBucket


@pytest.fixture
def server(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    server = serve("A = 4", settings="[dynamic]\nallow = true")
    monkeypatch.setenv("THROTTLE_URL", websocket_url(server))
    yield server
    close_blocking()


@pytest.fixture
def throttle(server: Server) -> Iterator[Throttle]:
    with connect(websocket_url(server)) as throttle:
        yield throttle


def test_a_semaphore_comes_into_being(server: Server, throttle: Throttle) -> None:
    with throttle.lock("new", declare=2):
        assert remainder(server, "new") == 1
        with connect(websocket_url(server)) as other, other.lock("new", declare=2):
            assert remainder(server, "new") == 0


def test_several_come_into_being(server: Server, throttle: Throttle) -> None:
    with throttle.lock({"new": 2, "newer": 1, "A": 1}, declare={"new": 2, "newer": 3}):
        assert remainder(server, "newer") == 2
        assert remainder(server, "A") == 3


def test_a_bucket_comes_into_being(server: Server, throttle: Throttle) -> None:
    bucket = throttle.bucket("api", capacity=10, refill=1, every=3_600)
    with bucket.take(3) as permit:
        permit.settle(2)
        assert available(server, "api") == 8
    with pytest.raises(AcquireTimeout) as refusal:
        bucket.take(10, max_wait=1).acquire()
    assert refusal.value.eta is not None


def test_a_pacer_comes_into_being(throttle: Throttle) -> None:
    crawl = throttle.bucket("crawl", min_interval=0.3, max_reserved=0)
    crawl.take().acquire().release()
    with pytest.raises(Busy):
        crawl.take().acquire()


def test_who_declares_otherwise_is_refused(throttle: Throttle) -> None:
    with throttle.lock("new", declare=2):
        pass
    with pytest.raises(DeclaredOtherwise) as refusal:
        throttle.acquire("new", declare=3)
    assert refusal.value.semaphore == "new"
    assert refusal.value.declared == {"max": 3}
    assert refusal.value.actual["max"] == 2
    with pytest.raises(DeclaredOtherwise):
        throttle.bucket("new", capacity=2, refill=1, every=1).take().acquire()
    with pytest.raises(DeclaredOtherwise):
        throttle.acquire("A", declare=5)


def test_what_is_configured_may_be_declared(throttle: Throttle) -> None:
    with throttle.lock("A", declare=4):
        pass


def test_nothing_comes_into_being_where_that_is_not_allowed(serve: Serve) -> None:
    with connect(websocket_url(serve())) as throttle:
        with pytest.raises(UnknownSemaphore):
            throttle.acquire("new", declare=2)
        with pytest.raises(UnknownSemaphore):
            throttle.bucket("api", capacity=1, refill=1, every=1).take().acquire()


@pytest.mark.usefixtures("server")
def test_limiters_of_self_limiters_come_into_being() -> None:
    async def main() -> None:
        async with Semaphore("new", 2, max_sleep=1), Semaphore("new", 2, max_sleep=1):
            pass
        for _ in range(3):
            async with TokenBucket("api", capacity=3, refill_frequency=60, refill_amount=1, max_sleep=1):
                pass
        with pytest.raises(RedisError):
            await Semaphore("new", 3).__aenter__()

    asyncio.run(main())


@pytest.mark.usefixtures("server")
def test_pacers_come_into_being() -> None:
    @pace(60, 0, name="crawl")
    def plain() -> int:
        return 7

    @pace(60, 0, name="spider")
    async def coroutine() -> int:
        return 8

    async def main() -> list[int | None]:
        return [await coroutine(), await coroutine()]

    assert [plain(), plain()] == [7, None]
    assert asyncio.run(main()) == [8, None]


@pytest.fixture
def graceful(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> Server:
    server = serve("A = 4", settings="recovery_grace = '2s'\n[dynamic]\nallow = true")
    monkeypatch.setenv("THROTTLE_URL", websocket_url(server))
    return server


def test_what_was_declared_is_brought_back_after_a_restart(graceful: Server) -> None:
    with connect(websocket_url(graceful)) as throttle:
        bucket = throttle.bucket("api", capacity=10, refill=1, every=3_600)
        with throttle.lock({"new": 1, "A": 1}, declare={"new": 1}) as lease, bucket.take(3) as permit:
            before = lease.fences
            graceful.kill()
            graceful.start()
            eventually(lambda: lease.fences["new"] > before["new"], "the lease is brought back")
            permit.settle(2)
            assert available(graceful, "api") == 8
            assert (lease.reason, remainder(graceful, "new"), remainder(graceful, "A")) == (None, 0, 3)


async def test_a_semaphore_of_compat_is_brought_back_after_a_restart(graceful: Server) -> None:
    semaphore = Semaphore("one", 1)
    async with semaphore:
        lease = semaphore._entered._leases[asyncio.current_task()][0]
        before = lease.fence
        graceful.kill()
        graceful.start()
        await eventually_async(lambda: lease.fence > before, "the lease is brought back")
        with pytest.raises(MaxSleepExceededError):
            await enter(Semaphore("one", 1, max_sleep=3))
    await enter(Semaphore("one", 1, max_sleep=3))


async def enter(semaphore: Semaphore) -> None:
    async with semaphore:
        pass
