"""Locks and leases for threads. Waiting, and what is to happen when the wait is interrupted, is all in here."""

from __future__ import annotations

import functools
import inspect
import sys
import threading
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any, ParamSpec, Self, TypeVar

from ._clock import now
from ._durations import Duration
from ._errors import ThrottleError
from ._lease import BaseLease
from ._machine.state import Hold, Report, Stage
from ._machine.words import SILENCE
from ._progress import Reporter
from ._runner import Runner
from ._wish import Wish

if TYPE_CHECKING:
    from ._blocking_client import Throttle

P = ParamSpec("P")
R = TypeVar("R")

# On Windows, a wait without a timeout cannot be interrupted.
_SLICE = 0.2 if sys.platform == "win32" else -1


class Lost:
    """The event that a lease is lost; of `lease.lost`."""

    def __init__(self, is_lost: Callable[[], bool]) -> None:
        self._is_lost = is_lost
        self._event = threading.Event()

    def is_set(self) -> bool:
        """Tell whether the lease is lost, by the clock: right even if the program was stopped until now."""
        return self._is_lost()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until the lease is lost, for so many seconds at most; returns whether it is.

        A lease that was released is never lost any more.
        """
        return self._is_lost() or self._event.wait(timeout)

    def set(self) -> None:
        """Wake whoever waits; for the client itself."""
        self._event.set()


class Lease(BaseLease):
    """What a `lock` is granted, until its block ends or `release` is called. Any thread may look at it.

    What `acquire` returns can be used with `with` as well: the end of the block releases it.
    """

    def __init__(self, throttle: Throttle, runner: Runner, hold: Hold, on_lost: str | Callable[[Any], object]) -> None:
        super().__init__(runner.link, hold, on_lost)
        # A client that nobody has any more is closed, and what it holds given back: not while there is a lease.
        self._throttle = throttle
        self._runner = runner
        self.lost = Lost(self._is_lost)
        hold.signal = self._was_lost
        if hold.lost is not None:
            self._was_lost()

    def release(self) -> None:
        """Give it back; a second time does nothing.

        Raises:
            LeaseLost: it was lost before, and `on_lost` is not a callback.
        """
        self._exit(None)

    def settle(self, used: int | Mapping[str, int]) -> None:
        """Correct what was taken from buckets to what was really used, more or less, 0 included.

        It may be done again, with another number, until the permit is released.

        Args:
            used: tokens; of several buckets by name, `{"api": 7}`.

        Raises:
            NotABucket: it is a semaphore.
            NotHeld: it was released, or the server has forgotten it while it was out of reach.
            ServerUnavailable: there was no connection for as long as `connect(patience=...)` says.

        Example:
            >>> with throttle.bucket("api").take(5) as permit:
            ...     permit.settle(call())
        """
        self._report("settle", self._settlement(used))

    def throttled(self, retry_after: Duration, bucket: str | None = None) -> None:
        """Tell that what is behind a bucket has refused us: the bucket gives nothing to anybody for that long.

        Args:
            retry_after: seconds, or a timedelta; of several such times the longest counts.
            bucket: which one, if there are several.

        Raises:
            NotABucket, NotHeld, ServerUnavailable: as `settle`.

        Example:
            >>> with throttle.bucket("api").take() as permit:
            ...     permit.throttled(30)
        """
        self._report("throttled", self._closure(retry_after, bucket))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._exit(error)
        except BaseException:
            # If it was Ctrl-C, in the middle of it.
            self._give_back()
            raise

    def _exit(self, error: BaseException | None) -> None:
        if self._over:
            return
        self._is_lost()
        self._give_back()
        # Not before: whoever is interrupted up to here can do it again.
        self._released = True
        self._conclude(error)

    def _give_back(self) -> None:
        _post_if_open(self._runner, lambda: self._link.release(self._hold))

    def _report(self, kind: str, fields: Mapping[str, Any]) -> None:
        gate = Gate()
        report = Report(self._hold, kind, fields, signal=gate.go)
        self._runner.post(lambda: self._link.report(report))
        while not report.done:
            gate.wait()
        if report.error is not None:
            raise report.error

    def _forfeit(self) -> None:
        self._hold.explained, self._hold.lost = SILENCE, "expired"
        self.lost.set()
        _post_if_open(self._runner, lambda: self._link.forfeit(self._hold))

    def _was_lost(self) -> None:
        self.lost.set()
        if callable(self._on_lost):
            # In a thread of its own: it may take its time, and use the client.
            threading.Thread(target=self._call_back, name="throttle-on-lost", daemon=True).start()


class Lock:
    """What `throttle.lock(...)` returns: enter it with `with` as often as you like, from any number of threads."""

    def __init__(self, throttle: Throttle, wish: Wish) -> None:
        self._throttle = throttle
        self._wish = wish
        self._entered: dict[object, list[Lease]] = {}

    def __enter__(self) -> Lease:
        return acquire(self._throttle, self._wish, self._keep)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._leave().__exit__(kind, error, trace)

    def __repr__(self) -> str:
        return f"<lock on {self._wish}, to be entered with `with`>"

    def __getstate__(self) -> tuple[Throttle, Wish]:
        return self._throttle, self._wish

    def __setstate__(self, state: tuple[Throttle, Wish]) -> None:
        self._throttle, self._wish = state
        self._entered = {}

    def _keep(self, lease: Lease) -> None:
        self._entered.setdefault(threading.current_thread(), []).append(lease)

    def _leave(self) -> Lease:
        """Find the lease of the block that ends: the last one of this thread, or else the last one of all."""
        thread: object = threading.current_thread()
        if thread not in self._entered:
            thread = next(reversed(self._entered))
        leases = self._entered[thread]
        lease = leases.pop()
        if not leases:
            del self._entered[thread]
        return lease


class Gate:
    """Lets one thread wait until another one says go. Cheaper than an event, and Ctrl-C interrupts it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._lock.acquire()

    def wait(self) -> None:
        """Wait for the next go."""
        while not self._lock.acquire(timeout=_SLICE):
            pass

    def go(self) -> None:
        """Let the thread go on. Only ever called by the client's own thread."""
        if self._lock.locked():
            self._lock.release()


def acquire(throttle: Throttle, wish: Wish, keep: Callable[[Lease], object] | None = None) -> Lease:
    """Wait for a grant. Whatever ends the wait, Ctrl-C above all, leaves nothing behind on the server."""
    runner = throttle.runner()
    reporter = Reporter(wish.progress, wish)
    gate = Gate()
    ticket = wish.ticket(threading.current_thread(), tells=bool(reporter))
    ticket.signal = gate.go
    link = runner.link
    try:
        runner.post(lambda: link.submit(ticket))
        while ticket.stage in (Stage.NEW, Stage.WAITING):
            gate.wait()
            if ticket.stage is Stage.WAITING:
                reporter.report(ticket.place, now() - ticket.started)
        if ticket.error is not None:
            raise ticket.error
        assert ticket.hold is not None  # noqa: S101  it is granted
        lease = Lease(throttle, runner, ticket.hold, wish.on_lost)
        reporter.close()
        if keep is not None:
            keep(lease)
        # Whoever is interrupted up to here has nothing; from here on, the caller has it.
        return lease  # noqa: TRY300  see above
    except BaseException:
        _post_if_open(runner, lambda: link.abandon(ticket))
        reporter.close()
        raise


def limited(lock: Lock, function: Callable[P, R]) -> Callable[P, R]:
    """Wrap a function so that each call enters a lock."""
    if inspect.iscoroutinefunction(function):
        raise TypeError(f"{function!r} is a coroutine function; throttle_client.aio.connect limits those")
    if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
        raise TypeError(f"{function!r} is a generator: it would run when the lock is released already")

    @functools.wraps(function)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> R:
        with lock:
            return function(*args, **kwargs)

    return wrapped


def _post_if_open(runner: Runner, call: Callable[[], object]) -> None:
    """Post what is of no use any more when the client is closed: then nothing is held."""
    try:
        runner.post(call)
    except ThrottleError:
        return
