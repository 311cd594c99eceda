"""Is the server there, and until when do its promises reach? It must not judge leases: it only keeps the times.

A message with an id is answered at once, if only with `queued`. So an answer shows that the server was there when it
handled the message, which was not before we sent it.
"""

from __future__ import annotations

from .state import Bond


class Liveness:
    """The signs of life of one connection."""

    def __init__(self, interval: float) -> None:
        self.bond = Bond()
        self.interval = interval
        self._unanswered: dict[int, float] = {}
        self._asked: float = float("-inf")
        self._check_at: float | None = None

    def asked(self, now: float, message_id: int) -> None:
        """Take note that a message with this id goes out."""
        self._unanswered[message_id] = self._asked = now
        if self._check_at is None:
            self._check_at = now + self.interval

    def answered(self, message_id: object) -> None:
        """Take note of an answer; only the first one to a message counts."""
        sent = self._unanswered.pop(message_id, None) if isinstance(message_id, int) else None
        if sent is not None and sent > self.bond.heard:
            self.bond.heard = sent

    def ping_due(self) -> float:
        """Tell when it is time to ask for a sign of life, if there is anything to keep."""
        return self._asked + self.interval

    @property
    def check_at(self) -> float | None:
        """When to see whether an answer is overdue."""
        return self._check_at

    def overdue(self, now: float) -> bool:
        """Is an answer missing that should be there? Then the connection is dead, whatever the system says."""
        if self._check_at is None or now < self._check_at:
            return False
        oldest = min(self._unanswered.values(), default=None)
        dead = oldest is not None and now >= oldest + self.interval
        self._check_at = None if oldest is None or dead else oldest + self.interval
        return dead
