"""The peer of each thread, by server. Locks that nest in one thread share it, so their hierarchy can be checked."""

from __future__ import annotations

import os
import threading

from .peer import Peer, PeerWithHeartbeat


class _Local(threading.local):
    def __init__(self) -> None:
        self.peers: dict[str, Peer] = {}


_local = _Local()


def clear_peers() -> None:
    """Forget the peers of this thread. What they hold stays with the server until they expire."""
    _local.peers = {}


def get_local_peer(url: str) -> Peer:
    """Get this thread's peer of a server, which is made if there is none.

    Args:
        url: the server, such as `"http://localhost:8000"`, written as in `lock`.
    """
    if url not in _local.peers:
        _local.peers[url] = PeerWithHeartbeat.from_server_url(url)
    return _local.peers[url]


def set_local_peer(url: str, peer: Peer) -> Peer | None:
    """Make a peer the one that `lock` uses in this thread, and return the one before it, if any.

    Example:
        >>> set_local_peer(url, PeerWithHeartbeat(Client(url), expiration_time=timedelta(minutes=1)))
    """
    old = _local.peers.get(url)
    _local.peers[url] = peer
    return old


def forget_local_peer(url: str, peer: Peer) -> None:
    """Forget this thread's peer of a server if it is this one."""
    if _local.peers.get(url) is peer:
        del _local.peers[url]


if hasattr(os, "register_at_fork"):
    # A child is somebody else: with the peer of its parent it would release what that holds.
    os.register_at_fork(after_in_child=clear_peers)
