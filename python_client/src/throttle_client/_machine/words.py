"""Sentences for people about tickets. Programs look at codes instead."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from throttle_client._errors import AcquireTimeout

from .state import Ticket


def listed(names: Iterable[str]) -> str:
    """List names in a sentence: 'A', 'B' and 'C'."""
    quoted = [repr(name) for name in names]
    return " and ".join([", ".join(quoted[:-1]), quoted[-1]] if len(quoted) > 1 else quoted)


def only(names: Mapping[str, object]) -> str | None:
    """Tell which semaphore an error is about: the only one there is, or None."""
    return next(iter(names)) if len(names) == 1 else None


def timed_out(ticket: Ticket) -> AcquireTimeout:
    """Make the error for a ticket whose time is over, with what is known about the line."""
    several = len(ticket.want) > 1
    if ticket.tries_once:
        when = "are not all free" if several else "is not free"
    else:
        when = f"{'were' if several else 'was'} not granted within {ticket.timeout:g} s"
    place = ""
    if ticket.place is not None:
        holders = f", held by {', '.join(map(repr, ticket.place.blocked_by))}" if ticket.place.blocked_by else ""
        place = f" (place {ticket.place.position} in line{holders})"
    return AcquireTimeout(f"{listed(ticket.want)} {when}{place}", semaphore=only(ticket.want))
