"""Sentences for people about tickets. Programs look at codes instead."""

from __future__ import annotations

from throttle_client._errors import AcquireTimeout

from .state import Ticket


def timed_out(ticket: Ticket) -> AcquireTimeout:
    """Make the error for a ticket whose time is over, with what is known about the line."""
    names = ", ".join(repr(name) for name in ticket.want)
    when = "is not free" if ticket.tries_once else f"was not granted within {ticket.timeout:g} s"
    place = ""
    if ticket.place is not None:
        holders = f", held by {', '.join(map(repr, ticket.place.blocked_by))}" if ticket.place.blocked_by else ""
        place = f" (place {ticket.place.position} in line{holders})"
    semaphore = next(iter(ticket.want)) if len(ticket.want) == 1 else None
    return AcquireTimeout(f"{names} {when}{place}", semaphore=semaphore)
