"""What a caller of `lock` asks for. What may be asked for is in `_arguments.py`. No I/O."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ._arguments import Wanted, check_on_lost, check_priority, check_progress, check_want
from ._durations import check_max_wait, check_timeout
from ._limits import Limits, check_maxima
from ._machine.state import Ticket
from ._options import Options
from ._progress import Progress

_NAMED = ("timeout", "max_wait", "priority", "on_lost", "progress", "declare")


@dataclass(frozen=True, slots=True)
class Wish:
    """The arguments of `lock`, checked."""

    want: Mapping[str, int]
    timeout: float | None
    priority: int
    on_lost: str | Callable[[Any], object]
    progress: bool | Callable[[Progress], object] | None
    max_wait: float | None = None
    declare: Limits | None = None
    # Buckets and nothing else?
    permit: bool = False
    # Has it nothing to do with what else its thread or task holds?
    alone: bool = False

    def ticket(self, owner: object, *, tells: bool) -> Ticket:
        """Make a ticket for a thread or task; it tells when it moves in line, or only when it is over."""
        ticket = Ticket(object() if self.alone else owner, self.want, self.timeout, self.priority, tells)
        ticket.max_wait, ticket.declare, ticket.permit = self.max_wait, self.declare, self.permit
        ticket.doubtful = self.permit and self.declare is None
        return ticket

    def __str__(self) -> str:
        return ", ".join(name if count == 1 else f"{name} ({count})" for name, count in self.want.items())


def check_wish(options: Options, semaphore: Wanted, count: int, named: Mapping[str, Any], *, can_cancel: bool) -> Wish:
    """Check the arguments of `lock`; raises `ValueError` or `TypeError` with what is wrong."""
    for name in named:
        if name not in _NAMED:
            raise TypeError(f"there is no argument {name!r}, only {', '.join(map(repr, _NAMED))}")
    on_lost, declare, want = named.get("on_lost"), named.get("declare"), check_want(semaphore, count)
    return Wish(
        want=want,
        timeout=check_timeout(named.get("timeout")),
        priority=check_priority(named.get("priority", 0)),
        on_lost=options.on_lost if on_lost is None else check_on_lost(on_lost, can_cancel=can_cancel),
        progress=check_progress(named.get("progress")),
        max_wait=check_max_wait(named.get("max_wait")),
        declare=None if declare is None else check_maxima(declare, want),
    )


def permit_wish(name: str, declare: Limits | None, named: Mapping[str, Any]) -> Wish:
    """Check the arguments of `take`."""
    return Wish(
        want=check_want(name, named["count"]),
        timeout=check_timeout(named["timeout"]),
        priority=check_priority(named["priority"]),
        # There is nothing to be lost.
        on_lost="raise",
        progress=check_progress(named["progress"]),
        max_wait=check_max_wait(named["max_wait"]),
        declare=declare,
        permit=True,
    )
