"""A server that was killed and came back knows nothing; its clients tell it what they hold."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from throttle_client import Client, Peer, PeerWithHeartbeat, UnknownPeer, get_local_peer, lock, set_local_peer

from conftest import Serve
from harness.patience import eventually

NESTED = "A = { max = 5, level = 1 }\nB = 1"


def test_a_heartbeat_brings_nested_locks_back(serve: Serve) -> None:
    server = serve(NESTED)
    client = Client(server.url)
    set_local_peer(server.url, PeerWithHeartbeat(client, heartbeat_interval=timedelta(milliseconds=500)))
    with lock(server.url, "A", count=3) as peer:
        with lock(server.url, "B"):
            server.kill()
            server.start()
            eventually(lambda: (client.remainder("A"), client.remainder("B")) == (2, 0), "both locks are back")
            assert client.is_acquired(peer.id)
        assert (client.remainder("A"), client.remainder("B")) == (2, 1)
    assert (client.remainder("A"), client.remainder("B")) == (5, 1)


def test_who_waits_keeps_what_it_holds_and_gets_what_it_waits_for(serve: Serve) -> None:
    server = serve(NESTED)
    client = Client(server.url)
    # Dies with the server, in effect: nothing restores it.
    assert Peer(client).acquire("B")
    waiter = PeerWithHeartbeat(client)

    def wait() -> tuple[int, int]:
        set_local_peer(server.url, waiter)
        with lock(server.url, "A", count=2), lock(server.url, "B"):
            return client.remainder("A"), client.remainder("B")

    with ThreadPoolExecutor() as pool:
        waiting = pool.submit(wait)
        eventually(lambda: not client.is_acquired(waiter.id), "the waiter is in the queue")
        server.kill()
        server.start()
        assert waiting.result() == (3, 0)
    assert (client.remainder("A"), client.remainder("B")) == (5, 1)


def test_the_next_lock_survives_a_restart_in_between(serve: Serve) -> None:
    server = serve("A = 1")
    peer = get_local_peer(server.url)
    server.kill()
    server.start()
    with lock(server.url, "A") as locked:
        assert locked.id == peer.id


def test_a_peer_of_the_earlier_server_is_unknown_until_it_is_restored(serve: Serve) -> None:
    server = serve("A = 2")
    client = Client(server.url)
    peer = Peer(client)
    assert peer.acquire("A")
    server.kill()
    server.start()
    with pytest.raises(UnknownPeer):
        peer.heartbeat()
    with pytest.raises(UnknownPeer):
        client.is_acquired(peer.id)
    with pytest.raises(UnknownPeer):
        peer.acquire("A")
    assert client.remainder("A") == 2
    peer.restore()
    peer.restore()
    assert client.remainder("A") == 1
    assert client.is_acquired(peer.id)


def test_a_new_peer_is_not_taken_for_one_of_the_earlier_server(serve: Serve) -> None:
    server = serve("A = 1")
    client = Client(server.url)
    earlier = {Peer(client).id for _ in range(20)}
    server.kill()
    server.start()
    assert earlier.isdisjoint(Peer(client).id for _ in range(20))
