"""What durations may be: seconds or a timedelta. Checks make them uniform, or say what is allowed. No I/O."""

from __future__ import annotations

import math
from datetime import timedelta

from ._machine.settings import MAX_EXPIRES_IN

Duration = float | timedelta


def check_timeout(timeout: object) -> float | None:
    """Turn a timeout into seconds; None, and infinity, are for ever."""
    return _perhaps_for_ever(timeout, "timeout must be seconds from 0 (try once) on, a timedelta, or None for ever")


def check_max_wait(max_wait: object) -> float | None:
    """Turn a longest wait into seconds; None, and infinity, are for ever."""
    return _perhaps_for_ever(max_wait, "max_wait must be seconds from 0 (only now) on, a timedelta, or None for ever")


def check_patience(patience: object) -> float | None:
    """Turn the patience into seconds; None, and infinity, are for ever. With none at all nobody could ever connect."""
    allowed = "patience must be seconds above 0, a timedelta, or None for ever"
    limit = _perhaps_for_ever(patience, allowed)
    if limit == 0:
        raise ValueError(f"{allowed}; not {patience!r}")
    return limit


def check_expires_in(expires_in: object) -> float:
    """Turn a time to live into seconds."""
    allowed = "expires_in must be seconds above 0, or a timedelta; at most 365 days, which are 31,536,000 seconds"
    time_to_live = seconds(expires_in, allowed)
    if not 0 < time_to_live <= MAX_EXPIRES_IN:
        raise ValueError(f"{allowed}; not {expires_in!r}")
    return time_to_live


def check_retry_after(retry_after: object) -> int:
    """Turn a time that somebody wants to be left alone into milliseconds."""
    allowed = "retry_after must be seconds from 0 on, or a timedelta; at most 365 days"
    time = seconds(retry_after, allowed)
    if time > MAX_EXPIRES_IN:
        raise ValueError(f"{allowed}; not {retry_after!r}")
    return math.ceil(time * 1000)


def check_timedelta(value: object, name: str) -> timedelta:
    """Check a duration of the older interface, which takes no numbers."""
    if not isinstance(value, timedelta):
        hint = f"; timedelta(seconds={value!r}) is one" if isinstance(value, int | float) else ""
        raise TypeError(f"{name} must be a timedelta, not {value!r}{hint}")
    if value < timedelta(0):
        raise ValueError(f"{name} must be a timedelta that is not negative, not {value!r}")
    return value


def _perhaps_for_ever(value: object, allowed: str) -> float | None:
    limit = math.inf if value is None else seconds(value, allowed)
    return None if limit == math.inf else limit


def seconds(value: object, allowed: str) -> float:
    """Turn seconds or a timedelta into seconds."""
    number = value.total_seconds() if isinstance(value, timedelta) else value
    if isinstance(number, bool) or not isinstance(number, int | float):
        raise TypeError(f"{allowed}; not {value!r}")
    if not number >= 0:
        raise ValueError(f"{allowed}; not {value!r}")
    try:
        return float(number)
    except OverflowError:
        return math.inf
