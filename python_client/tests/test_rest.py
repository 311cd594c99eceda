"""Where the older interface differs from version 0.5.13 on purpose. What is the same is tested in `tests/python`."""

from __future__ import annotations

import inspect
import os
import pickle
import signal
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from datetime import timedelta

import pytest
import requests
from harness.patience import eventually
from harness.port import Port

from conftest import Serve
from support import busy, peers, remainder, waiting
from throttle_client import (
    AcquireTimeout,
    Client,
    CountExceedsMax,
    HierarchyViolation,
    Peer,
    PeerWithHeartbeat,
    ThrottleError,
    Timeout,
    UnknownPeer,
    UnknownSemaphore,
    get_local_peer,
    lock,
    set_local_peer,
)

SHORT = timedelta(milliseconds=50)
LEVELS = "A = { max = 1, level = 1 }\nB = 1"


@pytest.mark.parametrize("timeout", [timedelta(0), SHORT])
def test_who_gives_up_leaves_the_line(serve: Serve, timeout: timedelta) -> None:
    server = serve()
    holder = Peer(Client(server.url))
    assert holder.acquire("A")
    with pytest.raises(Timeout) as late, lock(server.url, "A", timeout=timeout):
        pytest.fail("it is held")
    assert isinstance(late.value, AcquireTimeout)
    assert late.value.semaphore == "A"
    assert [peer["id"] for peer in peers(server)] == [holder.id]


def test_to_try_once_takes_what_is_free(serve: Serve) -> None:
    server = serve()
    with lock(server.url, "A", timeout=timedelta(0)):
        assert remainder(server, "A") == 0


def test_to_try_once_survives_a_restart(serve: Serve) -> None:
    server = serve()
    get_local_peer(server.url)
    server.kill()
    server.start()
    with lock(server.url, "A", timeout=timedelta(0)):
        assert remainder(server, "A") == 0


def test_who_gives_up_keeps_what_it_holds_alive(serve: Serve) -> None:
    server = serve(LEVELS)
    client = Client(server.url)
    peer = PeerWithHeartbeat(client, expiration_time=timedelta(milliseconds=600))
    set_local_peer(server.url, peer)
    other = Peer(client)
    assert other.acquire("B")
    with lock(server.url, "A"):
        with pytest.raises(Timeout), lock(server.url, "B", timeout=SHORT):
            pytest.fail("it is held")
        with pytest.raises(UnknownSemaphore), lock(server.url, "C"):
            pytest.fail("there is none")
        time.sleep(1.2)
        assert client.is_acquired(peer.id)
        assert remainder(server, "A") == 0
    assert [peer["id"] for peer in busy(server)] == [other.id]


def test_a_wait_that_is_interrupted_leaves_the_line(serve: Serve) -> None:
    server = serve()
    assert Peer(Client(server.url)).acquire("A")
    main = threading.main_thread().ident
    if threading.current_thread() is not threading.main_thread() or main is None:
        pytest.skip("signals are for the main thread")
    with ThreadPoolExecutor() as pool:

        def interrupt() -> None:
            eventually(lambda: len(busy(server)) == 2, "it waits")
            signal.pthread_kill(main, signal.SIGINT)

        interrupting = pool.submit(interrupt)
        with pytest.raises(KeyboardInterrupt), lock(server.url, "A"):
            pytest.fail("it is held")
        interrupting.result()
    assert len(peers(server)) == 1


@pytest.mark.parametrize("expiration", [None, timedelta(seconds=9)])
def test_the_heartbeat_comes_well_before_the_peer_expires(serve: Serve, expiration: timedelta | None) -> None:
    peer = PeerWithHeartbeat(Client(serve().url), expiration_time=expiration)
    assert peer.interval_sec * 3 == peer.expiration_time.total_seconds()


def test_the_heartbeat_is_a_daemon_and_ends(serve: Serve) -> None:
    with lock(serve().url, "A") as peer:
        assert isinstance(peer, PeerWithHeartbeat)
        thread = peer.thread
        assert thread is not None
        assert thread.daemon
        peer.start_heartbeat()
        assert peer.thread is thread
    assert not thread.is_alive()


def test_the_heartbeat_goes_on_when_the_server_was_away(serve: Serve) -> None:
    server = serve()
    peer = PeerWithHeartbeat(Client(server.url), heartbeat_interval=timedelta(milliseconds=50))
    set_local_peer(server.url, peer)
    with lock(server.url, "A"):
        server.kill()
        time.sleep(0.2)
        server.start()
        eventually(lambda: remainder(server, "A") == 0, "the lock is back")


def test_the_end_of_a_block_does_not_wait_for_a_heartbeat_in_trouble(serve: Serve) -> None:
    server = serve()
    peer = PeerWithHeartbeat(Client(server.url), heartbeat_interval=timedelta(milliseconds=10))
    peer.acquired["A"] = 1
    server.kill()
    peer.start_heartbeat()
    time.sleep(0.1)
    started = time.monotonic()
    peer.stop_heartbeat()
    assert time.monotonic() - started < 5
    server.start()


HALF_A_SECOND = timedelta(milliseconds=500)


def locks(url: str) -> list[AbstractContextManager[Peer]]:
    """Both kinds of `lock`, with a timeout."""
    return [lock(url, "A", timeout=HALF_A_SECOND), lock(Client(url), "A", timeout=HALF_A_SECOND)]


def times_out(lock: AbstractContextManager[Peer], *, late: float) -> Timeout:
    """See that a lock is not granted, in time; returns what is said."""
    started = time.monotonic()
    with pytest.raises(Timeout) as refused, lock:
        pytest.fail("it is held")
    took = time.monotonic() - started
    assert HALF_A_SECOND.total_seconds() <= took < HALF_A_SECOND.total_seconds() + late
    return refused.value


@pytest.mark.parametrize("kind", [0, 1])
def test_a_timeout_holds_when_there_is_no_server(kind: int) -> None:
    port = Port()
    late = times_out(locks(f"http://127.0.0.1:{port.number}")[kind], late=1)
    port.close()
    assert (late.code, late.semaphore) == ("timeout", "A")
    assert "cannot be reached" in str(late)
    assert isinstance(late.__cause__, requests.ConnectionError)


@pytest.mark.parametrize("kind", [0, 1])
def test_a_timeout_holds_when_the_server_says_nothing(kind: int) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        times_out(locks(f"http://127.0.0.1:{silent.getsockname()[1]}")[kind], late=4)


@pytest.mark.parametrize("kind", [0, 1])
@pytest.mark.parametrize("vanish", ["killed", "stopped"])
def test_a_timeout_holds_when_the_server_vanishes_while_it_waits(serve: Serve, kind: int, vanish: str) -> None:
    server = serve()
    assert Peer(Client(server.url)).acquire("A")
    process = server._process
    assert process is not None

    def end() -> None:
        eventually(lambda: waiting(server) == 1, "it waits")
        process.send_signal(signal.SIGKILL if vanish == "killed" else signal.SIGSTOP)

    with ThreadPoolExecutor() as pool:
        ending = pool.submit(end)
        times_out(locks(server.url)[kind], late=4)
        ending.result()
    process.send_signal(signal.SIGCONT)


def test_a_timeout_holds_for_a_lock_in_a_lock(serve: Serve) -> None:
    server = serve(LEVELS)
    set_local_peer(server.url, PeerWithHeartbeat(Client(server.url), heartbeat_interval=timedelta(milliseconds=10)))
    with lock(server.url, "A"):
        process = server._process
        assert process is not None
        process.send_signal(signal.SIGSTOP)
        time.sleep(0.1)
        times_out(lock(server.url, "B", timeout=HALF_A_SECOND), late=6)
        process.send_signal(signal.SIGCONT)
    eventually(lambda: peers(server) == [], "nobody is left")


def test_trouble_that_stays_is_no_timeout(serve: Serve) -> None:
    with pytest.raises(requests.HTTPError, match="404"), lock(f"{serve().url}/x", "A", timeout=timedelta(0)):
        pytest.fail("there is no such route")


def test_lock_takes_a_client_as_version_0_1_did(serve: Serve) -> None:
    server = serve("A = { max = 3, level = 1 }\nB = 3")
    client = Client(server.url, timedelta(seconds=2))
    with lock(client, "A", 2, timedelta(milliseconds=500), timedelta(seconds=10)) as peer:
        assert isinstance(peer, PeerWithHeartbeat)
        assert peer.interval_sec == 0.5
        assert remainder(server, "A") == 1
        # Each has a peer of its own, so levels do not matter.
        with lock(client, "B", heartbeat_interval=None) as second, lock(client, semaphore="B"):
            assert type(second) is Peer
            assert remainder(server, "B") == 1
        with pytest.raises(Timeout), lock(client, "A", count=2, timeout=SHORT):
            pytest.fail("it is held")
        assert len(peers(server)) == 1
    assert peers(server) == []


def test_a_lock_within_itself_does_no_harm(serve: Serve) -> None:
    server = serve("A = 2")
    with lock(server.url, "A", count=2):
        with lock(server.url, "A", count=2):
            pass
        assert remainder(server, "A") == 0
    assert remainder(server, "A") == 2


def test_refusals_are_typed(serve: Serve) -> None:
    server = serve(LEVELS)
    peer = Peer(Client(server.url))
    for semaphore, count, kind, code in (
        ("C", 1, UnknownSemaphore, "unknown_semaphore"),
        ("A", 2, CountExceedsMax, "never"),
    ):
        with pytest.raises(kind) as refused:
            peer.acquire(semaphore, count)
        assert (refused.value.code, refused.value.semaphore) == (code, semaphore)
    for call in (peer.client.remainder, peer.acquire, peer.release):
        with pytest.raises(UnknownSemaphore, match=r"^Unknown semaphore: 'nope'$"):
            call("nope")
    assert peer.acquire("B")
    with pytest.raises(HierarchyViolation):
        peer.acquire("A")
    peer.remove_from_server()
    with pytest.raises(UnknownPeer) as unknown:
        peer.heartbeat()
    assert isinstance(unknown.value, ThrottleError)


def test_what_the_server_says_is_shown(serve: Serve) -> None:
    client = Client(serve().url)
    with pytest.raises(requests.HTTPError, match=r"422 .* for url: .*/new_peer: The duration is too long") as refused:
        client.new_peer(timedelta(days=5000))
    assert refused.value.response.status_code == 422


def test_the_longest_timeout_is_none_to_stumble_over(serve: Serve) -> None:
    with lock(serve().url, "A", timeout=timedelta.max):
        pass


def test_a_lock_decorates_functions(serve: Serve) -> None:
    server = serve()

    @lock(server.url, "A")  # type: ignore[operator, untyped-decorator, unused-ignore]
    def left() -> int:
        return remainder(server, "A")

    assert [left(), left(), remainder(server, "A")] == [0, 0, 1]


def test_a_url_may_end_with_a_slash(serve: Serve) -> None:
    server = serve()
    with lock(f"{server.url}/", "A"):
        assert remainder(server, "A") == 0


def test_peers_that_are_released_are_not_restored(serve: Serve) -> None:
    peer = Peer(Client(serve().url))
    peer.acquire("A")
    peer.release("A")
    assert not peer.has_acquired()


def test_a_client_can_be_pickled() -> None:
    copy = pickle.loads(pickle.dumps(Client("http://localhost:8000")))  # noqa: S301  our own
    assert copy.base_url == "http://localhost:8000"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_forked_child_has_a_peer_of_its_own(serve: Serve) -> None:
    url = serve().url
    mine = get_local_peer(url).id
    child = os.fork()
    if child == 0:
        os._exit(int(get_local_peer(url).id == mine))
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_the_signatures_are_those_of_0_5_13() -> None:
    def names(function: object) -> list[str]:
        return list(inspect.signature(function).parameters)  # type: ignore[arg-type]

    assert names(Client)[:1] == ["base_url"]
    assert names(Client.acquire) == ["self", "peer_id", "semaphore", "count", "expires_in", "block_for"]
    assert names(Client.restore) == ["self", "peer_id", "acquired", "expires_in"]
    assert names(Peer) == ["client", "id", "acquired", "expiration_time"]
    assert names(PeerWithHeartbeat) == ["client", "id", "acquired", "expiration_time", "heartbeat_interval"]
    assert names(Peer.acquire) == ["self", "semaphore", "count", "block_for"]
    assert names(set_local_peer) == ["url", "peer"]
