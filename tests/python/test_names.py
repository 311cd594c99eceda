"""Names of semaphores may hold any character; what a URL does to them on the way must not matter."""

import json
from datetime import timedelta

import pytest
from throttle_client import Client, UnknownPeer, lock

from conftest import Serve

NAMES = [
    "/&",
    "/",
    "A",
    "%41",
    "%2541",
    "%",
    "a b",
    "a+b",
    "a%20b",
    "a/b/../c",
    "a?b=c&d#e",
    '"quoted"',
    "back\\slash",
    "is_acquired",
    "ünïcödé ☃",
    "日本語",
    "🔒",
]

CONFIGURATION = "\n".join(f"{json.dumps(name, ensure_ascii=False)} = 1" for name in NAMES)


def test_every_name_is_locked_and_released_and_no_other_one(serve: Serve) -> None:
    url = serve(CONFIGURATION).url
    client = Client(url)

    def locked() -> list[str]:
        return [name for name in NAMES if client.remainder(name) == 0]

    for name in NAMES:
        with lock(url, name):
            assert locked() == [name]
        assert locked() == []


def test_every_name_can_be_released_by_itself(serve: Serve) -> None:
    client = Client(serve(CONFIGURATION).url)
    peer = client.new_peer(timedelta(minutes=1))
    for name in NAMES:
        assert client.acquire(peer, name)
        client.release_lock(peer, name)
        assert client.remainder(name) == 1


def test_every_name_can_be_restored(serve: Serve) -> None:
    client = Client(serve(CONFIGURATION).url)
    client.restore(42, dict.fromkeys(NAMES, 1), timedelta(minutes=1))
    assert [client.remainder(name) for name in NAMES] == [0] * len(NAMES)


@pytest.mark.parametrize("name", ["%2F%26", "a%2Bb", "B", "ünïcödé", ""])
def test_a_name_that_only_looks_like_one_is_unknown(serve: Serve, name: str) -> None:
    client = Client(serve(CONFIGURATION).url)
    with pytest.raises(ValueError, match=r"^Unknown semaphore($|: )"):
        client.remainder(name)


def test_a_semaphore_named_like_a_route_does_not_hide_it(serve: Serve) -> None:
    client = Client(serve("is_acquired = 1").url)
    holder, waiter = (client.new_peer(timedelta(minutes=1)) for _ in range(2))
    assert client.acquire(holder, "is_acquired")
    assert not client.acquire(waiter, "is_acquired")
    assert client.is_acquired(holder)
    assert not client.is_acquired(waiter)
    with pytest.raises(UnknownPeer):
        client.is_acquired(holder ^ waiter)
