"""What the server says, and what follows from it. An unknown message is ignored: the protocol may grow."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from throttle_client._errors import AcquireTimeout, ThrottleError, from_answer

from . import permits
from .core import Core
from .messages import numbers
from .reconnect import Backoff
from .state import Message, Peer, Place, Ticket
from .words import timed_out


class Answers:
    """Handles one message after the other."""

    def __init__(self, core: Core, backoff: Backoff) -> None:
        self._core = core
        self._backoff = backoff
        self._handlers: Mapping[object, Callable[[float, Message], None]] = {
            "welcome": self._welcome,
            "opened": self._opened,
            "granted": self._granted,
            "queued": self._queued,
            "error": self._error,
            "settled": self._reported,
            "backed_off": self._reported,
            "lost": self._lost,
            "draining": self._draining,
        }

    def handle(self, now: float, message: Message) -> None:
        """Handle one message."""
        if self._core.liveness is not None:
            self._core.liveness.answered(message.get("id"))
        handler = self._handlers.get(message.get("type"))
        if handler is not None:
            handler(now, message)

    def _welcome(self, now: float, message: Message) -> None:
        core, limits = self._core, _table(message, "limits")
        epoch = message.get("epoch")
        core.memory_lost = core.epoch is not None and epoch != core.epoch
        core.epoch, core.welcomed, core.outage_since = epoch, True, None
        core.outbox.limit = int(limits.get("max_frame_bytes", core.outbox.limit))
        core.max_expires_in = limits.get("max_expires_in_ms", core.max_expires_in * 1000) / 1000
        core.heartbeat = message.get("heartbeat_ms", core.heartbeat * 1000) / 1000
        if core.liveness is not None:
            core.liveness.interval = core.settings.ping_every(core.heartbeat)
        core.peers.limit(int(limits.get("max_peers", core.peers.most)), now)
        for peer in core.peers:
            if not peer.introduced and not peer.dead:
                core.introduce(now, peer)
        core.close_retired(now)
        core.serve_line(now)

    # --- Peers

    def _opened(self, now: float, message: Message) -> None:
        peer = self._core.openings.pop(message.get("id", 0), None)
        if peer is None or self._core.liveness is None:
            return
        peer.key, peer.bond = message.get("resume"), self._core.liveness.bond
        if not peer.dead:
            self._reconcile(now, peer, message)

    def _reconcile(self, now: float, peer: Peer, message: Message) -> None:
        """Compare what the server says that a peer holds with what is thought here."""
        core, held = self._core, _table(message, "held")
        forgotten = bool(message.get("restored")) and not core.memory_lost
        for hold in list(peer.holds):
            missing = any(count and name not in held for name, count in hold.counts.items())
            if not hold.permit and (forgotten or missing):
                # The server had let it expire. It may have restored it just now, but others may have had it since.
                core.lose(now, peer, "expired", explained="the server does not have it any more")
                return
            if missing:
                core.detach(hold)
                core.settle(now, peer)
            locks = {name: held[name] for name in hold.counts if name in held}
            hold.fences.update((name, lock["fence"]) for name, lock in locks.items())
            hold.slots = numbers(locks)
        surplus = {name: lock["count"] for name, lock in held.items() if name not in peer.held}
        ticket = peer.ticket
        new = all(held[name]["fence"] > peer.fence for name in surplus)
        peer.fence = max([peer.fence, *(lock["fence"] for lock in held.values())])
        if not surplus or (ticket is not None and surplus == ticket.want and new):
            # Nothing, or what is waited for: that was granted meanwhile, and the answer is on its way.
            return
        # A release got lost with the connection. It must not be held while something else is waited for.
        if ticket is not None:
            core.asked.pop(ticket.id, None)
            core.tell(peer, "cancel")
        core.give_back(peer, surplus)
        if ticket is not None:
            core.ask(now, ticket, peer)

    def _lost(self, now: float, message: Message) -> None:
        peer = self._core.peers.numbered(message.get("peer"))
        if peer is None:
            return
        reason = str(message.get("reason", "revoked"))
        explained = str(message.get("message") or "")
        if message.get("bound"):
            # An operator took a lock of a peer that stays. What it guarded may be all around, so all of it ends.
            self._core.lose(now, peer, reason, explained=explained)
            return
        self._core.lose(now, peer, reason, gone=True, explained=explained)
        self._core.peers.discard(peer)

    def _draining(self, _now: float, message: Message) -> None:
        self._core.draining = True
        self._backoff.tell(message.get("reconnect_in_ms", 0) / 1000)

    # --- Tickets

    def _granted(self, now: float, message: Message) -> None:
        ticket = self._core.asked.pop(message.get("id", 0), None)
        if ticket is not None and ticket.peer is not None:
            ticket.locks = _table(message, "locks")
            if not permits.doubt(self._core, now, ticket, ticket.peer):
                self._core.grant(now, ticket, ticket.peer, ticket.locks)

    def _queued(self, now: float, message: Message) -> None:
        ticket = self._core.asked.get(message.get("id", 0))
        if ticket is None:
            return
        position = int(message.get("position", 1))
        blockers = tuple(str(label) for label in message.get("blocked_by", ()))
        eta = message.get("eta_ms")
        before = ticket.place
        first = (position, now) if before is None else (before.first_position, before.first_since)
        ticket.place = Place(position, now, *first, blockers, None if eta is None else eta / 1000)
        if ticket.progress:
            self._core.notify(ticket.signal)

    def _reported(self, now: float, message: Message) -> None:
        ticket = self._core.asked.get(message.get("id", 0))
        if ticket is None:
            self._core.reports.answered(message.get("id"))
        else:
            permits.believe(self._core, now, ticket)

    # --- Refusals

    def _error(self, now: float, message: Message) -> None:
        code = message.get("code")
        peer = self._core.openings.pop(message.get("id") or 0, None)
        ticket = self._core.asked.get(message.get("id") or 0)
        if code == "draining":
            # It is asked again on the next connection.
            self._core.draining = True
        elif peer is not None:
            self._refused_peer(now, peer, from_answer(message))
        elif ticket is not None:
            self._refused_ticket(now, ticket, from_answer(message))
        else:
            self._core.reports.refused(message.get("id"), from_answer(message))

    def _refused_peer(self, now: float, peer: Peer, error: ThrottleError) -> None:
        core, ticket = self._core, peer.ticket
        if peer.dead:
            return
        if peer.holds:
            why = "the server has lost its memory, and does not take it back: " if core.memory_lost else ""
            core.lose(now, peer, error.code, gone=True, explained=f"{why}{error}")
        elif ticket is not None and peer.key is not None:
            # It is nobody that the server would have back: it stands in line as somebody new.
            core.asked.pop(ticket.id, None)
            core.peers.renew(peer)
            core.introduce(now, peer)
        elif ticket is not None and error.code == "limit_exceeded" and len(core.peers) > 1:
            core.queue(now, ticket, peer)
        elif ticket is not None:
            peer.introduced = False
            core.withdraw(now, ticket, error)

    def _refused_ticket(self, now: float, ticket: Ticket, error: ThrottleError) -> None:
        core, peer = self._core, ticket.peer
        if ticket.locks is not None and error.code == "not_a_bucket":
            core.withdraw(now, ticket, error)
            return
        if ticket.locks is not None and error.code == "not_held":
            # It was, until just now. Nobody else gets tokens that were granted.
            permits.believe(core, now, ticket)
            return
        core.asked.pop(ticket.id, None)
        if peer is not None and error.code == "revoked" and not peer.holds:
            # An operator is about to take a peer away that somebody else has used before: it is not about this one.
            core.tell(peer, "close")
            core.peers.renew(peer)
            core.introduce(now, peer)
            return
        if error.code == "unknown_semaphore" and ticket.declare and error.semaphore in ticket.declare:
            error.args = (
                f"{error}: it is declared, which the server's configuration has to allow ([dynamic] allow = true)",
            )
        ticket.peer = None
        core.fail(ticket, timed_out(ticket, error) if isinstance(error, AcquireTimeout) else error)
        if peer is not None:
            peer.ticket = None
            if error.code == "unknown_peer":
                peer.introduced, peer.key = False, None
            core.settle(now, peer)


def _table(message: Message, field: str) -> Mapping[str, Any]:
    value = message.get(field)
    return value if isinstance(value, Mapping) else {}  # pyright: ignore[reportUnknownVariableType]
