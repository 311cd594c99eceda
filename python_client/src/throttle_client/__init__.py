"""Leases on semaphores for programs on many machines: the client of the throttle server.

New code uses `connect` (threads) or `aio.connect` (asyncio), over a WebSocket. Code that was written for version 0.5
finds `Client`, `Peer`, `PeerWithHeartbeat`, `lock` and what belongs to them as they were, over REST. `compat` is for
code that was written for self-limiters.

Example:
    >>> with throttle_client.connect("ws://localhost:8000") as throttle:
    ...     with throttle.lock("A", timeout=10) as lease:
    ...         write(data, fence=lease.fence)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import aio
from ._blocking_bucket import Bucket, Take
from ._blocking_client import Throttle, connect
from ._blocking_lease import Lease, Lock
from ._errors import (
    AcquireTimeout,
    Busy,
    CountExceedsMax,
    DeclaredOtherwise,
    HierarchyViolation,
    LeaseLost,
    NotABucket,
    NotHeld,
    ServerUnavailable,
    ThrottleError,
    Timeout,
    UnknownPeer,
    UnknownSemaphore,
)
from ._pace import Pacing, pace
from ._progress import Progress
from ._version import __version__

if TYPE_CHECKING:
    from ._rest import Client, Peer, PeerWithHeartbeat, clear_peers, get_local_peer, lock, set_local_peer

__all__ = [
    "AcquireTimeout",
    "Bucket",
    "Busy",
    "Client",
    "CountExceedsMax",
    "DeclaredOtherwise",
    "HierarchyViolation",
    "Lease",
    "LeaseLost",
    "Lock",
    "NotABucket",
    "NotHeld",
    "Pacing",
    "Peer",
    "PeerWithHeartbeat",
    "Progress",
    "ServerUnavailable",
    "Take",
    "Throttle",
    "ThrottleError",
    "Timeout",
    "UnknownPeer",
    "UnknownSemaphore",
    "__version__",
    "aio",
    "clear_peers",
    "connect",
    "get_local_peer",
    "lock",
    "pace",
    "set_local_peer",
]

_REST = {"Client", "Peer", "PeerWithHeartbeat", "clear_peers", "get_local_peer", "lock", "set_local_peer"}


def __getattr__(name: str) -> Any:  # noqa: ANN401  whatever has that name
    """Load the REST part, and requests with it, when something of it is asked for."""
    if name in _REST:
        from . import _rest  # noqa: PLC0415  see above

        return getattr(_rest, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
