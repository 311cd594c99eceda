"""What does not exist is said to be unknown, in the words that the client matches on."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from throttle_client import Client, UnknownPeer, lock

from conftest import Serve

MINUTE = timedelta(minutes=1)

ON_A_SEMAPHORE: dict[str, Callable[[Client, int], object]] = {
    "remainder": lambda client, _: client.remainder("B"),
    "acquire": lambda client, peer: client.acquire(peer, "B"),
    "release_lock": lambda client, peer: client.release_lock(peer, "B"),
    "restore": lambda client, _: client.restore(42, {"B": 1}, MINUTE),
}

BY_A_PEER: dict[str, Callable[[Client, int], object]] = {
    "acquire": lambda client, peer: client.acquire(peer, "A"),
    "heartbeat": lambda client, peer: client.heartbeat(peer, MINUTE),
    "is_acquired": lambda client, peer: client.is_acquired(peer),
    "release_lock": lambda client, peer: client.release_lock(peer, "A"),
}


@pytest.mark.parametrize("call", ON_A_SEMAPHORE.values(), ids=ON_A_SEMAPHORE.keys())
def test_an_unknown_semaphore(serve: Serve, call: Callable[[Client, int], object]) -> None:
    client = Client(serve("A = 1").url)
    peer = client.new_peer(MINUTE)
    with pytest.raises(ValueError, match=r"^Unknown semaphore($|: )"):
        call(client, peer)


def test_an_unknown_semaphore_in_lock(serve: Serve) -> None:
    url = serve("A = 1").url
    with pytest.raises(ValueError, match=r"^Unknown semaphore($|: )"), lock(url, "B"):
        pytest.fail("a semaphore that does not exist was acquired")


@pytest.mark.parametrize("call", BY_A_PEER.values(), ids=BY_A_PEER.keys())
def test_an_unknown_peer(serve: Serve, call: Callable[[Client, int], object]) -> None:
    client = Client(serve("A = 1").url)
    peer = client.new_peer(MINUTE)
    client.release(peer)
    with pytest.raises(UnknownPeer):
        call(client, peer)


def test_removing_an_unknown_peer_is_no_error(serve: Serve) -> None:
    client = Client(serve("A = 1").url)
    peer = client.new_peer(MINUTE)
    client.release(peer)
    client.release(peer)


def test_releasing_what_is_not_held_is_no_error(serve: Serve) -> None:
    client = Client(serve("A = 1").url)
    client.release_lock(client.new_peer(MINUTE), "A")
    assert client.remainder("A") == 1
