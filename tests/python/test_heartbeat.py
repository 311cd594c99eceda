"""Time to live: what a heartbeat keeps, what is lost without one, and how it comes back."""

import time
from datetime import timedelta

import pytest
from throttle_client import Client, Peer, PeerWithHeartbeat, UnknownPeer, lock, set_local_peer

from conftest import Serve
from harness.patience import eventually

EXPIRATION = timedelta(milliseconds=600)


def test_a_heartbeat_keeps_a_lock_beyond_its_expiry(serve: Serve) -> None:
    url = serve("A = 1").url
    client = Client(url)
    peer = PeerWithHeartbeat(client, expiration_time=EXPIRATION, heartbeat_interval=EXPIRATION / 6)
    set_local_peer(url, peer)
    with lock(url, "A"):
        other = Peer(client)
        assert not other.acquire("A", block_for=3 * EXPIRATION)
        assert client.remainder("A") == 0
        assert client.is_acquired(peer.id)
    assert client.is_acquired(other.id)


def test_without_a_heartbeat_the_lock_expires(serve: Serve) -> None:
    client = Client(serve("A = 1").url)
    peer = Peer(client, expiration_time=EXPIRATION)
    assert peer.acquire("A")
    assert Peer(client).acquire("A", block_for=20 * EXPIRATION)
    with pytest.raises(UnknownPeer):
        peer.heartbeat()


def test_a_heartbeat_that_comes_too_late_restores_the_lock(serve: Serve) -> None:
    url = serve("A = 1").url
    client = Client(url)
    set_local_peer(url, PeerWithHeartbeat(client, expiration_time=EXPIRATION, heartbeat_interval=2 * EXPIRATION))
    with lock(url, "A"):
        other = Peer(client)
        assert other.acquire("A", block_for=20 * EXPIRATION)
        eventually(lambda: client.remainder("A") == -1, "the late peer is back, beyond the maximum")
    assert client.remainder("A") == 0


def test_acquiring_prolongs_the_life_of_a_peer(serve: Serve) -> None:
    client = Client(serve("A = 1").url)
    assert Peer(client).acquire("A")
    waiter = client.new_peer(expires_in=EXPIRATION)
    assert not client.acquire(waiter, "A", expires_in=timedelta(minutes=1), block_for=1.5 * EXPIRATION)
    assert not client.is_acquired(waiter)


def test_a_waiting_peer_that_expires_leaves_the_queue(serve: Serve) -> None:
    client = Client(serve("A = 1").url)
    holder = Peer(client)
    assert holder.acquire("A")
    assert not client.acquire(client.new_peer(expires_in=EXPIRATION), "A")
    time.sleep(1.2 * EXPIRATION.total_seconds())
    holder.remove_from_server()
    assert client.remainder("A") == 1
