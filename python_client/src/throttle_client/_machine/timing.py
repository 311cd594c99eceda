"""What the passing of time does: leases are lost, tickets time out, signs of life are due. It reads no clock."""

from __future__ import annotations

import heapq
import math
from itertools import count

from .core import Core
from .settings import TIMEOUT_SLACK
from .state import Report, Stage, Ticket
from .words import SILENCE, timed_out


class Timing:
    """Knows what is due when."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._deadlines: list[tuple[float, int, Ticket]] = []
        self._order = count()
        self._patience_at = math.inf

    def watch(self, ticket: Ticket) -> None:
        """Keep an eye on a new ticket."""
        if ticket.deadline is not None:
            heapq.heappush(self._deadlines, (ticket.deadline + TIMEOUT_SLACK, next(self._order), ticket))
        if self._core.outage_since is not None:
            self._patience_at = min(self._patience_at, self._patience_of(ticket))

    def watch_report(self, report: Report) -> None:
        """Keep an eye on a new report."""
        if self._core.outage_since is not None:
            self._patience_at = min(self._patience_at, self._patience_of(report))

    def outage_begins(self) -> None:
        """Begin to count how long everybody has been waiting for a connection."""
        waiting: list[Ticket | Report] = [*self._core.tickets(), *self._core.reports.pending]
        self._patience_at = min(map(self._patience_of, waiting), default=math.inf)

    def next_deadline(self) -> float | None:
        """Tell when `tick` has something to do."""
        core = self._core
        due = min(core.loss_at, self._patience_at)
        if self._deadlines:
            due = min(due, self._deadlines[0][0])
        trim = core.peers.trim_at()
        if trim is not None:
            due = min(due, trim)
        if core.liveness is not None:
            if core.peers and core.welcomed:
                due = min(due, core.liveness.ping_due())
            if core.liveness.check_at is not None:
                due = min(due, core.liveness.check_at)
        return None if due == math.inf else due

    def tick(self, now: float) -> bool:
        """Do what is due. True says that the connection is dead and should be given up."""
        if now >= self._core.loss_at:
            self._lose(now)
        self._time_out(now)
        if now >= self._patience_at:
            self._lose_patience(now)
        for peer in self._core.peers.trim(now):
            self._core.tell(peer, "close")
        liveness = self._core.liveness
        if liveness is None:
            return False
        if liveness.overdue(now):
            return True
        if self._core.peers and self._core.welcomed and now >= liveness.ping_due():
            self._core.ping(now)
        return False

    def _lose(self, now: float) -> None:
        core, first = self._core, math.inf
        for peer in core.peers:
            if peer.guards and not peer.dead:
                safe_until = core.safe_until(peer)
                if now >= safe_until:
                    core.lose(now, peer, "expired", explained=SILENCE)
                else:
                    first = min(first, safe_until)
        core.loss_at = first

    def _time_out(self, now: float) -> None:
        core = self._core
        while self._deadlines and (now >= self._deadlines[0][0] or self._deadlines[0][2].stage is not Stage.WAITING):
            ticket = heapq.heappop(self._deadlines)[2]
            if ticket.stage is Stage.WAITING:
                reason = timed_out(ticket) if core.outage_since is None else core.unavailable()
                core.withdraw(now, ticket, reason)

    def _lose_patience(self, now: float) -> None:
        core = self._core
        if core.outage_since is not None:
            for ticket in core.tickets():
                if now >= self._patience_of(ticket):
                    core.withdraw(now, ticket, core.unavailable())
            for report in list(core.reports.pending):
                if now >= self._patience_of(report):
                    core.reports.end(report, core.unavailable())
        self._patience_at = math.inf
        if core.outage_since is not None:
            self.outage_begins()

    def _patience_of(self, waiting: Ticket | Report) -> float:
        patience, since = self._core.settings.patience, self._core.outage_since
        return math.inf if patience is None or since is None else max(since, waiting.started) + patience
