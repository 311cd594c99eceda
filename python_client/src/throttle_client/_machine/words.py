"""Sentences for people about tickets. Programs look at codes instead."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

from throttle_client._errors import AcquireTimeout

from .state import Hold, Ticket

# Why a lease is lost that nobody has taken away.
SILENCE = "the server was out of reach, or this program was blocked, for too long"


def listed(names: Iterable[str]) -> str:
    """List names in a sentence: 'A', 'B' and 'C'."""
    quoted = [repr(name) for name in names]
    return " and ".join([", ".join(quoted[:-1]), quoted[-1]] if len(quoted) > 1 else quoted)


def only(names: Mapping[str, object]) -> str | None:
    """Tell which semaphore an error is about: the only one there is, or None."""
    return next(iter(names)) if len(names) == 1 else None


def lost(hold: Hold) -> str:
    """Tell that a lease is lost, and why."""
    why = hold.explained or (SILENCE if hold.lost is None else "")
    return f"was lost{why and ': '}{why} ({hold.lost or 'expired'})"


def timed_out(ticket: Ticket, refusal: AcquireTimeout | None = None) -> AcquireTimeout:
    """Make the error for a ticket whose time is over, or would be, with what is known about the line."""
    eta = None if refusal is None else refusal.eta
    message = f"{listed(ticket.want)} {_when(ticket, eta)}{_where(ticket)}"
    return AcquireTimeout(message, semaphore=only(ticket.want), eta=eta)


def _when(ticket: Ticket, eta: float | None) -> str:
    several = len(ticket.want) > 1
    if eta is not None:
        return f"would take {eta:g} s, longer than max_wait, {ticket.max_wait or 0:g} s"
    if ticket.tries_once:
        return "are not all free" if several else "is not free"
    limit = min(limit for limit in (ticket.timeout, ticket.max_wait, math.inf) if limit is not None)
    return f"{'were' if several else 'was'} not granted within {limit:g} s"


def _where(ticket: Ticket) -> str:
    if ticket.place is None:
        return ""
    holders = f", held by {', '.join(map(repr, ticket.place.blocked_by))}" if ticket.place.blocked_by else ""
    return f" (place {ticket.place.position} in line{holders})"
