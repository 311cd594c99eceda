"""When to connect again, and when not to. It must not connect, nor wait: it says how long."""

from __future__ import annotations

import random
from collections.abc import Callable

from .settings import GOOD_CONNECTION

_FIRST = 0.25
_LONGEST = 10.0

# Close codes after which the same would happen again, by what the error is called then.
FATAL = {
    1002: "protocol",
    1003: "protocol",
    1007: "protocol",
    1009: "too_large",
    4400: "bad_message",
    4401: "unauthorized",
    4403: "forbidden",
}

# The server has too many connections or peers: not so soon.
_LATER = {4429: 2.0}


class Backoff:
    """Full jitter: a random time between zero and a bound that doubles with every failure."""

    def __init__(self, chance: Callable[[], float] = random.random) -> None:
        self._chance = chance
        self._failures = 0
        self._told: float | None = None

    def tell(self, delay: float) -> None:
        """Take note of how long the server wants to be left alone; each client is told a time of its own."""
        self._told = delay

    def delay(self, lasted: float, code: int | None, longest: float = _LONGEST) -> float:
        """Choose how long to wait, after a connection that lasted so long and was closed with this code."""
        if lasted >= GOOD_CONNECTION:
            self._failures = 0
        told, self._told = self._told, None
        if told is not None:
            return told
        bound = min(longest, _LONGEST, _FIRST * 2.0 ** min(self._failures, 30))
        self._failures += 1
        least = _LATER.get(code, 0.0) if code is not None else 0.0
        return least + self._chance() * max(bound, least)
