"""`lock`, the client's context manager: it holds inside its block only, and it waits or gives up as told."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from throttle_client import Client, Peer, Timeout, lock, set_local_peer

from conftest import Serve
from harness.patience import AT_ONCE_SEC, Stopwatch, eventually


def test_a_lock_is_held_inside_its_block_only(serve: Serve) -> None:
    url = serve("A = 1").url
    client = Client(url)
    with lock(url, "A") as peer:
        assert client.remainder("A") == 0
        assert client.is_acquired(peer.id)
    assert client.remainder("A") == 1


def test_a_lock_is_released_when_its_block_raises(serve: Serve) -> None:
    url = serve("A = 1").url
    with pytest.raises(KeyError), lock(url, "A"):
        raise KeyError
    assert Client(url).remainder("A") == 1


def test_a_count_takes_that_much(serve: Serve) -> None:
    url = serve("A = 5").url
    client = Client(url)
    with lock(url, "A", count=3):
        assert client.remainder("A") == 2
        assert Peer(client).acquire("A", count=2)
        assert not Peer(client).acquire("A", count=1)
    assert client.remainder("A") == 2


def test_without_timeout_it_waits_for_the_release(serve: Serve) -> None:
    url = serve("A = 1").url
    client = Client(url)
    holder, waiter = Peer(client), Peer(client)
    assert holder.acquire("A")

    def wait() -> None:
        set_local_peer(url, waiter)
        with lock(url, "A"):
            pass

    with ThreadPoolExecutor() as pool:
        waiting = pool.submit(wait)
        eventually(lambda: not client.is_acquired(waiter.id), "the waiter is in the queue")
        released = Stopwatch()
        holder.remove_from_server()
        waiting.result()
        assert released.seconds < AT_ONCE_SEC
    assert client.remainder("A") == 1


def test_with_timeout_it_gives_up_when_that_is_over(serve: Serve) -> None:
    url = serve("A = 1").url
    assert Peer.from_server_url(url).acquire("A")
    waited = Stopwatch()
    with pytest.raises(Timeout), lock(url, "A", timeout=timedelta(milliseconds=300)):
        pytest.fail("two peers hold a mutex")
    assert 0.3 <= waited.seconds < 0.3 + AT_ONCE_SEC


def test_with_timeout_it_takes_what_is_free_at_once(serve: Serve) -> None:
    url = serve("A = 1").url
    asked = Stopwatch()
    with lock(url, "A", timeout=timedelta(seconds=30)):
        assert asked.seconds < AT_ONCE_SEC


def test_who_gave_up_and_asks_again_has_kept_its_place(serve: Serve) -> None:
    url = serve("A = 1").url
    client = Client(url)
    holder, later = Peer(client), Peer(client)
    assert holder.acquire("A")
    with pytest.raises(Timeout), lock(url, "A", timeout=timedelta(milliseconds=50)):
        pytest.fail("two peers hold a mutex")
    assert not later.acquire("A")
    holder.remove_from_server()
    with lock(url, "A", timeout=timedelta(seconds=10)):
        assert not client.is_acquired(later.id)
    assert client.is_acquired(later.id)


def test_who_gave_up_still_waits_and_may_not_wait_for_more(serve: Serve) -> None:
    url = serve("A = 1\nB = 1").url
    assert Peer.from_server_url(url).acquire("A")
    with pytest.raises(Timeout), lock(url, "A", timeout=timedelta(milliseconds=50)):
        pytest.fail("two peers hold a mutex")
    refused = pytest.raises(ValueError, match=r"^Already pending\. Only one pendig lock per peer is allowed\.$")
    with refused, lock(url, "B"):
        pytest.fail("a peer waits for two locks")
