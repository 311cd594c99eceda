"""The clock by which leases are judged. It must never go back, and it must go on while the machine sleeps."""

from __future__ import annotations

import time
from collections.abc import Callable


def _choose() -> Callable[[], float]:
    """Find a clock that counts the machine's sleep (`CLOCK_BOOTTIME` on Linux), or else the monotonic one."""
    clock = getattr(time, "CLOCK_BOOTTIME", None)
    if clock is None:
        return time.monotonic
    gettime = time.clock_gettime

    def boottime() -> float:
        return gettime(clock)

    return boottime


now: Callable[[], float] = _choose()
