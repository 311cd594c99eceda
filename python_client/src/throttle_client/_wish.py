"""What a caller of `lock` asks for, checked before anybody is bothered. No I/O."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ._options import Duration, Options, check_on_lost, check_seconds
from ._progress import Report, check_progress

Wanted = str | Mapping[str, int]

_MAX_PRIORITY = 127


@dataclass(frozen=True, slots=True)
class Wish:
    """The arguments of `lock`, checked."""

    want: Mapping[str, int]
    timeout: float | None
    priority: int
    on_lost: str | Callable[[Any], object]
    progress: bool | Callable[[Report], object] | None

    def __str__(self) -> str:
        return ", ".join(name if count == 1 else f"{name} ({count})" for name, count in self.want.items())


def check_wish(  # noqa: PLR0913  they are the arguments of `lock`
    options: Options,
    semaphore: Wanted,
    count: int,
    *,
    timeout: Duration | None,
    priority: int,
    on_lost: str | Callable[[Any], object] | None,
    progress: bool | Callable[[Report], object] | None,
    can_cancel: bool,
) -> Wish:
    """Check the arguments of `lock`; raises `ValueError` or `TypeError` with what is wrong."""
    if not -_MAX_PRIORITY - 1 <= priority <= _MAX_PRIORITY:
        raise ValueError(f"a priority is from -128 to 127, not {priority!r}")
    return Wish(
        want=check_want(semaphore, count),
        timeout=check_seconds(timeout, "timeout"),
        priority=priority,
        on_lost=options.on_lost if on_lost is None else check_on_lost(on_lost, can_cancel=can_cancel),
        progress=check_progress(progress),
    )


def check_want(semaphore: Wanted, count: int) -> dict[str, int]:
    """Turn `"A", 2` or `{"A": 2, "db": 1}` into counts by name."""
    if isinstance(semaphore, str):
        want = {semaphore: count}
    elif isinstance(semaphore, Mapping):  # pyright: ignore[reportUnnecessaryIsInstance]
        if count != 1:
            raise TypeError("give counts either in the mapping or as `count`, for a single name")
        want = dict(semaphore)
    else:
        raise TypeError(f"a semaphore is named by a text, or several by a mapping with counts, not by {semaphore!r}")
    if not want:
        raise ValueError("nothing is asked for: the mapping has no semaphores")
    for name, number in want.items():
        _check_item(name, number)
    return want


def _check_item(name: object, number: object) -> None:
    if not isinstance(name, str):
        raise TypeError(f"the name of a semaphore is a text, not {name!r}")
    if not name:
        raise ValueError("the name of a semaphore must not be empty")
    name.encode()  # what cannot be sent is a UnicodeEncodeError, which is a ValueError
    if isinstance(number, bool) or not isinstance(number, int):
        raise TypeError(f"the count of {name!r} is a whole number, not {number!r}")
    if number < 1:
        raise ValueError(f"the count of {name!r} must be at least 1, not {number}")
