"""Programs that were written for self-limiters, with nothing changed but an import."""

from __future__ import annotations

import asyncio
import inspect
import re
import time
from collections.abc import Callable
from typing import Any

import pytest
from harness.server import Server

from conftest import Serve
from proxy import Proxy
from support import available, busy, eventually, websocket_url
from throttle_client import LeaseLost, ServerUnavailable
from throttle_client.compat import MaxSleepExceededError, RedisError, Semaphore, TokenBucket

BUCKETS = """
api = { capacity = 10, refill = 10, every = "1h" }
quick = { capacity = 1, refill = 1, every = "200ms" }
"""


@pytest.fixture
def server(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> Server:
    server = serve("A = 1\nB = 2", buckets=BUCKETS)
    monkeypatch.setenv("THROTTLE_URL", websocket_url(server))
    return server


def test_signatures_are_those_of_self_limiters() -> None:
    def names(kind: Callable[..., object]) -> list[str]:
        parameters = inspect.signature(kind).parameters.values()
        return [parameter.name for parameter in parameters if parameter.kind is parameter.POSITIONAL_OR_KEYWORD]

    assert names(Semaphore) == ["name", "capacity", "max_sleep", "expiry", "redis_url", "connection_pool_size"]
    assert names(TokenBucket) == [
        *("name", "capacity", "refill_frequency", "refill_amount"),
        *("redis_url", "max_sleep", "connection_pool_size"),
    ]
    semaphore = Semaphore("A", 5, None, None, "redis://127.0.0.1:6379", 15)
    assert (semaphore.name, semaphore.capacity, semaphore.max_sleep, semaphore.expiry) == ("A", 5, 0.0, 30)
    bucket = TokenBucket("api", 1, 60, 2, None, 600, None)
    assert (bucket.name, bucket.capacity, bucket.refill_frequency, bucket.refill_amount) == ("api", 1, 60, 2)
    assert not issubclass(MaxSleepExceededError, RedisError)


def test_what_is_declared() -> None:
    assert Semaphore("A", 5)._wish.declare == {"A": {"max": 5}}
    declared = {"api": {"capacity": 10, "refill": 2, "every_ms": 500}}
    assert TokenBucket("api", 10, 0.5, 2)._wish.declare == declared


@pytest.mark.parametrize("name", ["", "A" * 129, "ü" * 65, "A*", "A\n", "\ud800"])
def test_names_that_the_server_does_not_take(name: str) -> None:
    semaphore, bucket = Semaphore(name, 5), TokenBucket(name, 10, 1, 1)
    assert (semaphore.name, bucket.name) == (name, name)
    (known,) = semaphore._wish.want
    assert re.fullmatch("__self-limiters:[0-9a-f]{64}", known)
    assert list(semaphore._wish.declare or ()) == list(bucket._wish.want) == list(bucket._wish.declare or ()) == [known]
    assert list(Semaphore(name + "?", 5)._wish.want) != [known]


@pytest.mark.parametrize(
    ("make", "kind"),
    [
        (lambda: Semaphore("A", -1), ValueError),
        (lambda: Semaphore("A", 1.5), TypeError),  # type: ignore[arg-type]
        (lambda: Semaphore(None, 1), TypeError),  # type: ignore[arg-type]
        (lambda: Semaphore("A", 1, url="redis://localhost"), ValueError),
        (lambda: TokenBucket("A", 1, 0, 1), ValueError),
        (lambda: TokenBucket("A", 1, -1, 1), ValueError),
        (lambda: TokenBucket("A", 1, 1, 0), ValueError),
    ],
)
def test_wrong_arguments(make: Callable[[], object], kind: type[Exception]) -> None:
    with pytest.raises(kind):
        make()


async def test_a_semaphore(server: Server) -> None:
    async with Semaphore(name="A", capacity=1, redis_url="redis://nowhere") as nothing:
        assert nothing is None
        assert len(busy(server)) == 1
        start = time.monotonic()
        with pytest.raises(MaxSleepExceededError):
            await enter(Semaphore("A", 1, max_sleep=0.1))
        assert 0.09 < time.monotonic() - start < 2
    await eventually(lambda: not busy(server), "it is released")


async def enter(limiter: Any) -> None:
    async with limiter:
        pass


async def test_one_semaphore_for_many_tasks(server: Server) -> None:
    semaphore = Semaphore("B", 2, max_sleep=60, url=websocket_url(server))
    inside = most = 0

    async def job() -> None:
        nonlocal inside, most
        async with semaphore:
            inside += 1
            most = max(most, inside)
            await asyncio.sleep(0.001)
            inside -= 1

    await asyncio.gather(*(job() for _ in range(50)))
    assert most == 2


@pytest.mark.usefixtures("server")
async def test_limiters_nest_in_any_order() -> None:
    both, one, bucket = Semaphore("B", 2), Semaphore("A", 1), TokenBucket("api", 10, 3_600, 10)
    async with both, both, one, bucket, bucket:
        pass
    async with bucket, one, both, both:
        with pytest.raises(MaxSleepExceededError):
            await enter(Semaphore("A", 1, max_sleep=0.05))


async def test_a_token_bucket(server: Server) -> None:
    start = time.monotonic()
    for _ in range(3):
        await enter(TokenBucket(name="quick", capacity=1, refill_frequency=0.2, refill_amount=1, max_sleep=5))
    assert 0.39 < time.monotonic() - start < 2
    for _ in range(10):
        await enter(TokenBucket("api", 10, 3_600, 10))
    assert available(server, "api") == 0
    start = time.monotonic()
    with pytest.raises(MaxSleepExceededError, match="longer than max_wait"):
        await enter(TokenBucket("api", 10, 3_600, 10, max_sleep=60))
    assert time.monotonic() - start < 1


@pytest.mark.usefixtures("server")
def test_one_limiter_in_several_loops() -> None:
    semaphore = Semaphore("A", 1)
    for _ in range(3):
        asyncio.run(enter(semaphore))


async def test_what_else_can_go_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("THROTTLE_URL", "ws://127.0.0.1:1")
    task = asyncio.create_task(enter(Semaphore("A", 1)))
    await asyncio.sleep(0.1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert issubclass(ServerUnavailable, RedisError)


async def test_what_is_lost_is_not_passed_over(server: Server, proxy_of: Callable[[Server], Proxy]) -> None:
    semaphore = Semaphore("A", 1, url=proxy_of(server).url)
    await semaphore.__aenter__()
    lease = semaphore._entered._leases[asyncio.current_task()][0]
    lease._forfeit()
    with pytest.raises(RedisError, match="out of reach") as error:
        await semaphore.__aexit__(None, None, None)
    assert isinstance(error.value, LeaseLost)
