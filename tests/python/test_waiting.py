"""Waiting: whoever is next is woken at once, whatever made the room, and the queue is kept in order."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from throttle_client import Client, Peer

from conftest import Serve
from harness.patience import AT_ONCE_SEC, Stopwatch, eventually

LONG = timedelta(seconds=15)

ROOM_MAKERS: dict[str, Callable[[Peer], object]] = {
    "the peer is removed": lambda holder: holder.remove_from_server(),
    "the lock is released": lambda holder: holder.release("A"),
    "the lock shrinks": lambda holder: holder.acquire("A", count=1),
    "the peer expires": lambda holder: holder.client.heartbeat(holder.id, timedelta(0)),
}


@pytest.mark.parametrize("make_room", ROOM_MAKERS.values(), ids=ROOM_MAKERS.keys())
def test_a_blocked_acquire_returns_as_soon_as_there_is_room(serve: Serve, make_room: Callable[[Peer], object]) -> None:
    client = Client(serve("A = 2").url)
    holder, waiter = Peer(client), Peer(client)
    assert holder.acquire("A", count=2)
    with ThreadPoolExecutor() as pool:
        waiting = pool.submit(waiter.acquire, "A", block_for=LONG)
        eventually(lambda: not client.is_acquired(waiter.id), "the waiter is in the queue")
        room = Stopwatch()
        make_room(holder)
        assert waiting.result()
        assert room.seconds < AT_ONCE_SEC


def test_a_blocked_acquire_that_is_given_up_returns_at_once(serve: Serve) -> None:
    client = Client(serve("A = 1").url)
    holder, waiter = Peer(client), Peer(client)
    assert holder.acquire("A")
    with ThreadPoolExecutor() as pool:
        waiting = pool.submit(waiter.acquire, "A", block_for=LONG)
        eventually(lambda: not client.is_acquired(waiter.id), "the waiter is in the queue")
        given_up = Stopwatch()
        waiter.release("A")
        assert not waiting.result()
        assert given_up.seconds < AT_ONCE_SEC
    holder.release("A")
    assert client.remainder("A") == 1


def test_a_blocked_acquire_answers_pending_when_its_time_is_over(serve: Serve) -> None:
    client = Client(serve("A = 1").url)
    assert Peer(client).acquire("A")
    waited = Stopwatch()
    assert not Peer(client).acquire("A", block_for=timedelta(milliseconds=250))
    assert 0.25 <= waited.seconds < 0.25 + AT_ONCE_SEC


def test_first_come_first_served(serve: Serve) -> None:
    client = Client(serve("A = 2").url)
    holder = Peer(client)
    assert holder.acquire("A", count=2)
    queue = [(Peer(client), count) for count in (2, 1, 1, 2)]
    for peer, count in queue:
        assert not peer.acquire("A", count=count)

    def served() -> list[bool]:
        return [client.is_acquired(peer.id) for peer, _ in queue]

    holder.remove_from_server()
    assert served() == [True, False, False, False]
    queue[0][0].release("A")
    assert served() == [True, True, True, False]
    queue[1][0].release("A")
    assert served() == [True, True, True, False]
    queue[2][0].release("A")
    assert served() == [True, True, True, True]


def test_releasing_one_lock_keeps_the_place_in_another_queue(serve: Serve) -> None:
    client = Client(serve("A = { max = 1, level = 1 }\nB = 1").url)
    holder, waiter = Peer(client), Peer(client)
    assert holder.acquire("B")
    assert waiter.acquire("A")
    assert not waiter.acquire("B")
    waiter.release("A")
    assert client.remainder("A") == 1
    holder.release("B")
    assert client.is_acquired(waiter.id)
    assert client.remainder("B") == 0
