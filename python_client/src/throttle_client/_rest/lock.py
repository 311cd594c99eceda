"""`lock`, the context manager: waits for a lock and keeps it for a block. Requests are made by peers, not here."""

from __future__ import annotations

import time
from collections.abc import Generator
from contextlib import AbstractContextManager, contextmanager, suppress
from datetime import timedelta
from typing import Any, overload

import requests

from throttle_client._errors import Timeout, UnknownPeer

from .client import Client
from .local import forget_local_peer, get_local_peer
from .peer import Peer, PeerWithHeartbeat
from .retry import patience

# How long one request waits for the grant.
_BLOCK_FOR = timedelta(seconds=5)

# Who has done its work does not wait for longer than that for a server that is away: the locks will expire.
_RELEASE_PATIENCE_SEC = 5.0

_INTERVAL = timedelta(minutes=5)


@overload
def lock(
    server_url: str, semaphore: str, count: int = 1, timeout: timedelta | None = None
) -> AbstractContextManager[Peer]: ...


@overload
def lock(
    client: Client,
    /,
    semaphore: str,
    count: int = 1,
    heartbeat_interval: timedelta | None = ...,
    timeout: timedelta | None = None,
) -> AbstractContextManager[Peer]: ...


def lock(*args: Any, **kwargs: Any) -> AbstractContextManager[Peer]:  # noqa: D417  as declared above
    """Hold a lock for a block.

    Locks that nest in one thread belong to one peer, and may be acquired in the order of their levels only. With a
    `Client` instead of a URL, as in version 0.1, each lock has a peer of its own.

    Args:
        server_url: the server, such as `"http://localhost:8000"`; or a `Client`.
        semaphore: its name.
        count: how much of it.
        timeout: how long to wait: None for ever, `timedelta(0)` to try once.
        heartbeat_interval: with a `Client` only: time between two signs of life, or None for none.

    Raises:
        Timeout: it took longer than `timeout`. Nothing is held and nothing waits.
        ValueError: refused; the message says why. `UnknownSemaphore`, `CountExceedsMax` and `HierarchyViolation` are of
            this kind.
        requests.ConnectionError: the server cannot be reached, after ten attempts or at the end of the timeout.

    Example:
        >>> with lock("http://localhost:8000", "A", count=4, timeout=timedelta(seconds=10)) as peer:
        ...     work()
    """
    server = args[0] if args else kwargs.get("client", kwargs.get("server_url"))
    return _lock_of_client(*args, **kwargs) if isinstance(server, Client) else _lock_of_thread(*args, **kwargs)


@contextmanager
def _lock_of_thread(
    server_url: str, semaphore: str, count: int = 1, timeout: timedelta | None = None
) -> Generator[Peer]:
    peer = get_local_peer(server_url)
    # While it waits, each repetition of the request is a sign of life.
    peer.stop_heartbeat()
    nested = semaphore in peer.acquired
    try:
        _wait(peer, semaphore, count, timeout)
    except ValueError:
        # Refused, so nothing is left to be given up.
        _keep_or_remove(server_url, peer)
        raise
    except BaseException:
        if not nested:
            _give_up(server_url, peer, semaphore)
        raise
    peer.start_heartbeat()
    try:
        yield peer
    finally:
        if not nested:
            _release(server_url, peer, semaphore)


@contextmanager
def _lock_of_client(
    client: Client,
    semaphore: str,
    count: int = 1,
    heartbeat_interval: timedelta | None = _INTERVAL,
    timeout: timedelta | None = None,
) -> Generator[Peer]:
    lifetime = client.expiration_time
    if heartbeat_interval is None:
        peer = Peer(client, expiration_time=lifetime)
    else:
        interval = min(heartbeat_interval, lifetime / 3)
        peer = PeerWithHeartbeat(client, expiration_time=lifetime, heartbeat_interval=interval)
    try:
        _wait(peer, semaphore, count, timeout)
        peer.start_heartbeat()
        yield peer
    finally:
        peer.acquired.clear()
        peer.stop_heartbeat()
        with suppress(requests.RequestException), _brief_patience():
            peer.remove_from_server()


def _wait(peer: Peer, semaphore: str, count: int, timeout: timedelta | None) -> None:
    """Ask until the lock is held."""
    deadline = None if timeout is None else time.monotonic() + timeout.total_seconds()
    # It must not expire between two requests.
    block_for = min(_BLOCK_FOR, peer.expiration_time / 3)
    restored = False
    while True:
        if deadline is not None:
            block_for = min(block_for, timedelta(seconds=max(0.0, deadline - time.monotonic())))
        try:
            with patience(until=deadline):
                acquired = peer.acquire(semaphore, count=count, block_for=block_for)
        except UnknownPeer:
            peer.restore()
            # Restoring is no answer yet: at least one more attempt, whatever the time.
            acquired, again = False, not restored
            restored = True
        else:
            again = False
        if acquired:
            peer.acquired[semaphore] = count
            return
        if not again and deadline is not None and time.monotonic() >= deadline:
            raise Timeout(f"{semaphore!r} was not granted within {timeout}", semaphore=semaphore)


def _give_up(server_url: str, peer: Peer, semaphore: str) -> None:
    """Leave no wait behind on the server. What else the peer holds lives on."""
    with suppress(requests.RequestException, UnknownPeer), _no_patience():
        if peer.has_acquired():
            peer.release(semaphore)
    with _no_patience():
        _keep_or_remove(server_url, peer)


def _release(server_url: str, peer: Peer, semaphore: str) -> None:
    peer.acquired.pop(semaphore, None)
    if peer.has_acquired():
        with suppress(requests.ConnectionError), _brief_patience():
            peer.release(semaphore)
    else:
        with _brief_patience():
            _keep_or_remove(server_url, peer)


def _keep_or_remove(server_url: str, peer: Peer) -> None:
    """Keep a peer alive that holds something; remove one that does not."""
    if peer.has_acquired():
        peer.start_heartbeat()
        return
    peer.stop_heartbeat()
    forget_local_peer(server_url, peer)
    with suppress(requests.ConnectionError, requests.Timeout):
        peer.remove_from_server()


def _no_patience() -> AbstractContextManager[None]:
    """Try once only: who gives up is in a hurry."""
    return patience(until=time.monotonic())


def _brief_patience() -> AbstractContextManager[None]:
    return patience(until=time.monotonic() + _RELEASE_PATIENCE_SEC)
