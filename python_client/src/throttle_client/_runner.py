"""A thread with an event loop for one blocking client. Other threads hand it calls and never touch what it owns.

So a thread that is interrupted, by Ctrl-C above all, cannot leave the client in a state that is half changed.
"""

from __future__ import annotations

import asyncio
import atexit
import threading
import weakref
from collections import deque
from collections.abc import Callable

from ._errors import ThrottleError
from ._link import Link
from ._options import Options

# How long to wait at the end for the server to take leave, before the program goes on without.
_CLOSE_TIMEOUT = 5.0


class Runner:
    """The thread, its event loop, and the link that lives there. The thread is a daemon: it keeps no program alive."""

    def __init__(self, options: Options) -> None:
        self._calls: deque[Callable[[], object]] = deque()
        self._closed = False
        self._disowned = False
        self.loop = asyncio.new_event_loop()
        self.link: Link
        started = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(options, started), name="throttle-client", daemon=True)
        self._thread.start()
        _runners.add(self)
        try:
            started.wait()
        except BaseException:
            # Ctrl-C: nobody will get to know this one.
            self.shut_down()
            raise

    def post(self, call: Callable[[], object]) -> None:
        """Have something called in the thread, behind everything that was posted before.

        Raises:
            ThrottleError: the client is closed.
        """
        self._calls.append(call)
        try:
            # Each time, though one call serves all that are waiting: if this thread is interrupted right here, the next
            # one to post makes up for it.
            self.loop.call_soon_threadsafe(self._serve)
        except RuntimeError:
            raise ThrottleError("the client is closed", code="closed") from None

    def close(self) -> None:
        """Close the link and end the thread; waits for both, but not for ever."""
        if self._disowned or self._closed:
            return
        self.shut_down()
        if threading.current_thread() is not self._thread:
            self._thread.join(_CLOSE_TIMEOUT)

    def shut_down(self) -> None:
        """Have the link closed and the thread ended, without waiting for it."""
        if self._disowned or self._closed:
            return
        self._closed = True
        self.loop.call_soon_threadsafe(self._begin_closing)

    def disown(self) -> None:
        """In a forked child: there is no thread here, and what the link has is the parent's."""
        self._disowned = True
        self.link.disown()

    def _run(self, options: Options, started: threading.Event) -> None:
        asyncio.set_event_loop(self.loop)

        def begin() -> None:
            self.link = Link(options)
            started.set()

        self.loop.call_soon(begin)
        try:
            self.loop.run_forever()
        finally:
            self.loop.run_until_complete(self.loop.shutdown_asyncgens())
            self.loop.close()

    def _serve(self) -> None:
        while self._calls:
            self._calls.popleft()()

    def _begin_closing(self) -> None:
        self._serve()
        closing = self.loop.create_task(self.link.close())
        closing.add_done_callback(lambda _: self.loop.stop())


_runners: weakref.WeakSet[Runner] = weakref.WeakSet()


def _close_all() -> None:
    for runner in list(_runners):
        runner.close()


atexit.register(_close_all)
