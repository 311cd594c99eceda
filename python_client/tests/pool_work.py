"""What a pool of processes runs; in a module of its own, so that a new process can import it."""

from __future__ import annotations

import throttle_client


def work(throttle: throttle_client.Throttle) -> int:
    """Hold a lock for a moment and return its fence."""
    with throttle.lock("A", timeout=20) as lease:
        return lease.fence
