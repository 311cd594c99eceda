"""The asyncio interface: `connect` and `Throttle`. What waits is in `_aio_lease.py`, what connects in `_link.py`."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from types import TracebackType
from typing import Any, Literal, ParamSpec, Self, TypedDict, TypeVar, Unpack

from ._aio_bucket import Bucket, Take, paced
from ._aio_lease import Lease, Lock, acquire, limited
from ._arguments import Wanted
from ._durations import Duration
from ._errors import ThrottleError
from ._fork import Forked
from ._limits import BucketLimits, check_bucket_limits
from ._link import Link
from ._options import Options, check_options
from ._progress import Progress
from ._wish import Wish, check_wish

P = ParamSpec("P")
R = TypeVar("R")

OnLost = Literal["raise", "cancel"] | Callable[[Lease], object]


class LockOptions(TypedDict, total=False):
    """The arguments of `lock` that have names."""

    timeout: Duration | None
    max_wait: Duration | None
    priority: int
    on_lost: OnLost | None
    progress: bool | Callable[[Progress], object] | None
    declare: int | Mapping[str, int] | None


def connect(  # noqa: PLR0913  each has a default
    url: str,
    *,
    label: str | None = None,
    expires_in: Duration = 30.0,
    patience: Duration | None = 30.0,
    on_lost: OnLost = "raise",
    token: str | None = None,
    ssl: ssl.SSLContext | None = None,
) -> Throttle:
    """Make a client for asyncio. It connects with `async with`, or else with the first `lock`.

    Args:
        url: the server, such as `"ws://localhost:8000"` or `"wss://throttle.example.com"`.
        label: who this is, for operators; at most 128 bytes. By default the program, the machine and the process.
        expires_in: seconds, or a timedelta, until the server gives locks to others when it does not hear from us. A
            lease counts as lost after four fifths of it. At most 365 days.
        patience: seconds, or a timedelta, that a caller waits for a connection before `ServerUnavailable` is raised;
            None for ever.
        on_lost: what happens when a lease is lost, unless `lock` says otherwise.
        token: what the server asks for to let us in, if it does.
        ssl: how to check the server's certificate, for `wss`.

    Raises:
        ValueError, TypeError: an argument is wrong, and the message says how.

    Example:
        >>> async with throttle_client.aio.connect("ws://localhost:8000", label="worker-7") as throttle:
        ...     async with throttle.lock("A", count=2, timeout=10) as lease:
        ...         await write(data, fence=lease.fence)
    """
    return Throttle(
        check_options(
            url,
            label=label,
            expires_in=expires_in,
            patience=patience,
            on_lost=on_lost,
            token=token,
            context=ssl,
            can_cancel=True,
        )
    )


class Throttle:
    """A client: one connection for all tasks of an event loop. Each task that holds or waits is a peer of its own."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._link = Forked[Link](Link.disown)
        self._closed = False

    async def __aenter__(self) -> Self:
        link = self.link()
        ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def call() -> None:
            if not ready.done():
                ready.set_result(None)

        link.when_ready(call)
        try:
            async with asyncio.timeout(self._options.settings.patience):
                await ready
            if not link.session.ready:
                raise link.unready()
        except TimeoutError:
            unready = link.unready()
            await self.close()
            raise unready from None
        except BaseException:
            await self.close()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Give back everything that is held or waited for, and end the connection. A second time does nothing."""
        self._closed = True
        link = self._link.take()
        if link is not None:
            await link.close()

    def lock(  # noqa: PLR0913  each has a default
        self,
        semaphore: Wanted,
        count: int = 1,
        *,
        timeout: Duration | None = None,
        max_wait: Duration | None = None,
        priority: int = 0,
        on_lost: OnLost | None = None,
        progress: bool | Callable[[Progress], object] | None = None,
        declare: int | Mapping[str, int] | None = None,
    ) -> Lock:
        """Make a lock to be entered with `async with`, which waits for the grant and gives a `Lease`.

        Args:
            semaphore: a name; or several with counts, `{"A": 2, "db": 1}`, granted all at once.
            count: how much of the semaphore, if there is one name.
            timeout: how long to wait: None for ever, 0 to try once, else seconds or a timedelta.
            max_wait: the same; but who would have to wait for longer, as far as that is known, is told so at once.
            priority: from -128 to 127; a higher one stands before a lower one in line.
            on_lost: what happens when the lease is lost: `"raise"` raises `LeaseLost` at the end of the block,
                `"cancel"` cancels the block and raises `LeaseLost` from it, a callable is called with the lease.
            progress: a callable that is told where this stands in line, or True for a bar (needs tqdm).
            declare: the maximum, or several by name, of a semaphore that comes into being when it is first used. The
                server's configuration has to allow that.

        Raises:
            ValueError, TypeError: an argument is wrong, and the message says how.

        Entering it raises:
            AcquireTimeout: it took longer than `timeout`, or would take longer than `max_wait`.
            Busy: as many wait for a bucket that is wanted as may.
            UnknownSemaphore, CountExceedsMax, DeclaredOtherwise: it can never be granted.
            HierarchyViolation: this task holds something that is not above it.
            LeaseLost: the lease of a block around this one is lost.
            ServerUnavailable: there was no connection for as long as `connect(patience=...)` says.

        Example:
            >>> async with throttle.lock("A", timeout=10) as lease:
            ...     await write(data, fence=lease.fence)
        """
        options = LockOptions(
            timeout=timeout, max_wait=max_wait, priority=priority, on_lost=on_lost, progress=progress, declare=declare
        )
        return Lock(self, self._wish(semaphore, count, options))

    async def acquire(self, semaphore: Wanted, count: int = 1, **options: Unpack[LockOptions]) -> Lease:
        """Wait for the grant without a block. Arguments and errors are those of `lock`; call `release` at the end.

        Prefer `lock`: what is acquired like this is held until it is released or the client is closed, also when the
        task has ended and nobody has the lease any more. Any task may release it.

        Example:
            >>> lease = await throttle.acquire("A", timeout=10)
            >>> await lease.release()
        """
        wish = self._wish(semaphore, count, options)
        return await acquire(self.link(), wish)

    def limit(
        self,
        semaphore: Wanted,
        count: int = 1,
        **options: Unpack[LockOptions],
    ) -> Callable[[Callable[P, Awaitable[R]]], Callable[P, Awaitable[R]]]:
        """Decorate a coroutine function so that each call holds a lock. Arguments are those of `lock`.

        Raises:
            TypeError: it is no coroutine function.

        Example:
            >>> @throttle.limit("A", timeout=10)
            ... async def job(): ...
        """
        lock = Lock(self, self._wish(semaphore, count, options))
        return lambda function: limited(lock, function)

    def bucket(  # noqa: PLR0913  each has a default
        self,
        name: str,
        *,
        capacity: int | None = None,
        refill: int | None = None,
        every: Duration | None = None,
        min_interval: Duration | None = None,
        max_reserved: int | None = None,
    ) -> Bucket:
        """Make a bucket, from which to `take`. Nothing is asked for yet.

        Without further arguments it is one of the server's configuration. With them it comes into being when it is
        first used; the server's configuration has to allow that.

        Args:
            name: its name.
            capacity: how many tokens it holds; with `refill` and `every`.
            refill: how many tokens come back in each `every`.
            every: seconds, or a timedelta.
            min_interval: of a pacer instead: seconds, or a timedelta, between two permits.
            max_reserved: how many tokens may be waited for; whoever comes then gets `Busy`.

        Raises:
            ValueError, TypeError: an argument is wrong, and the message says how.

        Example:
            >>> async with throttle.bucket("api", capacity=10, refill=10, every=1).take():
            ...     await call()
        """
        limits = BucketLimits(
            capacity=capacity, refill=refill, every=every, min_interval=min_interval, max_reserved=max_reserved
        )
        return Bucket(self, name, check_bucket_limits(name, limits))

    def pace(
        self, min_interval: Duration, max_reserved_permits: int, *, name: str
    ) -> Callable[[Callable[P, Awaitable[R]]], Callable[P, Coroutine[Any, Any, R | None]]]:
        """Decorate a coroutine function so that calls are `min_interval` apart; a call is left out when too many wait.

        It returns None then. The pacer comes into being with the first call, which the server's configuration has to
        allow.

        Args:
            min_interval: seconds, or a timedelta, between the beginnings of two calls, in whatever program.
            max_reserved_permits: how many calls may wait for their turn.
            name: its name; whoever uses the same one keeps a distance from each other.

        Raises:
            ValueError, TypeError: an argument is wrong, and the message says how.

        Example:
            >>> @throttle.pace(3, 2, name="crawl")
            ... async def fetch(): ...
        """
        take = self.bucket(name, min_interval=min_interval, max_reserved=max_reserved_permits).take()

        async def find() -> Take:
            return take

        return lambda function: paced(find, function)

    def link(self) -> Link:
        """Get the way to the server of this process and event loop; for the package itself."""
        if self._closed:
            raise ThrottleError("the client is closed", code="closed")
        link = self._link.get_or_make(lambda: Link(self._options))
        if link.loop is not asyncio.get_running_loop():
            raise RuntimeError("the client belongs to another event loop; connect once in each")
        return link

    def _wish(self, semaphore: Wanted, count: int, options: LockOptions) -> Wish:
        return check_wish(self._options, semaphore, count, options, can_cancel=True)

    def __repr__(self) -> str:
        return f"<throttle_client.aio.Throttle on {self._options.place}>"

    def __getstate__(self) -> Options:
        return self._options

    def __setstate__(self, options: Options) -> None:
        self.__init__(options)  # type: ignore[misc]
