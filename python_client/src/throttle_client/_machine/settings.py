"""The durations that the machine works with, derived from what the user has chosen. All in seconds."""

from __future__ import annotations

from dataclasses import dataclass, field

# What the server is assumed to allow until its `welcome` says better.
MAX_PEERS = 1_024
MAX_EXPIRES_IN = 365 * 24 * 3600.0
HEARTBEAT = 15.0

# The first frame goes out before the server has said how large one may be; this much every server takes.
FIRST_FRAME_BYTES = 1_024

# The server judges a timeout itself. When its answer is this late, the client judges alone.
TIMEOUT_SLACK = 0.1

# A peer that nobody has used for so long is closed.
IDLE = 5.0

# A connection that lasted for so long was a good one: the next attempt comes soon.
GOOD_CONNECTION = 5.0


@dataclass(frozen=True, slots=True)
class Settings:
    """What the user has chosen."""

    label: str = ""
    expires_in: float = 30.0
    patience: float | None = 30.0
    token: str | None = field(default=None, repr=False)
    client: str = "throttle-client"
    # What it is called in messages.
    server: str = "the server"

    @property
    def lifetime(self) -> float:
        """How long after a sign of life a lease counts as ours: a margin less than on the server."""
        return self.expires_in * 0.8

    def ping_every(self, heartbeat: float) -> float:
        """Tell how long to be silent while something is held or waited for, and how long to wait for the answer."""
        return min(heartbeat, self.expires_in / 4)
