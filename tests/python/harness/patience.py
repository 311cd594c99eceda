"""Waiting for what another thread or the server is about to do."""

import time
from collections.abc import Callable

DEADLINE_SEC = 20

# What happens at once happens within this time, on a busy machine too.
AT_ONCE_SEC = 1.5


def eventually(condition: Callable[[], bool], what: str) -> None:
    """Return when the condition holds; fail when it does not come to hold."""
    deadline = time.monotonic() + DEADLINE_SEC
    while not condition():
        assert time.monotonic() < deadline, f"waited in vain: {what}"
        time.sleep(0.01)


class Stopwatch:
    """The time since it was made."""

    def __init__(self) -> None:
        self._start = time.monotonic()

    @property
    def seconds(self) -> float:
        """How long it has been."""
        return time.monotonic() - self._start
