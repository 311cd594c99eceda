"""Buckets with the blocking client, against a server."""

from __future__ import annotations

import pickle
import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from harness.patience import eventually
from harness.server import Server

from conftest import Serve
from proxy import Proxy
from support import available, busy, peers, websocket_url
from throttle_client import (
    AcquireTimeout,
    Busy,
    CountExceedsMax,
    HierarchyViolation,
    LeaseLost,
    NotABucket,
    NotHeld,
    Progress,
    Throttle,
    ThrottleError,
    UnknownSemaphore,
    connect,
)

# Its tokens come back so slowly that none does within a test.
SLOW = "api = { capacity = 10, refill = 1, every = '1h' }\n"
QUICK = "quick = { capacity = 1, refill = 1, every = '200ms' }\n"
PACER = "crawl = { min_interval = '300ms', max_reserved = 1 }\n"


@pytest.fixture
def server(serve: Serve) -> Server:
    return serve("gpu = 1\nA = { max = 2, level = 1 }", buckets=SLOW + QUICK + PACER)


@pytest.fixture
def throttle(server: Server) -> Iterator[Throttle]:
    with connect(websocket_url(server)) as throttle:
        yield throttle


def test_a_permit_takes_tokens_and_its_release_gives_none_back(server: Server, throttle: Throttle) -> None:
    with throttle.bucket("api").take(3) as permit:
        assert permit.counts == {"api": 3}
        assert permit.fence > 0
        assert available(server, "api") == 7
    eventually(lambda: not busy(server), "it is released")
    assert available(server, "api") == 7


def test_tokens_come_back_with_time(throttle: Throttle) -> None:
    start = time.monotonic()
    for _ in range(3):
        with throttle.bucket("quick").take():
            pass
    assert 0.39 <= time.monotonic() - start < 2


def test_acquiring_without_a_block(server: Server, throttle: Throttle) -> None:
    permit = throttle.bucket("api").take(2).acquire()
    permit.release()
    permit.release()
    eventually(lambda: not busy(server), "it is released")


def test_decorating_a_function(server: Server, throttle: Throttle) -> None:
    @throttle.bucket("api").take(2)
    def inner(number: int) -> int:
        return number + 1

    @throttle.bucket("api").take(3)
    def outer() -> int:
        return inner(6)

    assert outer() == 7
    assert available(server, "api") == 5


@pytest.mark.parametrize("kind", ["coroutine function", "generator"])
def test_what_cannot_be_decorated(throttle: Throttle, kind: str) -> None:
    async def coroutine() -> None: ...

    def generator() -> Iterator[int]:
        yield 1

    function: Callable[[], Any] = coroutine if kind == "coroutine function" else generator
    with pytest.raises(TypeError, match=kind):
        throttle.bucket("api").take()(function)
    with pytest.raises(TypeError, match=kind):
        throttle.pace(1, 1, name="crawl")(function)


# --- How long to wait


@pytest.mark.parametrize("max_wait", [0, 1, timedelta(minutes=1)])
def test_who_would_have_to_wait_for_too_long_is_told_at_once(throttle: Throttle, max_wait: float | timedelta) -> None:
    throttle.bucket("api").take(10).acquire().release()
    start = time.monotonic()
    with pytest.raises(AcquireTimeout, match="longer than max_wait") as refusal:
        throttle.bucket("api").take(max_wait=max_wait).acquire()
    assert time.monotonic() - start < 1
    assert refusal.value.eta is not None
    assert 3_590 < refusal.value.eta <= 3_600
    assert refusal.value.semaphore == "api"
    assert pickle.loads(pickle.dumps(refusal.value)).eta == refusal.value.eta  # noqa: S301  our own


def test_who_can_wait_for_so_long_waits(throttle: Throttle) -> None:
    throttle.bucket("quick").take().acquire().release()
    with throttle.bucket("quick").take(max_wait=5) as permit:
        assert 0.1 < permit.waited < 1


def test_a_timeout_has_no_eta(throttle: Throttle) -> None:
    throttle.bucket("api").take(10).acquire().release()
    with pytest.raises(AcquireTimeout, match=r"within 0\.05 s") as refusal:
        throttle.bucket("api").take(timeout=0.05).acquire()
    assert refusal.value.eta is None


def test_a_lock_takes_max_wait_too(throttle: Throttle) -> None:
    throttle.bucket("api").take(10).acquire().release()
    with pytest.raises(AcquireTimeout) as refusal:
        throttle.acquire({"gpu": 1, "api": 5}, max_wait=1)
    assert refusal.value.eta is not None
    assert refusal.value.eta > 3_600
    with throttle.lock("gpu", max_wait=0):
        pass


def test_who_comes_when_too_many_wait_is_told_when_to_come_back(server: Server, throttle: Throttle) -> None:
    crawl = throttle.bucket("crawl")
    crawl.take().acquire().release()
    waiting = threading.Thread(target=lambda: crawl.take().acquire().release())
    waiting.start()
    eventually(lambda: any(peer["pending"] for peer in peers(server)), "one waits")
    with pytest.raises(Busy) as refusal:
        crawl.take().acquire()
    assert (refusal.value.code, refusal.value.semaphore) == ("busy", "crawl")
    assert 0 < refusal.value.retry_after <= 0.3
    assert pickle.loads(pickle.dumps(refusal.value)).retry_after == refusal.value.retry_after  # noqa: S301  our own
    waiting.join()


def test_progress_tells_when_it_is_due(throttle: Throttle) -> None:
    told: list[Progress] = []
    throttle.bucket("quick").take().acquire().release()
    with throttle.bucket("quick").take(progress=told.append):
        pass
    assert told[0].position == 1
    assert told[0].eta is not None
    assert 0 < told[0].eta <= 0.2


def test_what_can_never_be_granted(throttle: Throttle) -> None:
    with pytest.raises(CountExceedsMax):
        throttle.bucket("api").take(11).acquire()
    with pytest.raises(UnknownSemaphore):
        throttle.bucket("nope").take().acquire()


# --- Inside each other


def test_permits_of_one_bucket_inside_each_other(server: Server, throttle: Throttle) -> None:
    api = throttle.bucket("api")
    take = api.take(2)
    with take as outer, take as inner, api.take() as innermost:
        assert len(busy(server)) == 3
        inner.settle(1)
        assert outer.fence < inner.fence < innermost.fence
    assert available(server, "api") == 6


def test_locks_and_permits_inside_each_other(throttle: Throttle) -> None:
    api = throttle.bucket("api")
    with throttle.lock("A"), api.take(), throttle.lock({"gpu": 1, "api": 2}), api.take():
        with pytest.raises(HierarchyViolation):
            throttle.acquire({"A": 1, "api": 1})


def test_decorated_recursion_with_more_calls_than_peers(serve: Serve) -> None:
    settings = "[sessions]\nmax_peers_per_connection = 4"
    server = serve(settings=settings, buckets="many = { capacity = 1000, refill = 1000, every = '1s' }")
    with connect(websocket_url(server)) as throttle:
        together = threading.Barrier(4)

        @throttle.bucket("many").take()
        def job(depth: int) -> None:
            if depth == 0:
                together.wait(10)
            if depth < 3:
                job(depth + 1)

        threads = [threading.Thread(target=job, args=(0,)) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(10)
        assert not any(thread.is_alive() for thread in threads)
        eventually(lambda: not busy(server), "all is released")


# --- What is told about a permit


def test_settling(server: Server, throttle: Throttle) -> None:
    with throttle.bucket("api").take(5) as permit:
        permit.settle(2)
        assert available(server, "api") == 8
        permit.settle(0)
        assert available(server, "api") == 10
        permit.settle({"api": 12})
        assert available(server, "api") == -2
        assert permit.counts == {"api": 12}
    with pytest.raises(NotHeld, match="released"):
        permit.settle(1)


def test_settling_a_lease_of_both(server: Server, throttle: Throttle) -> None:
    with throttle.lock({"gpu": 1, "api": 5}) as lease:
        lease.settle({"api": 3})
        assert available(server, "api") == 7
        with pytest.raises(TypeError, match="which bucket"):
            lease.settle(3)
        with pytest.raises(NotABucket) as refusal:
            lease.settle({"gpu": 1})
        assert refusal.value.semaphore == "gpu"
        with pytest.raises(NotHeld, match="nothing of 'crawl'"):
            lease.settle({"crawl": 1})
    with throttle.lock("gpu") as lease, pytest.raises(NotABucket):
        lease.settle(1)


def test_the_resource_has_refused(throttle: Throttle) -> None:
    with throttle.bucket("api").take() as permit:
        permit.throttled(0.2)
        with throttle.bucket("api").take() as later:
            assert 0.1 < later.waited < 5
        permit.throttled(timedelta(hours=1))
        with pytest.raises(AcquireTimeout) as refusal:
            throttle.bucket("api").take(max_wait=1).acquire()
        assert refusal.value.eta is not None
        assert refusal.value.eta > 3_000
    with throttle.lock({"gpu": 1, "A": 1}) as lease:
        with pytest.raises(TypeError, match="bucket must be given"):
            lease.throttled(1)
        with pytest.raises(NotABucket):
            lease.throttled(1, "A")


def test_after_the_client_is_closed(server: Server) -> None:
    throttle = connect(websocket_url(server))
    permit = throttle.bucket("api").take().acquire()
    throttle.close()
    permit.check()
    with pytest.raises(ThrottleError, match="closed") as refusal:
        permit.settle(0)
    assert refusal.value.code == "closed"
    permit.release()


# --- Connections that break


def test_a_permit_outlives_its_connection(server: Server, proxy_of: Callable[[Server], Proxy]) -> None:
    proxy = proxy_of(server)
    with connect(proxy.url, expires_in=0.5, on_lost="raise") as throttle:
        with throttle.bucket("api").take(4) as permit:
            proxy.refuse()
            eventually(lambda: not busy(server), "the server has forgotten it")
            time.sleep(0.5)
            assert not permit.lost.is_set()
            assert permit.safe_for == float("inf")
            permit.check()
            proxy.refuse(refusing=False)
            with pytest.raises(NotHeld):
                permit.settle(1)
        # Not taken twice.
        assert available(server, "api") == 6


def test_settling_while_the_connection_is_away(server: Server, proxy_of: Callable[[Server], Proxy]) -> None:
    proxy = proxy_of(server)
    with connect(proxy.url) as throttle, throttle.bucket("api").take(4) as permit:
        proxy.refuse()
        threading.Timer(0.3, lambda: proxy.refuse(refusing=False)).start()
        permit.settle(1)
        assert available(server, "api") == 9


def test_a_restart_takes_the_tokens_again(server: Server) -> None:
    with connect(websocket_url(server)) as throttle, throttle.bucket("api").take(4) as permit:
        permit.settle(3)
        server.kill()
        server.start()
        permit.settle(2)
        assert not permit.lost.is_set()
        assert available(server, "api") == 8


def test_a_lease_of_both_is_lost(server: Server, proxy_of: Callable[[Server], Proxy]) -> None:
    proxy = proxy_of(server)
    with connect(proxy.url, expires_in=0.5) as throttle:
        lease = throttle.acquire({"gpu": 1, "api": 2})
        proxy.refuse()
        assert lease.lost.wait(5)
        with pytest.raises(LeaseLost):
            lease.settle({"api": 1})
        with pytest.raises(LeaseLost):
            throttle.bucket("api").take().acquire()


# --- Pacing


def test_calls_are_apart_and_left_out_when_too_many_wait(server: Server, throttle: Throttle) -> None:
    moments: list[float] = []
    take = throttle.bucket("crawl").take()

    @take
    def call() -> int:
        moments.append(time.monotonic())
        return 7

    threads = [threading.Thread(target=call) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert 0.29 <= moments[1] - moments[0] < 2
    assert available(server, "crawl") <= 1


# --- Around it


def test_buckets_and_takes_can_be_pickled(throttle: Throttle) -> None:
    bucket = pickle.loads(pickle.dumps(throttle.bucket("api")))  # noqa: S301  our own
    assert bucket.name == "api"
    bucket.take().acquire().release()
    assert repr(bucket) == "<bucket 'api'>"
    assert repr(bucket.take(2)) == "<take from api (2), to be entered with `with`>"


def test_a_semaphore_is_no_bucket(server: Server, throttle: Throttle) -> None:
    with pytest.raises(NotABucket) as refusal:
        throttle.bucket("A").take().acquire()
    assert refusal.value.semaphore == "A"
    eventually(lambda: not busy(server), "nothing of it is held")
