"""The interface of version 0.5, over REST: requests with retries, peers with a heartbeat, and `lock`.

It shares nothing with the WebSocket side but the exceptions, and how arguments are checked.
"""

from __future__ import annotations

from .client import Client
from .local import clear_peers, get_local_peer, set_local_peer
from .lock import lock
from .peer import Peer, PeerWithHeartbeat

__all__ = ["Client", "Peer", "PeerWithHeartbeat", "clear_peers", "get_local_peer", "lock", "set_local_peer"]
