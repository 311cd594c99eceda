"""Locks and leases for asyncio. Waiting, and what is to happen when the waiting task is cancelled, is all in here."""

from __future__ import annotations

import asyncio
import functools
import inspect
from collections.abc import Awaitable, Callable, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any, ParamSpec, Self, TypeVar

from ._clock import now
from ._durations import Duration
from ._lease import BaseLease
from ._link import Link
from ._machine.state import Hold, Report, Stage, Ticket
from ._machine.words import lost
from ._progress import Reporter
from ._wish import Wish

if TYPE_CHECKING:
    from ._aio_client import Throttle

P = ParamSpec("P")
R = TypeVar("R")


class Lost:
    """The event that a lease is lost; of `lease.lost`."""

    def __init__(self, is_lost: Callable[[], bool]) -> None:
        self._is_lost = is_lost
        self._event = asyncio.Event()

    def is_set(self) -> bool:
        """Tell whether the lease is lost, by the clock: right even if the event loop was blocked until now."""
        return self._is_lost()

    async def wait(self) -> None:
        """Wait until the lease is lost. One that was released never is any more."""
        if not self._is_lost():
            await self._event.wait()

    def set(self) -> None:
        """Wake whoever waits; for the client itself."""
        self._event.set()


class Lease(BaseLease):
    """What a `lock` is granted, until its block ends or `release` is called.

    What `acquire` returns can be used with `async with` as well: the end of the block releases it.
    """

    def __init__(self, link: Link, hold: Hold, on_lost: str | Callable[[Any], object]) -> None:
        super().__init__(link, hold, on_lost)
        self.lost = Lost(self._is_lost)
        self._task = asyncio.current_task()
        self._cancelling = 0 if self._task is None else self._task.cancelling()
        self._cancelled = False
        hold.signal = self._was_lost
        if hold.lost is not None:
            self._was_lost()

    async def release(self) -> None:
        """Give it back; a second time does nothing.

        Raises:
            LeaseLost: it was lost before, and `on_lost` is not a callback.
        """
        if not self._over:
            self._end()
            self._conclude(None)

    async def settle(self, used: int | Mapping[str, int]) -> None:
        """Correct what was taken from buckets to what was really used, more or less, 0 included.

        It may be done again, with another number, until the permit is released.

        Args:
            used: tokens; of several buckets by name, `{"api": 7}`.

        Raises:
            NotABucket: it is a semaphore.
            NotHeld: it was released, or the server has forgotten it while it was out of reach.
            ServerUnavailable: there was no connection for as long as `connect(patience=...)` says.

        Example:
            >>> async with throttle.bucket("api").take(5) as permit:
            ...     await permit.settle(await call())
        """
        await self._report("settle", self._settlement(used))

    async def throttled(self, retry_after: Duration, bucket: str | None = None) -> None:
        """Tell that what is behind a bucket has refused us: the bucket gives nothing to anybody for that long.

        Args:
            retry_after: seconds, or a timedelta; of several such times the longest counts.
            bucket: which one, if there are several.

        Raises:
            NotABucket, NotHeld, ServerUnavailable: as `settle`.

        Example:
            >>> async with throttle.bucket("api").take() as permit:
            ...     await permit.throttled(30)
        """
        await self._report("throttled", self._closure(retry_after, bucket))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._exit(error)

    def _end(self) -> None:
        self._is_lost()
        self._link.release(self._hold)
        self._released = True

    async def _report(self, kind: str, fields: Mapping[str, Any]) -> None:
        report = Report(self._hold, kind, fields)
        self._link.report(report)
        while not report.done:
            await _news(report)
        if report.error is not None:
            raise report.error

    def _forfeit(self) -> None:
        self._link.forfeit(self._hold)

    def _was_lost(self) -> None:
        self.lost.set()
        self._call_back()
        if self._on_lost == "cancel" and not self._over and self._task is not None and not self._cancelled:
            self._cancelled = True
            self._task.cancel(f"the lease {lost(self._hold)}")

    async def _exit(self, error: BaseException | None) -> None:
        """End the block: give back, take back the cancellation if it was ours, and raise if the lease was lost."""
        self._end()
        if not self._cancelled or self._task is None:
            self._conclude(error)
            return
        if not isinstance(error, asyncio.CancelledError):
            # The block ended before it was cancelled: here is where that happens instead.
            await _swallow_cancellation()
        only_ours = self._task.uncancel() <= self._cancelling
        if only_ours and (error is None or isinstance(error, asyncio.CancelledError)):
            raise self._loss() from error
        if error is None:
            # Somebody else wants the task to end as well, and their cancellation was swallowed along with ours.
            raise asyncio.CancelledError
        self._conclude(error)


async def _swallow_cancellation() -> None:
    try:
        await asyncio.sleep(0)
    except asyncio.CancelledError:
        return


class Lock:
    """What `throttle.lock(...)` returns: enter it with `async with` as often as you like, from any number of tasks."""

    def __init__(self, throttle: Throttle, wish: Wish) -> None:
        self._throttle = throttle
        self._wish = wish
        self._entered = Entered()

    async def __aenter__(self) -> Lease:
        lease = await acquire(self._throttle.link(), self._wish)
        self._entered.push(lease)
        return lease

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._entered.pop().__aexit__(kind, error, trace)

    def __repr__(self) -> str:
        return f"<lock on {self._wish}, to be entered with `async with`>"

    def __getstate__(self) -> tuple[Throttle, Wish]:
        return self._throttle, self._wish

    def __setstate__(self, state: tuple[Throttle, Wish]) -> None:
        self._throttle, self._wish = state
        self._entered = Entered()


class Entered:
    """The leases of blocks that have begun, each found again by the task whose block ends."""

    def __init__(self) -> None:
        self._leases: dict[object, list[Lease]] = {}

    def push(self, lease: Lease) -> None:
        """Keep the lease of a block that begins."""
        self._leases.setdefault(asyncio.current_task(), []).append(lease)

    def pop(self) -> Lease:
        """Find the lease of the block that ends: the last one of this task, or else the last one of all."""
        task: object = asyncio.current_task()
        if task not in self._leases:
            task = next(reversed(self._leases))
        leases = self._leases[task]
        lease = leases.pop()
        if not leases:
            del self._leases[task]
        return lease


async def acquire(link: Link, wish: Wish) -> Lease:
    """Wait for a grant. Whatever ends the wait, cancellation above all, leaves nothing behind on the server."""
    reporter = Reporter(wish.progress, wish)
    ticket = wish.ticket(asyncio.current_task(), tells=bool(reporter))
    try:
        link.submit(ticket)
        while ticket.stage is Stage.WAITING:
            await _news(ticket)
            if ticket.stage is Stage.WAITING:
                reporter.report(ticket.place, now() - ticket.started)
        if ticket.error is not None:
            raise ticket.error
        assert ticket.hold is not None  # noqa: S101  it is granted
        return Lease(link, ticket.hold, wish.on_lost)
    except BaseException:
        link.abandon(ticket)
        raise
    finally:
        reporter.close()


def limited(lock: Lock, function: Callable[P, Awaitable[R]]) -> Callable[P, Awaitable[R]]:
    """Wrap a coroutine function so that each call enters a lock."""
    if not inspect.iscoroutinefunction(function):
        raise TypeError(f"{function!r} is no coroutine function; throttle_client.connect limits plain ones")

    @functools.wraps(function)
    async def wrapped(*args: P.args, **kwargs: P.kwargs) -> R:
        async with lock:
            return await function(*args, **kwargs)

    return wrapped


async def _news(ticket: Ticket | Report) -> None:
    """Wait until something has become of a ticket or a report."""
    future: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def signal() -> None:
        if not future.done():
            future.set_result(None)

    ticket.signal = signal
    await future
