"""Which thread or task has which peer, who is spare, and who stands in line for one. It sends nothing."""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable, Iterator

from .settings import IDLE, MAX_PEERS
from .state import Peer, Stage, Ticket


class Peers:
    """The peers of one client.

    A peer that its owner has left is spare and serves the next one that comes. A connection may carry so many peers
    only; whoever comes when all are taken waits in line here until one is spare.
    """

    def __init__(self) -> None:
        self.most = MAX_PEERS
        self.line: deque[Ticket] = deque()
        # Peers that hold something on the server which nobody uses any more: to be resumed once, and closed.
        self.retired: list[Peer] = []
        self._by_owner: dict[Hashable, Peer] = {}
        self._by_number: dict[int, Peer] = {}
        self._spare: deque[Peer] = deque()
        self._numbers = 0

    def __iter__(self) -> Iterator[Peer]:
        """Walk through those that are in use."""
        return iter(list(self._by_owner.values()))

    def __bool__(self) -> bool:
        return bool(self._by_owner)

    def __len__(self) -> int:
        return len(self._by_owner)

    def numbered(self, number: object) -> Peer | None:
        """Find a peer by the number by which the connection calls it."""
        return self._by_number.get(number) if isinstance(number, int) else None

    def owned_by(self, owner: Hashable) -> Peer | None:
        """Find the peer that an owner uses already."""
        return self._by_owner.get(owner)

    def take(self, owner: Hashable) -> Peer | None:
        """Give an owner its peer: the one it has, a spare one, or a new one. None when there are too many."""
        peer = self._by_owner.get(owner)
        if peer is None:
            peer = self._spare.pop() if self._spare else self._new(owner)
            if peer is not None:
                peer.owner = owner
                self._by_owner[owner] = peer
        return peer

    def leave(self, peer: Peer, now: float, *, spare: bool) -> None:
        """Take a peer away from its owner, to keep it for the next one, or to forget it."""
        if self._by_owner.get(peer.owner) is peer:
            del self._by_owner[peer.owner]
        peer.owner = None
        if spare:
            peer.idle_since = now
            self._spare.append(peer)
        else:
            self._by_number.pop(peer.number, None)

    def discard(self, peer: Peer) -> None:
        """Forget a peer that the server does not have any more, if it was spare."""
        if peer in self._spare:
            self._spare.remove(peer)
        self._by_number.pop(peer.number, None)

    def renew(self, peer: Peer) -> None:
        """Make a peer a stranger to the server, under a new number; its owner and its ticket stay."""
        self._by_number.pop(peer.number, None)
        peer.number = self._next_number()
        peer.key, peer.bond, peer.introduced = None, None, False
        peer.owed_cancel, peer.owed_names = False, set()
        self._by_number[peer.number] = peer

    def disconnect(self, heard: float) -> None:
        """Take note that the connection is gone, on which everything that was sent before a moment has arrived.

        Who was spare by then holds nothing, and the server may forget it. It may not have heard that the others are.
        """
        for peer in self.drain():
            if peer.key is not None and peer.idle_since >= heard:
                peer.dead = True
                self.retired.append(peer)
        for peer in self._by_owner.values():
            peer.introduced = False

    def limit(self, most: int, now: float) -> None:
        """Take note of how many the server allows; who is too many and new goes back to the line."""
        self.most = most
        for peer in reversed(list(self._by_owner.values())):
            if len(self._by_owner) <= most:
                break
            ticket = peer.ticket
            if ticket is not None and not peer.introduced and not peer.holds and peer.key is None:
                ticket.peer = peer.ticket = None
                self.leave(peer, now, spare=False)
                self.line.appendleft(ticket)

    def next_in_line(self) -> Ticket | None:
        """Take the first ticket that still waits for a peer out of the line."""
        while self.line:
            ticket = self.line.popleft()
            if ticket.stage is Stage.WAITING:
                return ticket
        return None

    @property
    def has_room(self) -> bool:
        """Could one more owner have a peer?"""
        return bool(self._spare) or len(self._by_owner) < self.most

    def trim_at(self) -> float | None:
        """Tell when the next spare peer has been idle for long enough."""
        return self._spare[0].idle_since + IDLE if self._spare else None

    def trim(self, now: float) -> list[Peer]:
        """Forget those that have been spare for too long."""
        gone: list[Peer] = []
        while self._spare and self._spare[0].idle_since + IDLE <= now:
            peer = self._spare.popleft()
            self._by_number.pop(peer.number, None)
            gone.append(peer)
        return gone

    def drain(self) -> list[Peer]:
        """Forget all that are spare."""
        spare = list(self._spare)
        self._spare.clear()
        for peer in spare:
            self._by_number.pop(peer.number, None)
        return spare

    def _new(self, owner: Hashable) -> Peer | None:
        if len(self._by_owner) >= self.most:
            return None
        peer = Peer(self._next_number(), owner)
        self._by_number[peer.number] = peer
        return peer

    def _next_number(self) -> int:
        self._numbers += 1
        return self._numbers
