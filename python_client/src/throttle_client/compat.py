"""`Semaphore` and `TokenBucket` as self-limiters 0.4.0 has them: its users change one import.

The server is where `url`, or the environment variable `THROTTLE_URL`, says; or else on this machine. Limits come into
being when they are first used: the server's configuration has to allow that, with `[dynamic] allow = true`.

Example:
    >>> from throttle_client.compat import Semaphore
    >>> async with Semaphore(name="A", capacity=5, max_sleep=60):
    ...     await work()
"""

from __future__ import annotations

import hashlib
from types import TracebackType

from ._aio_lease import Entered, acquire
from ._arguments import check_name, check_url, whole
from ._durations import check_max_wait
from ._errors import AcquireTimeout, ThrottleError
from ._limits import BucketLimits, Limits, check_bucket_limits, check_maxima
from ._shared import aio_client
from ._wish import Wish

__all__ = ["MaxSleepExceededError", "RedisError", "Semaphore", "TokenBucket"]

# What was raised for all that can go wrong with the server.
RedisError = ThrottleError

_DEFAULT_EXPIRY = 30


class MaxSleepExceededError(Exception):
    """It took longer than `max_sleep`, or would take longer."""


class _Limiter:
    """What both have in common: leases from the client of the event loop that there is."""

    def __init__(self, url: str | None, wish: Wish) -> None:
        if url is not None:
            check_url(url)
        self._url = url
        self._wish = wish
        self._entered = Entered()

    async def __aenter__(self) -> None:
        client = await aio_client(self._url)
        try:
            self._entered.push(await acquire(client.link(), self._wish))
        except AcquireTimeout as error:
            raise MaxSleepExceededError(str(error)) from error

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc_val: BaseException | None, exc_tb: TracebackType | None
    ) -> None:
        await self._entered.pop().__aexit__(exc_type, exc_val, exc_tb)


class Semaphore(_Limiter):
    """So many may be in it at once. Enter it with `async with`, as often as you like, from any number of tasks.

    Args:
        name: its name.
        capacity: how many.
        max_sleep: how many seconds to wait; None or 0 for ever.
        expiry: is not used: what a program holds that dies is given to the next one after 30 seconds.
        redis_url: is not used; see `url`.
        connection_pool_size: is not used: there is one connection.
        url: the server, such as `"ws://localhost:8000"`.

    Raises:
        ValueError, TypeError: an argument is wrong, and the message says how.

    Entering it raises:
        MaxSleepExceededError: it took longer than `max_sleep`.
        RedisError: what else can go wrong, as the exceptions of `throttle_client` of which it is the base.

    The end of the block raises:
        LeaseLost: somebody else may have been in it too, because the server was out of reach for too long, or has
            forgotten it; the message says why. It is a `RedisError`.

    Example:
        >>> async with Semaphore(name="A", capacity=5, max_sleep=60):
        ...     await work()
    """

    def __init__(  # noqa: PLR0913, PLR0917  as in the original
        self,
        name: str,
        capacity: int,
        max_sleep: float | None = None,
        expiry: int | None = None,
        redis_url: str | None = None,  # noqa: ARG002  as in the original
        connection_pool_size: int | None = None,  # noqa: ARG002  as in the original
        *,
        url: str | None = None,
    ) -> None:
        self.name, known = name, _known_as(name)
        self.capacity = whole(capacity, "capacity")
        self.max_sleep = check_max_wait(max_sleep) or 0.0
        self.expiry = _DEFAULT_EXPIRY if expiry is None else expiry
        declare = check_maxima(self.capacity, {known: 1})
        super().__init__(url, _wish(known, declare, timeout=self.max_sleep or None))


class TokenBucket(_Limiter):
    """So many may enter in a time. Enter it with `async with`, as often as you like, from any number of tasks.

    Args:
        name: its name.
        capacity: how many may enter at once after a pause.
        refill_frequency: seconds after which there is room for more.
        refill_amount: for how many.
        redis_url: is not used; see `url`.
        max_sleep: who would have to wait for longer than these seconds is told so at once; None or 0 for ever.
        connection_pool_size: is not used: there is one connection.
        url: the server, such as `"ws://localhost:8000"`.

    Raises:
        ValueError, TypeError: an argument is wrong, and the message says how.

    Entering it raises:
        MaxSleepExceededError: it would take longer than `max_sleep`.
        RedisError: what else can go wrong, as the exceptions of `throttle_client` of which it is the base.

    Example:
        >>> async with TokenBucket(name="api", capacity=10, refill_frequency=1, refill_amount=10, max_sleep=60):
        ...     await work()
    """

    def __init__(  # noqa: PLR0913, PLR0917  as in the original
        self,
        name: str,
        capacity: int,
        refill_frequency: float,
        refill_amount: int,
        redis_url: str | None = None,  # noqa: ARG002  as in the original
        max_sleep: float | None = None,
        connection_pool_size: int | None = None,  # noqa: ARG002  as in the original
        *,
        url: str | None = None,
    ) -> None:
        self.name, known = name, _known_as(name)
        self.capacity = whole(capacity, "capacity")
        self.refill_amount = whole(refill_amount, "refill_amount")
        if refill_frequency <= 0:
            raise ValueError("Refill frequency must be greater than 0")
        self.refill_frequency = refill_frequency
        self.max_sleep = check_max_wait(max_sleep) or 0.0
        limits = BucketLimits(capacity=capacity, refill=refill_amount, every=refill_frequency)
        declare = check_bucket_limits(known, limits)
        super().__init__(url, _wish(known, declare, max_wait=self.max_sleep or None, permit=True))


def _known_as(name: str) -> str:
    """Tell by which name the server is to know a limiter: its own, or one in place of what the server does not take."""
    try:
        if "*" not in check_name(name):
            return name
    except ValueError:
        # Empty, too long, or with control characters in it.
        pass
    return f"__self-limiters:{hashlib.sha256(name.encode(errors='surrogatepass')).hexdigest()}"


def _wish(
    name: str,
    declare: Limits | None,
    *,
    timeout: float | None = None,
    max_wait: float | None = None,
    permit: bool = False,
) -> Wish:
    # Alone: these nest in any order, and within themselves.
    want = {name: 1}
    return Wish(want, timeout, 0, "raise", None, max_wait=max_wait, declare=declare, permit=permit, alone=not permit)
