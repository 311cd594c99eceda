"""What is declared, as the protocol has it, and what arguments of buckets may be."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from datetime import timedelta
from fractions import Fraction
from typing import Any

import pytest

import throttle_client
from throttle_client import AcquireTimeout, Busy, DeclaredOtherwise, ThrottleError, aio
from throttle_client._arguments import check_bucket, check_used
from throttle_client._durations import check_max_wait, check_retry_after
from throttle_client._limits import check_bucket_limits, check_maxima

THROTTLES: list[Any] = [throttle_client.connect("ws://localhost:1"), aio.connect("ws://localhost:1")]


@pytest.mark.parametrize(
    ("arguments", "declared"),
    [
        ({}, None),
        ({"capacity": 10, "refill": 1, "every": 1}, {"capacity": 10, "refill": 1, "every_ms": 1_000}),
        (
            {"capacity": 10, "refill": 2, "every": timedelta(hours=1), "max_reserved": 5},
            {"capacity": 10, "refill": 2, "every_ms": 3_600_000, "max_reserved": 5},
        ),
        ({"capacity": 1, "refill": 1, "every": 0.1}, {"capacity": 1, "refill": 1, "every_ms": 100}),
        ({"capacity": 1, "refill": 1, "every": 1.1}, {"capacity": 1, "refill": 1, "every_ms": 1_100}),
        ({"capacity": 1, "refill": 1, "every": 1 / 3}, {"capacity": 1, "refill": 3, "every_ms": 1_000}),
        ({"capacity": 1, "refill": 2, "every": 0.0005}, {"capacity": 1, "refill": 4, "every_ms": 1}),
        ({"min_interval": 3}, {"min_interval_ms": 3_000}),
        ({"min_interval": timedelta(seconds=3), "max_reserved": 0}, {"min_interval_ms": 3_000, "max_reserved": 0}),
        ({"min_interval": 0.00001}, {"min_interval_ms": 1}),
        ({"min_interval": 1 / 3}, {"min_interval_ms": 334}),
        ({"min_interval": 0.3}, {"min_interval_ms": 300}),
    ],
)
def test_a_bucket_is_declared(arguments: Any, declared: object) -> None:
    limits = check_bucket_limits("api", arguments)
    assert limits == (None if declared is None else {"api": declared})


@pytest.mark.parametrize(
    ("arguments", "kind", "what"),
    [
        ({"capacity": 10}, TypeError, "refill and every is missing"),
        ({"max_reserved": 10}, TypeError, "capacity and refill and every is missing"),
        ({"capacity": 0, "refill": 1, "every": 1}, ValueError, "capacity must be a whole number from 1"),
        ({"capacity": 1, "refill": 1.5, "every": 1}, TypeError, "refill must be a whole number"),
        ({"capacity": 1, "refill": 1, "every": 0}, ValueError, "every must be seconds above 0"),
        ({"capacity": 1, "refill": 1, "every": float("inf")}, ValueError, "every must be seconds above 0"),
        ({"capacity": 1, "refill": 1, "every": "1s"}, TypeError, "every must be seconds above 0"),
        ({"capacity": 1, "refill": 1, "every": 1e-9}, ValueError, "every must be at least a thousandth"),
        ({"min_interval": 1, "refill": 1}, TypeError, "not refill with min_interval"),
        ({"min_interval": -1}, ValueError, "min_interval must be seconds above 0"),
        ({"min_interval": 1, "max_reserved": -1}, ValueError, "max_reserved must be a whole number from 0"),
    ],
)
@pytest.mark.parametrize("throttle", THROTTLES, ids=["blocking", "aio"])
def test_what_cannot_be_declared(throttle: Any, arguments: Any, kind: type[Exception], what: str) -> None:
    with pytest.raises(kind, match=what):
        throttle.bucket("api", **arguments)


@pytest.mark.parametrize("throttle", THROTTLES, ids=["blocking", "aio"])
def test_what_a_lock_declares(throttle: Any) -> None:
    assert throttle.lock("A", declare=5)._wish.declare == {"A": {"max": 5}}
    assert throttle.lock({"A": 1, "db": 1}, declare={"db": 2})._wish.declare == {"db": {"max": 2}}
    assert throttle.lock("A")._wish.declare is None
    for declare in (0, 2**31 + 1, {"B": 1}):
        with pytest.raises(ValueError, match="declare"):
            throttle.lock("A", declare=declare)
    with pytest.raises(TypeError, match="mapping of names to maxima"):
        throttle.lock({"A": 1, "db": 1}, declare=5)
    with pytest.raises(TypeError, match="declare of 'A'"):
        throttle.lock("A", declare="5")


def test_a_count_declares_only_what_is_wanted() -> None:
    assert check_maxima(5, {"A": 2}) == {"A": {"max": 5}}


@pytest.mark.parametrize("throttle", THROTTLES, ids=["blocking", "aio"])
def test_what_may_be_taken(throttle: Any) -> None:
    bucket = throttle.bucket("api")
    assert bucket.take(2, max_wait=timedelta(seconds=1))._wish.max_wait == 1
    assert bucket.take(max_wait=float("inf"))._wish.max_wait is None
    for wrong in ({"count": 0}, {"max_wait": -1}, {"timeout": -1}, {"priority": 200}):
        with pytest.raises(ValueError, match=next(iter(wrong))):
            bucket.take(**wrong)
    with pytest.raises(TypeError, match="max_wait"):
        bucket.take(max_wait="1s")
    with pytest.raises(TypeError, match="name of a semaphore"):
        throttle.bucket({"api": 1})
    with pytest.raises(ValueError, match="max_wait"):
        throttle.lock("A", max_wait=-1)


def test_how_long_to_wait_at_most() -> None:
    assert check_max_wait(0) == 0
    assert check_max_wait(None) is None
    with pytest.raises(TypeError, match="only now"):
        check_max_wait("1")


def test_what_was_used() -> None:
    assert check_used(7, {"api": 5}) == {"api": 7}
    assert check_used(0, {"api": 5}) == {"api": 0}
    assert check_used({"api": 7, "gpu": 0}, {"api": 5}) == {"api": 7, "gpu": 0}
    for wrong in (-1, 2**31 + 1, {}, {"api": -1}):
        with pytest.raises(ValueError, match="used"):
            check_used(wrong, {"api": 5})
    for other in (1.5, None, {"api": "7"}):
        with pytest.raises(TypeError, match="used"):
            check_used(other, {"api": 5})


def test_for_how_long_to_be_left_alone() -> None:
    assert check_retry_after(0.0005) == 1
    assert check_retry_after(timedelta(minutes=1)) == 60_000
    with pytest.raises(ValueError, match="365 days"):
        check_retry_after(timedelta(days=366))
    assert check_bucket(None, {"api": 1}) == "api"
    assert check_bucket("api", {"api": 1, "gpu": 1}) == "api"


@pytest.mark.parametrize(
    "error",
    [
        AcquireTimeout("a", semaphore="A", eta=1.5),
        Busy("b", semaphore="A", retry_after=2.5),
        DeclaredOtherwise("c", semaphore="A", declared={"max": 1}, actual={"max": 2}),
        ThrottleError("d", code="e"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_errors_are_pickled_with_all_that_they_say(error: ThrottleError) -> None:
    again = pickle.loads(pickle.dumps(error))  # noqa: S301  our own
    assert type(again) is type(error)
    assert again.args == error.args
    assert vars(again) == vars(error)


def test_a_rate_is_told_exactly() -> None:
    for every in (0.001, 0.7, 1 / 7, 12.345):
        limits = check_bucket_limits("api", {"capacity": 1, "refill": 1, "every": every})
        assert limits is not None
        rate = Fraction(limits["api"]["refill"], limits["api"]["every_ms"])
        assert abs(1 / rate - Fraction(1000 * every)) < Fraction(1, 10**6)


@pytest.mark.parametrize("decorate", [throttle_client.pace, THROTTLES[0].pace, THROTTLES[1].pace])
def test_what_paces(decorate: Callable[..., object]) -> None:
    with pytest.raises(ValueError, match="min_interval"):
        decorate(0, 2, name="crawl")
    with pytest.raises(ValueError, match="max_reserved"):
        decorate(1, -2, name="crawl")
    with pytest.raises(TypeError, match="name"):
        decorate(1, 2)
