"""`restore`, called by itself: always granted, never to change somebody who is known."""

from datetime import timedelta

import pytest
from throttle_client import Client, Peer, UnknownPeer

from conftest import Serve
from harness.patience import eventually

MINUTE = timedelta(minutes=1)


@pytest.mark.parametrize("peer", [0, 42, 2**53 + 1, 2**64 - 1])
def test_any_identity_can_come_back(serve: Serve, peer: int) -> None:
    client = Client(serve("A = 3").url)
    client.restore(peer, {"A": 2}, MINUTE)
    assert client.is_acquired(peer)
    assert client.remainder("A") == 1
    client.release(peer)
    assert client.remainder("A") == 3


def test_it_is_granted_above_the_maximum(serve: Serve) -> None:
    client = Client(serve("A = 1").url)
    client.restore(1, {"A": 1}, MINUTE)
    client.restore(2, {"A": 3}, MINUTE)
    assert client.remainder("A") == -3
    newcomer = Peer(client)
    assert not newcomer.acquire("A")
    client.release(2)
    assert not client.is_acquired(newcomer.id)
    client.release(1)
    assert client.is_acquired(newcomer.id)


def test_it_may_be_repeated_and_prolongs(serve: Serve) -> None:
    client = Client(serve("A = 1").url)
    client.restore(42, {"A": 1}, timedelta(milliseconds=300))
    client.restore(42, {"A": 1}, MINUTE)
    assert not Peer(client).acquire("A", block_for=timedelta(milliseconds=600))
    assert client.is_acquired(42)


def test_it_does_not_change_a_peer_that_is_known(serve: Serve) -> None:
    client = Client(serve("A = 2").url)
    client.restore(42, {"A": 1}, MINUTE)
    with pytest.raises(ValueError) as refused:
        client.restore(42, {"A": 2}, MINUTE)
    assert str(refused.value) == "Restore is not allowed to change existing peers."
    assert client.remainder("A") == 1


@pytest.mark.parametrize("acquired", [{"B": 1}, {"A": 1, "B": 1}])
def test_an_unknown_semaphore_is_refused_as_a_whole(serve: Serve, acquired: dict[str, int]) -> None:
    client = Client(serve("A = 1").url)
    with pytest.raises(ValueError, match=r"^Unknown semaphore$"):
        client.restore(42, acquired, MINUTE)
    assert client.remainder("A") == 1
    with pytest.raises(UnknownPeer):
        client.is_acquired(42)


@pytest.mark.parametrize("count", [0, -1])
def test_a_count_below_one_is_refused(serve: Serve, count: int) -> None:
    client = Client(serve("A = 1").url)
    with pytest.raises(ValueError):
        client.restore(42, {"A": count}, MINUTE)
    assert client.remainder("A") == 1


def test_a_restored_peer_expires_like_any_other(serve: Serve) -> None:
    client = Client(serve("A = 1").url)
    client.restore(42, {"A": 1}, timedelta(milliseconds=200))
    eventually(lambda: client.remainder("A") == 1, "the restored peer expires")
    with pytest.raises(UnknownPeer):
        client.heartbeat(42, MINUTE)
