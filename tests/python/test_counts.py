"""Counts: what fits, what can never fit, and how a lock that is held changes."""

import pytest
from throttle_client import Client, Peer

from conftest import Serve


def test_asking_again_for_the_same_count_changes_nothing(serve: Serve) -> None:
    client = Client(serve("A = 5").url)
    peer = Peer(client)
    assert peer.acquire("A", count=3)
    assert peer.acquire("A", count=3)
    assert client.remainder("A") == 2


def test_a_lock_can_shrink_and_lets_others_in(serve: Serve) -> None:
    client = Client(serve("A = 5").url)
    one, other = Peer(client), Peer(client)
    assert one.acquire("A", count=5)
    assert not other.acquire("A", count=3)
    assert one.acquire("A", count=2)
    assert client.is_acquired(other.id)
    assert client.remainder("A") == 0


def test_a_lock_cannot_grow(serve: Serve) -> None:
    client = Client(serve("A = 5").url)
    peer = Peer(client)
    assert peer.acquire("A", count=2)
    with pytest.raises(ValueError, match=r"^Lock hierachy violation\."):
        peer.acquire("A", count=3)
    assert client.remainder("A") == 3


def test_a_count_above_the_maximum_is_refused(serve: Serve) -> None:
    client = Client(serve("A = 1").url)
    with pytest.raises(ValueError) as refused:
        Peer(client).acquire("A", count=2)
    assert str(refused.value) == "Lock can never be acquired. Lock asks for count 2 yet full count is only 1."


@pytest.mark.parametrize("count", [0, -1, -(2**31)])
def test_a_count_below_one_is_refused(serve: Serve, count: int) -> None:
    client = Client(serve("A = 1").url)
    with pytest.raises(ValueError) as refused:
        Peer(client).acquire("A", count=count)
    assert str(refused.value) == f"Lock count must be a positive number. Found: {count}."


def test_the_largest_maximum_can_be_held(serve: Serve) -> None:
    client = Client(serve(f"A = {2**31}").url)
    peer = Peer(client)
    assert peer.acquire("A", count=2**31)
    assert client.remainder("A") == 0
    peer.remove_from_server()
    assert client.remainder("A") == 2**31
