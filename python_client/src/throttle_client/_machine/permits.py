"""What is different about permits: each has a peer of its own as long as there are any, and nothing of it is lost.

So a thread or task may take from a bucket again while it has a permit of it, and no level is in its way. It must not
send anything that a core would not.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from .state import Message, Peer, Ticket

if TYPE_CHECKING:
    from .core import Core


def claimed(peer: Peer, *, certain: bool) -> dict[str, int]:
    """Tell what of a peer a server should know that has lost its memory.

    It takes the tokens of a permit once more. So permits are left out unless it is certain that nothing but that could
    make the server forget them.
    """
    holds = [] if peer.dead else [hold for hold in peer.holds if certain or not hold.permit]
    return {name: count for hold in holds for name, count in hold.counts.items() if count}


def declared(peer: Peer, claimed: Mapping[str, int]) -> dict[str, Message]:
    """Tell what the claimed names stand for that were declared: a server without its memory does not know them."""
    return {
        name: limit for hold in peer.holds if hold.declare for name, limit in hold.declare.items() if name in claimed
    }


def doubt(core: Core, now: float, ticket: Ticket, peer: Peer) -> bool:
    """See whether what is granted is a bucket, where nobody has declared it: correct what was taken to just that.

    The server refuses this for a semaphore. It is asked once for each name.
    """
    if not ticket.doubtful or core.buckets.issuperset(ticket.want):
        return False
    ticket.id = core.next_id(now)
    core.asked[ticket.id] = ticket
    core.tell(peer, "settle", id=ticket.id, used=ticket.want)
    return True


def believe(core: Core, now: float, ticket: Ticket) -> None:
    """Hand out what is a bucket indeed."""
    core.asked.pop(ticket.id, None)
    core.buckets.update(ticket.want)
    if ticket.peer is not None and ticket.locks is not None:
        core.grant(now, ticket, ticket.peer, ticket.locks)


def share(core: Core, ticket: Ticket) -> Peer | None:
    """Find another peer of its owner for a permit when all are taken: those who hold must not wait for each other.

    That is the one with its locks, or that of an older permit, of which nothing can be reported any more then.
    """
    if not ticket.permit:
        return None
    own = core.peers.owned_by(ticket.owner)
    if own is not None and own.ticket is None and not any(name in own.held for name in ticket.want):
        return own
    for peer in core.peers:
        older = peer.owner
        if isinstance(older, Ticket) and older.owner == ticket.owner and peer.ticket is None:
            for hold in list(peer.holds):
                core.give_back(peer, hold.counts)
                core.detach(hold)
            return peer
    return None
