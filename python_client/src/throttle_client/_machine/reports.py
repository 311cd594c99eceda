"""What holders of permits report: sent, sent again on the next connection, and answered. It must not end permits."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from throttle_client._errors import NotHeld, ThrottleError

from .state import Hold, Peer, Report
from .words import listed, only

if TYPE_CHECKING:
    from .core import Core


class Reports:
    """Reports that are not answered yet. Each may be sent twice: the server takes no harm from that."""

    def __init__(self, core: Core, news: Callable[[Callable[[], None]], object]) -> None:
        self._core = core
        self._news = news
        self.pending: list[Report] = []
        self._asked: dict[int, Report] = {}

    def add(self, now: float, report: Report) -> None:
        """Send a report now, or as soon as its peer is known on a connection."""
        report.started = now
        self.pending.append(report)
        if report.hold.over or report.hold.detached:
            self.end(report, not_held(report.hold))
        elif report.hold.peer.introduced and self._core.can_tell:
            self._send(now, report)

    def introduce(self, now: float, peer: Peer) -> None:
        """Send what a peer has to say, which was just introduced."""
        for report in self.pending:
            if report.hold.peer is peer:
                self._send(now, report)

    def disconnect(self) -> None:
        """Forget what was sent: it will be sent again, unless its permit was given back meanwhile."""
        self._asked.clear()
        for report in list(self.pending):
            if report.hold.over or report.hold.detached:
                self.end(report, not_held(report.hold))

    def answered(self, message_id: object) -> None:
        """Take note that the server has done what a report asked for."""
        report = self._asked.get(message_id) if isinstance(message_id, int) else None
        if report is None:
            return
        used = report.fields.get("used")
        if isinstance(used, Mapping):
            report.hold.counts = {**report.hold.counts, **used}
        self.end(report)

    def refused(self, message_id: object, error: ThrottleError) -> None:
        """Take note that the server will not do what a report asked for."""
        report = self._asked.get(message_id) if isinstance(message_id, int) else None
        if report is not None:
            self.end(report, not_held(report.hold) if error.code == "unknown_peer" else error)

    def hold_ends(self, hold: Hold) -> None:
        """End what cannot be sent any more. What was sent already is answered."""
        for report in list(self.pending):
            if report.hold is hold and report.id not in self._asked:
                self.end(report, not_held(hold))

    def fail(self, error: ThrottleError) -> None:
        """End everything: there will be no connection any more."""
        for report in list(self.pending):
            self.end(report, type(error)(*error.args, code=error.code))

    def end(self, report: Report, error: ThrottleError | None = None) -> None:
        """End a report, done or with an error."""
        self.pending.remove(report)
        self._asked.pop(report.id, None)
        report.done, report.error = True, error
        self._news(report.signal)

    def _send(self, now: float, report: Report) -> None:
        report.id = self._core.next_id(now)
        self._asked[report.id] = report
        self._core.tell(report.hold.peer, report.kind, id=report.id, **report.fields)


def not_held(hold: Hold) -> NotHeld:
    """Make the error for a permit that is no more."""
    message = f"the permit of {listed(hold.counts)} is not held any more: there is nothing to be told about it"
    return NotHeld(message, semaphore=only(hold.counts))
