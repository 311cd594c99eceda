"""Buckets for asyncio: `throttle.bucket(...)`, its permits, and what paces calls with them."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Awaitable, Callable, Coroutine
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from ._aio_lease import Lease, Lock, acquire, limited
from ._durations import Duration
from ._errors import Busy
from ._limits import Limits
from ._progress import Progress
from ._wish import permit_wish

if TYPE_CHECKING:
    from ._aio_client import Throttle

P = ParamSpec("P")
R = TypeVar("R")


class Take(Lock):
    """What `bucket.take(...)` returns: enter it with `async with`, or decorate coroutine functions with it.

    Or `acquire` without a block; all that any number of times, from any number of tasks.
    """

    async def acquire(self) -> Lease:
        """Wait for a permit without a block; errors are those of `take`. Call `release` at the end.

        Example:
            >>> permit = await throttle.bucket("api").take(5).acquire()
            >>> await permit.release()
        """
        return await acquire(self._throttle.link(), self._wish)

    def __call__(self, function: Callable[P, Awaitable[R]]) -> Callable[P, Awaitable[R]]:
        """Decorate a coroutine function so that each call takes a permit.

        Raises:
            TypeError: it is no coroutine function.

        Example:
            >>> @throttle.bucket("api").take(max_wait=10)
            ... async def fetch(): ...
        """
        return limited(self, function)

    def __repr__(self) -> str:
        return f"<take from {self._wish}, to be entered with `async with`>"


class Bucket:
    """A name with a rate: tokens are taken from it and come back with time, whatever becomes of who took them.

    Example:
        >>> api = throttle.bucket("api")
        >>> async with api.take(5, max_wait=10) as permit:
        ...     await permit.settle(await call())
    """

    def __init__(self, throttle: Throttle, name: str, declare: Limits | None) -> None:
        self._throttle = throttle
        self._declare = declare
        self.name = name

    def take(
        self,
        count: int = 1,
        *,
        max_wait: Duration | None = None,
        timeout: Duration | None = None,
        priority: int = 0,
        progress: bool | Callable[[Progress], object] | None = None,
    ) -> Take:
        """Make something to be entered with `async with`, which waits for tokens and gives a `Lease`, a permit.

        Permits of the same bucket may be taken inside each other, and whatever else is held: there is no level. A
        permit is never lost.

        Args:
            count: how many tokens.
            max_wait: seconds, or a timedelta: who would have to wait for longer is told so at once. 0: only if there
                are tokens now. None: for ever.
            timeout: how long to stand in line, also when that could be known before; as for `lock`.
            priority: from -128 to 127; a higher one stands before a lower one in line.
            progress: a callable that is told where this stands in line, and when it is due; or True for a bar.

        Raises:
            ValueError, TypeError: an argument is wrong, and the message says how.

        Entering it raises:
            AcquireTimeout: it would take longer than `max_wait`, and `eta` says how long; or it took longer.
            Busy: as many wait already as may, and `retry_after` says when to come back.
            NotABucket: it is a semaphore.
            UnknownSemaphore, CountExceedsMax, DeclaredOtherwise: it can never be granted.
            LeaseLost: the lease of a block around this one is lost.
            ServerUnavailable: there was no connection for as long as `connect(patience=...)` says.

        Example:
            >>> async with throttle.bucket("api").take(5, max_wait=10) as permit:
            ...     await permit.settle(await call())
        """
        named = {"count": count, "timeout": timeout, "max_wait": max_wait, "priority": priority, "progress": progress}
        return Take(self._throttle, permit_wish(self.name, self._declare, named))

    def __repr__(self) -> str:
        return f"<bucket {self.name!r}>"


def paced(
    find: Callable[[], Awaitable[Take]], function: Callable[P, Awaitable[R]]
) -> Callable[P, Coroutine[Any, Any, R | None]]:
    """Wrap a coroutine function so that each call takes a permit, or does nothing when there is none to be had."""
    if not inspect.iscoroutinefunction(function):
        raise TypeError(f"{function!r} is no coroutine function; throttle_client.connect paces plain ones")

    @functools.wraps(function)
    async def wrapped(*args: P.args, **kwargs: P.kwargs) -> R | None:
        try:
            permit = await (await find()).acquire()
        except Busy:
            return None
        async with permit:
            return await function(*args, **kwargs)

    return wrapped
