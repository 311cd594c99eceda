"""Buckets for threads: `throttle.bucket(...)`, its permits, and what paces calls with them."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, ParamSpec, TypeVar

from ._blocking_lease import Lease, Lock, acquire, limited
from ._durations import Duration
from ._errors import Busy
from ._limits import Limits
from ._progress import Progress
from ._wish import permit_wish

if TYPE_CHECKING:
    from ._blocking_client import Throttle

P = ParamSpec("P")
R = TypeVar("R")


class Take(Lock):
    """What `bucket.take(...)` returns: enter it with `with`, decorate functions with it, or `acquire` without a block.

    All that any number of times, from any number of threads.
    """

    def acquire(self) -> Lease:
        """Wait for a permit without a block; errors are those of `take`. Call `release` at the end.

        Example:
            >>> permit = throttle.bucket("api").take(5).acquire()
            >>> permit.release()
        """
        return acquire(self._throttle, self._wish)

    def __call__(self, function: Callable[P, R]) -> Callable[P, R]:
        """Decorate a function so that each call takes a permit.

        Raises:
            TypeError: it is a coroutine function or a generator, whose body runs after the call has returned.

        Example:
            >>> @throttle.bucket("api").take(max_wait=10)
            ... def fetch(): ...
        """
        return limited(self, function)

    def __repr__(self) -> str:
        return f"<take from {self._wish}, to be entered with `with`>"


class Bucket:
    """A name with a rate: tokens are taken from it and come back with time, whatever becomes of who took them.

    Example:
        >>> api = throttle.bucket("api")
        >>> with api.take(5, max_wait=10) as permit:
        ...     permit.settle(call())
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
        """Make something to be entered with `with`, which waits for tokens and gives a `Lease` on them, a permit.

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
            >>> with throttle.bucket("api").take(5, max_wait=10) as permit:
            ...     permit.settle(call())
        """
        named = {"count": count, "timeout": timeout, "max_wait": max_wait, "priority": priority, "progress": progress}
        return Take(self._throttle, permit_wish(self.name, self._declare, named))

    def __repr__(self) -> str:
        return f"<bucket {self.name!r}>"


def paced(find: Callable[[], Take], function: Callable[P, R]) -> Callable[P, R | None]:
    """Wrap a function so that each call takes a permit, or does nothing when there is none to be had."""
    if inspect.iscoroutinefunction(function):
        raise TypeError(f"{function!r} is a coroutine function; throttle_client.aio.connect paces those")
    if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
        raise TypeError(f"{function!r} is a generator: it would run when the permit is released already")

    @functools.wraps(function)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> R | None:
        try:
            permit = find().acquire()
        except Busy:
            return None
        with permit:
            return function(*args, **kwargs)

    return wrapped
