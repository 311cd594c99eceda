"""Leases for asyncio: `connect`, and what it returns. The blocking counterpart is `throttle_client.connect`."""

from __future__ import annotations

from ._aio_bucket import Bucket, Take
from ._aio_client import Throttle, connect
from ._aio_lease import Lease, Lock, Lost

__all__ = ["Bucket", "Lease", "Lock", "Lost", "Take", "Throttle", "connect"]
