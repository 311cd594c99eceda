"""Limits that come into being when somebody first asks for them, as they are declared to the server. No I/O.

A server takes them when its configuration has `[dynamic] allow = true`. Nothing is rounded: whoever declares the same
says the same, whether in seconds or as a timedelta.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from fractions import Fraction
from typing import Any, TypedDict

from ._arguments import check_name, whole
from ._durations import Duration, seconds

Limits = Mapping[str, Mapping[str, int]]

# As fine as a rate can be told: in so many parts of a millisecond.
_MOST_PARTS = 1_000

_ALLOWED = "to declare a bucket, give capacity, refill and every; or, for a pacer, min_interval"


class BucketLimits(TypedDict, total=False):
    """The arguments of `bucket` that declare it."""

    capacity: int | None
    refill: int | None
    every: Duration | None
    min_interval: Duration | None
    max_reserved: int | None


def check_maxima(declare: object, want: Mapping[str, int]) -> Limits:
    """Turn `5`, for the one name that is wanted, or `{"A": 5, "db": 2}` into what the protocol has."""
    if not isinstance(declare, Mapping):
        if len(want) != 1:
            raise TypeError(f"declare must be a mapping of names to maxima when there are several, not {declare!r}")
        declare = dict.fromkeys(want, declare)
    maxima: dict[Any, Any] = dict(declare)  # pyright: ignore[reportUnknownArgumentType]
    for name in maxima:
        if name not in want:
            raise ValueError(f"declare must only have what is wanted, and {name!r} is not")
    return {name: {"max": whole(most, f"declare of {name!r}")} for name, most in maxima.items()}


def check_bucket_limits(name: object, limits: BucketLimits) -> Limits | None:
    """Turn the arguments of `bucket` into what the protocol has; None when nothing is declared."""
    checked = check_name(name)
    given = {key: value for key, value in limits.items() if value is not None}
    if not given:
        return None
    limit = _pacer(given) if "min_interval" in given else _bucket(given)
    if "max_reserved" in given:
        limit["max_reserved"] = whole(given["max_reserved"], "max_reserved", 0)
    return {checked: limit}


def _bucket(given: Mapping[str, object]) -> dict[str, int]:
    missing = [key for key in ("capacity", "refill", "every") if key not in given]
    if missing:
        raise TypeError(f"{_ALLOWED}; {' and '.join(missing)} is missing")
    capacity, refill = whole(given["capacity"], "capacity"), whole(given["refill"], "refill")
    every = Fraction(1000 * _above_zero(given["every"], "every")).limit_denominator(_MOST_PARTS)
    if not every:
        raise ValueError(f"every must be at least a thousandth of a millisecond, not {given['every']!r}")
    return {"capacity": capacity, "refill": refill * every.denominator, "every_ms": every.numerator}


def _pacer(given: Mapping[str, object]) -> dict[str, int]:
    for key in ("capacity", "refill", "every"):
        if key in given:
            raise TypeError(f"{_ALLOWED}; not {key} with min_interval")
    milliseconds = 1000 * _above_zero(given["min_interval"], "min_interval")
    return {"min_interval_ms": math.ceil(Fraction(milliseconds).limit_denominator(_MOST_PARTS)) or 1}


def _above_zero(value: object, name: str) -> float:
    allowed = f"{name} must be seconds above 0, or a timedelta"
    duration = seconds(value, allowed)
    if not 0 < duration < math.inf:
        raise ValueError(f"{allowed}; not {value!r}")
    return duration
