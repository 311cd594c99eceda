"""The blocking interface: `connect` and `Throttle`. What waits is in `_blocking_lease.py`."""

from __future__ import annotations

import functools
import inspect
import ssl
import threading
import weakref
from collections.abc import Callable
from types import TracebackType
from typing import Literal, ParamSpec, Self, TypedDict, TypeVar, Unpack

from ._arguments import Duration, Wanted
from ._blocking_lease import Lease, Lock, acquire
from ._errors import ThrottleError
from ._fork import Forked
from ._options import Options, check_options
from ._progress import Progress
from ._runner import Runner
from ._wish import Wish, check_wish

P = ParamSpec("P")
R = TypeVar("R")

OnLost = Literal["raise"] | Callable[[Lease], object]


class LockOptions(TypedDict, total=False):
    """The arguments of `lock` that have names."""

    timeout: Duration | None
    priority: int
    on_lost: OnLost | None
    progress: bool | Callable[[Progress], object] | None


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
    """Make a client for threads. It connects with `with`, or else with the first `lock`.

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
        >>> with throttle_client.connect("ws://localhost:8000", label="worker-7") as throttle:
        ...     with throttle.lock("A", count=2, timeout=10) as lease:
        ...         write(data, fence=lease.fence)
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
            can_cancel=False,
        )
    )


class Throttle:
    """A client: one connection for all threads of a process. Each thread that holds or waits is a peer of its own.

    A thread of the client's own keeps leases alive, and does so as a daemon: it does not keep the program from ending.
    """

    def __init__(self, options: Options) -> None:
        self._options = options
        self._runner = Forked[Runner](Runner.disown)
        self._closed = False

    def __enter__(self) -> Self:
        runner = self.runner()
        ready = threading.Event()
        try:
            runner.post(lambda: runner.link.when_ready(ready.set))
            ready.wait(self._options.settings.patience)
            if not runner.link.session.ready:
                raise runner.link.unready()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Give back everything that is held or waited for, and end the connection. A second time does nothing."""
        self._closed = True
        runner = self._runner.take()
        if runner is not None:
            runner.close()

    def lock(  # noqa: PLR0913  each has a default
        self,
        semaphore: Wanted,
        count: int = 1,
        *,
        timeout: Duration | None = None,
        priority: int = 0,
        on_lost: OnLost | None = None,
        progress: bool | Callable[[Progress], object] | None = None,
    ) -> Lock:
        """Make a lock to be entered with `with`, which waits for the grant and gives a `Lease`.

        Args:
            semaphore: a name; or several with counts, `{"A": 2, "db": 1}`, granted all at once.
            count: how much of the semaphore, if there is one name.
            timeout: how long to wait: None for ever, 0 to try once, else seconds or a timedelta.
            priority: from -128 to 127; a higher one stands before a lower one in line.
            on_lost: what happens when the lease is lost: `"raise"` raises `LeaseLost` at the end of the block, a
                callable is called with the lease, in a thread of its own.
            progress: a callable that is told where this stands in line, or True for a bar (needs tqdm).

        Raises:
            ValueError, TypeError: an argument is wrong, and the message says how.

        Entering it raises:
            AcquireTimeout: it took longer than `timeout`.
            UnknownSemaphore, CountExceedsMax: it can never be granted.
            HierarchyViolation: this thread holds something that is not above it.
            LeaseLost: the lease of a block around this one is lost.
            ServerUnavailable: there was no connection for as long as `connect(patience=...)` says.

        Example:
            >>> with throttle.lock("A", timeout=10) as lease:
            ...     write(data, fence=lease.fence)
        """
        options = LockOptions(timeout=timeout, priority=priority, on_lost=on_lost, progress=progress)
        return Lock(self, self._wish(semaphore, count, options))

    def acquire(self, semaphore: Wanted, count: int = 1, **options: Unpack[LockOptions]) -> Lease:
        """Wait for the grant without a block. Arguments and errors are those of `lock`; call `release` at the end.

        Prefer `lock`: what is acquired like this is held until it is released or the client is closed, also when the
        thread has ended and nobody has the lease any more. Any thread may release it.

        Example:
            >>> lease = throttle.acquire("A", timeout=10)
            >>> lease.release()
        """
        wish = self._wish(semaphore, count, options)
        return acquire(self, wish)

    def limit(
        self,
        semaphore: Wanted,
        count: int = 1,
        **options: Unpack[LockOptions],
    ) -> Callable[[Callable[P, R]], Callable[P, R]]:
        """Decorate a function so that each call holds a lock. Arguments are those of `lock`.

        Raises:
            TypeError: it is a coroutine function or a generator, whose body runs after the call has returned.

        Example:
            >>> @throttle.limit("A", timeout=10)
            ... def job(): ...
        """
        lock = Lock(self, self._wish(semaphore, count, options))

        def decorate(function: Callable[P, R]) -> Callable[P, R]:
            if inspect.iscoroutinefunction(function):
                raise TypeError(f"{function!r} is a coroutine function; throttle_client.aio.connect limits those")
            if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
                raise TypeError(f"{function!r} is a generator: it would run when the lock is released already")

            @functools.wraps(function)
            def limited(*args: P.args, **kwargs: P.kwargs) -> R:
                with lock:
                    return function(*args, **kwargs)

            return limited

        return decorate

    def runner(self) -> Runner:
        """Get the thread with the connection of this process; for the package itself."""
        if self._closed:
            raise ThrottleError("the client is closed", code="closed")
        return self._runner.get_or_make(self._start)

    def _start(self) -> Runner:
        runner = Runner(self._options)
        # Whoever forgets to close it leaves no thread behind.
        weakref.finalize(self, runner.shut_down).atexit = False
        return runner

    def _wish(self, semaphore: Wanted, count: int, options: LockOptions) -> Wish:
        return check_wish(self._options, semaphore, count, options, can_cancel=False)

    def __repr__(self) -> str:
        return f"<throttle_client.Throttle on {self._options.place}>"

    def __getstate__(self) -> Options:
        return self._options

    def __setstate__(self, options: Options) -> None:
        self.__init__(options)  # type: ignore[misc]
