"""The machine: what users ask for, the connection and the time go in; frames and news come out.

Whoever drives it calls one method at a time, with a clock that never goes back, and afterwards sends `frames()`, calls
each of `news()`, and calls `tick()` at `next_deadline()`. It must not block, and it must not know what carries its
frames.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable

from throttle_client._errors import HierarchyViolation, LeaseLost, ServerUnavailable, ThrottleError

from .answers import Answers
from .core import Core
from .reconnect import FATAL, Backoff
from .settings import Settings
from .state import Hold, Message, Peer, Report, Stage, Ticket
from .timing import Timing
from .words import SILENCE, listed, only, timed_out


class Session:
    """One client's dealings with the server, over any number of connections."""

    def __init__(self, settings: Settings, chance: Callable[[], float] = random.random) -> None:
        self._core = Core(settings)
        self._timing = Timing(self._core)
        self._backoff = Backoff(chance)
        self._answers = Answers(self._core, self._backoff)
        self._connected_at: float | None = None
        self.frames = self._core.frames
        self.news = self._core.news
        self.tick = self._timing.tick
        self.next_deadline = self._timing.next_deadline

    @property
    def ready(self) -> bool:
        """Has the server said welcome on the connection that there is?"""
        return self._core.liveness is not None and self._core.welcomed

    @property
    def failure(self) -> ThrottleError | None:
        """Why nothing can be asked for any more; a new exception each time, so that it gathers no tracebacks."""
        failure = self._core.failure
        return None if failure is None else type(failure)(*failure.args, code=failure.code)

    def unavailable(self) -> ServerUnavailable:
        """Say that there is no connection, and why."""
        return self._core.unavailable()

    @property
    def peers(self) -> int:
        """How many threads or tasks hold or wait for something."""
        return len(self._core.peers)

    # --- What users ask for

    def submit(self, now: float, ticket: Ticket) -> None:
        """Ask for something. The ticket's signal tells when it is granted or has failed."""
        ticket.started, ticket.stage = now, Stage.WAITING
        refusal = self._refusal(ticket)
        if refusal is not None:
            self._core.fail(ticket, refusal)
            return
        if self._core.place(now, ticket):
            self._timing.watch(ticket)
        elif ticket.tries_once:
            self._core.fail(ticket, timed_out(ticket))
        else:
            self._timing.watch(ticket)
            self._core.peers.line.append(ticket)

    def abandon(self, now: float, ticket: Ticket) -> None:
        """Give a ticket up, however far it has come. Afterwards nothing is held and nothing waits for it."""
        stage, ticket.stage = ticket.stage, Stage.ABANDONED
        if stage is Stage.GRANTED and ticket.hold is not None:
            if ticket.permit and not ticket.hold.detached:
                self._core.unuse(ticket.hold.peer, ticket.want)
            self.release(now, ticket.hold)
        elif stage is Stage.WAITING:
            self._core.withdraw(now, ticket)

    def release(self, now: float, hold: Hold) -> None:
        """Give back what is held. Whatever else its peer holds stays."""
        if hold.over:
            return
        hold.over = True
        # Nobody is told any more. The ticket may be remembered for long, and would keep the lease alive with it.
        hold.signal = _ignore
        if hold.detached:
            return
        self._core.reports.hold_ends(hold)
        hold.peer.holds.remove(hold)
        self._core.give_back(hold.peer, hold.counts)
        self._core.settle(now, hold.peer)

    def report(self, now: float, report: Report) -> None:
        """Report about a permit. The report's signal tells when it is done or has failed."""
        self._core.reports.add(now, report)
        if self._core.failure is not None:
            self._core.reports.fail(self._core.failure)
        self._timing.watch_report(report)

    def is_safe(self, now: float, hold: Hold) -> bool:
        """Tell whether a lease is certainly its holder's own. Changes nothing: any thread may ask."""
        return hold.lost is None and (hold.permit or now < self._core.safe_until(hold.peer))

    def safe_until(self, hold: Hold) -> float:
        """Tell until when a lease is certainly its holder's own, if nothing more is heard. Any thread may ask."""
        return math.inf if hold.permit else self._core.safe_until(hold.peer)

    def forfeit(self, now: float, hold: Hold) -> None:
        """Take note that a lease was found to be unsafe: it stays lost, whatever is heard later."""
        if not hold.over:
            self._core.lose(now, hold.peer, "expired", explained=SILENCE)

    def close(self, now: float) -> None:
        """Give up and give back everything. What is to be sent has to be sent before the connection is closed."""
        self._fail(now, ThrottleError("the client is closed", code="closed"), "closed")
        for peer in self._core.peers.drain():
            self._core.tell(peer, "close")

    def disown(self) -> None:
        """In a forked child: everything here is the parent's. What is held is lost to the child, without a word."""
        core = self._core
        core.failure = ThrottleError("the connection is that of the parent process", code="forked")
        for peer in core.peers:
            peer.dead = True
            for hold in peer.holds:
                hold.lost, hold.over = "forked", True

    # --- The connection

    def begin(self, now: float) -> None:
        """Begin with a connection: greet, and tell who holds and who waits."""
        core = self._core
        self._connected_at = now
        core.connect(now)
        for peer in sorted(core.peers, key=lambda peer: not peer.holds):
            if core.can_introduce and not peer.dead:
                core.introduce(now, peer)

    def receive(self, now: float, message: Message) -> None:
        """Handle one message of the server."""
        self._answers.handle(now, message)

    def end(self, now: float, code: int | None, why: str, *, fatal: bool = False) -> float | None:
        """Handle the end of a connection, or of an attempt.

        Returns after how many seconds to connect again; None when that is no use.
        """
        core = self._core
        lasted = 0.0 if self._connected_at is None else now - self._connected_at
        self._connected_at = None
        core.disconnect()
        if core.failure is not None:
            return None
        core.unreachable = why
        if fatal or code in FATAL:
            failure = core.unavailable() if code is None else ThrottleError(why, code=FATAL.get(code, "unavailable"))
            self._fail(now, failure, "expired")
            return None
        if core.outage_since is None:
            core.outage_since = now
        for ticket in core.tickets():
            if ticket.tries_once:
                core.withdraw(now, ticket, core.unavailable())
        self._timing.outage_begins()
        in_use = bool(core.peers)
        return self._backoff.delay(lasted, code, core.settings.expires_in / 10 if in_use else 10.0)

    def _fail(self, now: float, failure: ThrottleError, reason: str) -> None:
        core = self._core
        if core.failure is None:
            core.failure = failure
        for ticket in core.tickets():
            core.withdraw(now, ticket, self.failure)
        core.reports.fail(self._core.failure or failure)
        for peer in core.peers:
            core.lose(now, peer, reason)

    # --- Refusals that need no server

    def _refusal(self, ticket: Ticket) -> ThrottleError | None:
        if self._core.failure is not None:
            return self.failure
        if ticket.tries_once and self._core.outage_since is not None:
            return self._core.unavailable()
        peer = self._core.peers.owned_by(ticket.owner)
        return None if peer is None else _nesting_refusal(peer, ticket)


def _ignore() -> None:
    """Do nothing."""


def _nesting_refusal(peer: Peer, ticket: Ticket) -> ThrottleError | None:
    if peer.dead:
        message = f"nothing can be acquired inside a block whose lease is lost, here that of {listed(peer.held)}"
        return LeaseLost(message, semaphore=only(peer.held))
    if ticket.permit:
        # It has a peer of its own: nothing of it is in the way.
        return None
    if peer.ticket is not None:
        return ThrottleError("this thread or task waits for something else already", code="already_pending")
    twice = [name for name in peer.held if name in ticket.want]
    if not twice:
        return None
    message = f"this thread or task holds {listed(twice)} already; a lock does not nest within itself, nor grow"
    return HierarchyViolation(message, semaphore=twice[0])
