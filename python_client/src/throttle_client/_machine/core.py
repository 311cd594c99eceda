"""The state of a session and the steps that everything else is made of: tell, open, ask, place, settle, lose.

A step changes the state and puts messages into the outbox; it decides nothing about when. What users ask for is in
`session.py`, what the server says in `answers.py`, what time does in `timing.py`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import count
from typing import Any

from throttle_client._errors import LeaseLost, ServerUnavailable, ThrottleError

from . import permits
from .liveness import Liveness
from .messages import about, acquire, hello, numbers, opening, release
from .outbox import Outbox
from .peers import Peers
from .reports import Reports
from .settings import HEARTBEAT, MAX_EXPIRES_IN, Settings
from .state import Hold, Message, Peer, Stage, Ticket
from .words import only


class Core:
    """One client's state, over any number of connections."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.peers = Peers()
        self.outbox = Outbox()
        # Of the connection that there is; None without one.
        self.liveness: Liveness | None = None
        self.welcomed = False
        self.draining = False
        self.heartbeat = HEARTBEAT
        self.max_expires_in = MAX_EXPIRES_IN
        self.epoch: object = None
        self.memory_lost = False
        # Since when there is no connection, and why. None while there is one, and before the first attempt has failed.
        self.outage_since: float | None = None
        self.unreachable = "no answer yet"
        # Why there will be no connection any more.
        self.failure: ThrottleError | None = None
        self.asked: dict[int, Ticket] = {}
        self.openings: dict[int, Peer] = {}
        # Names of which the server has said that they are buckets.
        self.buckets: set[str] = set()
        # When to look whether leases are lost: never later than the first of them is.
        self.loss_at = math.inf
        self._ids = count(1)
        self._news: list[Callable[[], None]] = []
        self.reports = Reports(self, self.notify)

    # --- What the shell takes

    def frames(self) -> list[str]:
        """Take out what is to be sent."""
        return self.outbox.frames() if self.liveness is not None else []

    def news(self) -> list[Callable[[], None]]:
        """Take out the signals of tickets and holds that have changed."""
        news, self._news = self._news, []
        return news

    def tickets(self) -> Iterator[Ticket]:
        """Walk through everything that waits."""
        yield from [peer.ticket for peer in self.peers if peer.ticket is not None]
        yield from [ticket for ticket in self.peers.line if ticket.stage is Stage.WAITING]

    def safe_until(self, peer: Peer) -> float:
        """Tell until when the server keeps a peer for certain, less the margin."""
        return math.inf if peer.bond is None else peer.bond.heard + self.settings.lifetime

    # --- Connections

    def connect(self, now: float) -> None:
        """Begin anew: nothing is said yet on this connection."""
        self.liveness = Liveness(self.settings.ping_every(self.heartbeat))
        self.outbox = Outbox()
        self.welcomed = self.draining = False
        self.outbox.put(hello(self.next_id(now), self.settings))

    def disconnect(self) -> None:
        """Forget everything that was said on the connection and is not answered."""
        if self.liveness is not None:
            self.peers.disconnect(self.liveness.bond.heard)
        self.liveness = None
        self.outbox = Outbox()
        self.asked.clear()
        self.openings.clear()
        self.reports.disconnect()

    @property
    def can_introduce(self) -> bool:
        """May peers be opened now? Before the server's first word, only as many as fit into the first frame."""
        return self.liveness is not None and not self.draining and (self.welcomed or self.outbox.fits_greeting)

    @property
    def can_tell(self) -> bool:
        """Does the server listen?"""
        return self.liveness is not None and not self.draining

    # --- Messages

    def tell(self, peer: Peer, kind: str, **fields: Any) -> bool:  # noqa: ANN401  fields are as the protocol has them
        """Say something about a peer for which there is no answer; False when the server cannot be told now."""
        told = peer.introduced and self.can_tell
        if told:
            self.outbox.put(about(peer, kind, fields))
        return told

    def ping(self, now: float) -> None:
        """Ask for a sign of life."""
        self.outbox.put(f'{{"type":"ping","id":{self.next_id(now)}}}')

    def open(self, now: float, peer: Peer) -> None:
        """Bind a peer to the connection: a new one, or one that the server should know."""
        message_id = self.next_id(now)
        claimed = permits.claimed(peer, certain=now < self.safe_until(peer))
        claim = {"held": claimed, "slots": self._slots(peer, claimed), "declare": permits.declared(peer, claimed)}
        self.outbox.put(opening(message_id, peer, self.settings, claim))
        self.openings[message_id] = peer
        peer.introduced = True

    def ask(self, now: float, ticket: Ticket, peer: Peer) -> None:
        """Ask for what a ticket wants."""
        ticket.id, ticket.locks = self.next_id(now), None
        self.outbox.put(acquire(ticket, peer, now, self.max_expires_in))
        self.asked[ticket.id] = ticket

    def introduce(self, now: float, peer: Peer) -> None:
        """Tell the server about a peer: who it is, what has become of its wishes meanwhile, and what it waits for."""
        known = peer.key is not None
        self.open(now, peer)
        if known and peer.owed_cancel:
            self.tell(peer, "cancel")
        if known and peer.owed_names:
            self.tell(peer, "release", names=sorted(peer.owed_names))
        peer.owed_cancel, peer.owed_names = False, set()
        self.reports.introduce(now, peer)
        if peer.ticket is not None:
            self.ask(now, peer.ticket, peer)

    def close_retired(self, now: float) -> None:
        """Resume those that nobody uses any more, only to have them closed: what they hold is for others."""
        retired, self.peers.retired = self.peers.retired, []
        for peer in retired:
            self.open(now, peer)
            self.tell(peer, "close")

    # --- Tickets

    def place(self, now: float, ticket: Ticket) -> bool:
        """Find a peer for a ticket, and ask the server if it can be asked; False when all peers are taken."""
        peer = self.peers.take(ticket if ticket.permit else ticket.owner) or permits.share(self, ticket)
        if peer is None:
            return False
        peer.ticket, ticket.peer = ticket, peer
        if peer.introduced:
            if self.can_tell:
                self.ask(now, ticket, peer)
        elif self.can_introduce:
            self.introduce(now, peer)
        return True

    def queue(self, now: float, ticket: Ticket, peer: Peer) -> None:
        """Have a ticket wait for the peer of somebody else, because the server takes no more."""
        ticket.peer = peer.ticket = None
        self.asked.pop(ticket.id, None)
        self.peers.leave(peer, now, spare=False)
        self.peers.line.appendleft(ticket)

    def withdraw(self, now: float, ticket: Ticket, error: ThrottleError | None = None) -> None:
        """Take a waiting ticket back, here and on the server. The grant may be on its way: it is given back as well."""
        peer, ticket.peer = ticket.peer, None
        if peer is not None:
            peer.ticket = None
            self.asked.pop(ticket.id, None)
            if not peer.dead and not self.tell(peer, "cancel"):
                peer.owed_cancel = True
            if ticket.permit:
                self.unuse(peer, ticket.want)
            self.give_back(peer, ticket.want)
        if error is not None:
            self.fail(ticket, error)
        if peer is not None:
            self.settle(now, peer)

    def fail(self, ticket: Ticket, error: ThrottleError) -> None:
        """End a ticket with an error."""
        ticket.stage, ticket.error = Stage.FAILED, error
        self._news.append(ticket.signal)

    def grant(self, now: float, ticket: Ticket, peer: Peer, locks: Mapping[str, Message]) -> None:
        """End a ticket with what it wanted."""
        peer.ticket = None
        fences = {name: locks[name]["fence"] for name in ticket.want}
        waited = now - ticket.started
        hold = Hold(peer, ticket.want, fences, numbers(locks), waited, ticket.declare, ticket.permit)
        ticket.hold, ticket.stage = hold, Stage.GRANTED
        peer.holds.append(hold)
        peer.fence = max(peer.fence, *fences.values())
        if not ticket.permit:
            self.loss_at = min(self.loss_at, self.safe_until(peer))
        self._news.append(ticket.signal)

    def notify(self, signal: Callable[[], None]) -> None:
        """Have something told, along with other news."""
        self._news.append(signal)

    # --- Peers

    def give_back(self, peer: Peer, names: Iterable[str]) -> None:
        """Release names, now or as soon as there is a connection."""
        if peer.dead:
            return
        if peer.introduced and self.can_tell:
            self.outbox.put(release(peer, names))
        else:
            peer.owed_names.update(names)

    def unuse(self, peer: Peer, names: Iterable[str]) -> None:
        """Say of tokens that nobody has used them, if they were granted at all. An error has no id, and is ignored."""
        self.tell(peer, "settle", used=dict.fromkeys(names, 0))

    def detach(self, hold: Hold) -> None:
        """Let a permit go on without a peer: it is still good, but nothing can be reported of it any more."""
        hold.detached = True
        hold.peer.holds.remove(hold)
        self.reports.hold_ends(hold)

    def settle(self, now: float, peer: Peer) -> None:
        """See what becomes of a peer of which something has ended."""
        if not peer.idle:
            return
        spare = not peer.dead and peer.introduced and self.can_tell
        if not spare and not peer.dead and peer.key is not None:
            self._retire(peer)
        self.peers.leave(peer, now, spare=spare)
        self.serve_line(now)

    def serve_line(self, now: float) -> None:
        """Give peers to those who wait for one."""
        while self.peers.line and self.peers.has_room:
            ticket = self.peers.next_in_line()
            if ticket is not None:
                self.place(now, ticket)

    def lose(self, now: float, peer: Peer, reason: str, *, gone: bool = False, explained: str = "") -> None:
        """End everything of a peer. Unless it is gone, the server is told: the locks are for the next in line."""
        if peer.dead:
            return
        peer.dead = True
        if not gone and not self.tell(peer, "close") and peer.key is not None:
            self._retire(peer)
        for hold in list(peer.holds):
            if hold.permit:
                self.detach(hold)
                continue
            hold.explained, hold.lost = explained, reason
            self.reports.hold_ends(hold)
            self._news.append(hold.signal)
        ticket = peer.ticket
        if ticket is not None:
            message = f"the lease of the block around this one is lost ({reason})"
            self.withdraw(now, ticket, LeaseLost(message, code=reason, semaphore=only(peer.held)))
        else:
            self.settle(now, peer)

    def unavailable(self) -> ServerUnavailable:
        """Make the error for who cannot be served for want of a connection."""
        return ServerUnavailable(f"no connection to {self.settings.server}: {self.unreachable}")

    def _slots(self, peer: Peer, claimed: Mapping[str, int]) -> dict[str, tuple[int, ...]]:
        """Tell the numbers of what a peer claims, unless they would leave no room for the rest in a frame.

        Without them the server may give others, but with too large a frame it would end the session.
        """
        slots = {name: slots for hold in peer.holds for name, slots in hold.slots.items() if name in claimed}
        numbers = sum(len(slots) for slots in slots.values())
        return slots if 2 * numbers * len(",9999") <= self.outbox.limit else {}

    def _retire(self, peer: Peer) -> None:
        """Have a peer closed that the server may still know, once there is a connection again."""
        peer.owed_cancel, peer.owed_names, peer.dead = False, set(), True
        self.peers.retired.append(peer)

    def next_id(self, now: float) -> int:
        message_id = next(self._ids)
        if self.liveness is not None:
            self.liveness.asked(now, message_id)
        return message_id
