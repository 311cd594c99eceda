"""What a caller of `lock` asks for. What may be asked for is in `_arguments.py`. No I/O."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ._arguments import Wanted, check_on_lost, check_priority, check_progress, check_timeout, check_want
from ._options import Options
from ._progress import Progress

_NAMED = ("timeout", "priority", "on_lost", "progress")


@dataclass(frozen=True, slots=True)
class Wish:
    """The arguments of `lock`, checked."""

    want: Mapping[str, int]
    timeout: float | None
    priority: int
    on_lost: str | Callable[[Any], object]
    progress: bool | Callable[[Progress], object] | None

    def __str__(self) -> str:
        return ", ".join(name if count == 1 else f"{name} ({count})" for name, count in self.want.items())


def check_wish(options: Options, semaphore: Wanted, count: int, named: Mapping[str, Any], *, can_cancel: bool) -> Wish:
    """Check the arguments of `lock`; raises `ValueError` or `TypeError` with what is wrong."""
    for name in named:
        if name not in _NAMED:
            raise TypeError(f"there is no argument {name!r}, only {', '.join(map(repr, _NAMED))}")
    on_lost = named.get("on_lost")
    return Wish(
        want=check_want(semaphore, count),
        timeout=check_timeout(named.get("timeout")),
        priority=check_priority(named.get("priority", 0)),
        on_lost=options.on_lost if on_lost is None else check_on_lost(on_lost, can_cancel=can_cancel),
        progress=check_progress(named.get("progress")),
    )
