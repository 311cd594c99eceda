"""`throttle_client.pace`: paces calls without a client that anybody has to make."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Coroutine
from typing import Any, ParamSpec, Protocol, TypeVar, overload

from . import _aio_bucket, _blocking_bucket
from ._arguments import check_url
from ._durations import Duration
from ._limits import BucketLimits, check_bucket_limits
from ._shared import aio_client, blocking_client

P = ParamSpec("P")
R = TypeVar("R")


class Pacing(Protocol):
    """What `pace` returns: a decorator for functions and for coroutine functions."""

    @overload
    def __call__(
        self, function: Callable[P, Coroutine[Any, Any, R]], /
    ) -> Callable[P, Coroutine[Any, Any, R | None]]: ...

    @overload
    def __call__(self, function: Callable[P, R], /) -> Callable[P, R | None]: ...


def pace(min_interval: Duration, max_reserved_permits: int, *, name: str, url: str | None = None) -> Pacing:
    """Decorate a function or a coroutine function so that calls are `min_interval` apart, in whatever program.

    A call is left out, and returns None, when too many wait already. The pacer comes into being with the first call,
    which the server's configuration has to allow. All that is decorated shares one connection.

    Args:
        min_interval: seconds, or a timedelta, between the beginnings of two calls.
        max_reserved_permits: how many calls may wait for their turn.
        name: its name; whoever uses the same one keeps a distance from each other.
        url: the server. By default that in the environment variable `THROTTLE_URL`, or else `ws://127.0.0.1:8000`.

    Raises:
        ValueError, TypeError: an argument is wrong, and the message says how.

    A call raises:
        DeclaredOtherwise: somebody else has another `min_interval`, or another limit, of that name.
        UnknownSemaphore: the server's configuration does not allow that names come into being.
        ServerUnavailable: there was no connection for 30 seconds.

    Example:
        >>> @throttle_client.pace(3, 2, name="crawl")
        ... def fetch(): ...
    """
    limits = BucketLimits(min_interval=min_interval, max_reserved=max_reserved_permits)
    check_bucket_limits(name, limits)
    if url is not None:
        check_url(url)

    def take() -> _blocking_bucket.Take:
        return blocking_client(url).bucket(name, **limits).take()

    async def take_in_loop() -> _aio_bucket.Take:
        return (await aio_client(url)).bucket(name, **limits).take()

    def decorate(function: Callable[..., Any], /) -> Callable[..., Any]:
        if inspect.iscoroutinefunction(function):
            return _aio_bucket.paced(take_in_loop, function)
        return _blocking_bucket.paced(take, function)

    return decorate
