"""`lock`, the context manager: waits for a lock and keeps it for a block. Requests are made by peers, not here."""

from __future__ import annotations

import math
import time
from collections.abc import Generator
from contextlib import AbstractContextManager, contextmanager, suppress
from datetime import timedelta
from typing import Any, overload

import requests

from throttle_client._arguments import check_rest_count, check_rest_name
from throttle_client._durations import check_timedelta
from throttle_client._errors import Timeout, UnknownPeer

from .client import Client
from .local import forget_local_peer, get_local_peer
from .peer import Peer, PeerWithHeartbeat
from .retry import is_away, patience

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
        TypeError: an argument is none of its kind, such as a `timeout` that is a number.
        requests.ConnectionError: the server cannot be reached, after ten attempts. When `timeout` ends before,
            it is a `Timeout`; from a server that does not even refuse, that may come a few seconds late.

    Example:
        >>> with lock("http://localhost:8000", "A", count=4, timeout=timedelta(seconds=10)) as peer:
        ...     work()
    """
    server = args[0] if args else kwargs.get("client", kwargs.get("server_url"))
    return _lock_of_client(*args, **kwargs) if isinstance(server, Client) else _lock_of_thread(*args, **kwargs)


def _lock_of_thread(
    server_url: str, semaphore: str, count: int = 1, timeout: timedelta | None = None
) -> AbstractContextManager[Peer]:
    _check(semaphore, count, timeout=timeout)
    return _held_by_thread(server_url, semaphore, count, timeout)


def _lock_of_client(
    client: Client,
    semaphore: str,
    count: int = 1,
    heartbeat_interval: timedelta | None = _INTERVAL,
    timeout: timedelta | None = None,
) -> AbstractContextManager[Peer]:
    _check(semaphore, count, heartbeat_interval=heartbeat_interval, timeout=timeout)
    return _held_by_new_peer(client, semaphore, count, heartbeat_interval, timeout)


# What a wrong call is told: "lock() got an unexpected keyword argument".
_lock_of_thread.__qualname__ = _lock_of_client.__qualname__ = "lock"


def _check(semaphore: str, count: int, **durations: timedelta | None) -> None:
    check_rest_name(semaphore)
    check_rest_count(count)
    for name, duration in durations.items():
        if duration is not None:
            check_timedelta(duration, name)


@contextmanager
def _held_by_thread(server_url: str, semaphore: str, count: int, timeout: timedelta | None) -> Generator[Peer]:
    limit = _Limit(semaphore, timeout)
    with limit.applied():
        peer = get_local_peer(server_url)
        # While it waits, each repetition of the request is a sign of life.
        peer.stop_heartbeat()
    nested = semaphore in peer.acquired
    try:
        with limit.applied():
            _wait(peer, semaphore, count, limit)
    except ValueError:
        # Refused, so nothing is left to be given up.
        with _brief_patience():
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
def _held_by_new_peer(
    client: Client, semaphore: str, count: int, heartbeat_interval: timedelta | None, timeout: timedelta | None
) -> Generator[Peer]:
    limit = _Limit(semaphore, timeout)
    with limit.applied():
        peer = _new_peer(client, heartbeat_interval)
    leave_with = _no_patience
    try:
        with limit.applied():
            _wait(peer, semaphore, count, limit)
        peer.start_heartbeat()
        leave_with = _brief_patience
        yield peer
    finally:
        peer.acquired.clear()
        with suppress(requests.RequestException), leave_with():
            peer.stop_heartbeat()
            peer.remove_from_server()


def _new_peer(client: Client, heartbeat_interval: timedelta | None) -> Peer:
    lifetime = client.expiration_time
    if heartbeat_interval is None:
        return Peer(client, expiration_time=lifetime)
    interval = min(heartbeat_interval, lifetime / 3)
    return PeerWithHeartbeat(client, expiration_time=lifetime, heartbeat_interval=interval)


class _Limit:
    """How long somebody is willing to wait, and what they are told when it was too long."""

    def __init__(self, semaphore: str, timeout: timedelta | None) -> None:
        self._semaphore = semaphore
        self._timeout = timeout
        self._until = None if timeout is None else time.monotonic() + timeout.total_seconds()

    @property
    def left_sec(self) -> float:
        """How much time is left."""
        return math.inf if self._until is None else max(0.0, self._until - time.monotonic())

    @contextmanager
    def applied(self) -> Generator[None]:
        """Bound all requests in the block. A server that is away until the end of the time is a `Timeout` as well."""
        try:
            with patience(until=self._until):
                yield
        except requests.RequestException as error:
            if self.left_sec > 0 or not is_away(error):
                raise
            raise self.exceeded(f": the server cannot be reached ({error})") from error

    def exceeded(self, why: str = "") -> Timeout:
        """Make the error."""
        return Timeout(f"{self._semaphore!r} was not granted within {self._timeout}{why}", semaphore=self._semaphore)


def _wait(peer: Peer, semaphore: str, count: int, limit: _Limit) -> None:
    """Ask until the lock is held."""
    # It must not expire between two requests.
    longest = min(_BLOCK_FOR, peer.expiration_time / 3)
    restored = False
    while True:
        block_for = timedelta(seconds=min(longest.total_seconds(), limit.left_sec))
        try:
            acquired, again = peer.acquire(semaphore, count=count, block_for=block_for), False
        except UnknownPeer:
            peer.restore()
            # Restoring is no answer yet: at least one more attempt, whatever the time.
            acquired, again = False, not restored
            restored = True
        if acquired:
            peer.acquired[semaphore] = count
            return
        if not again and limit.left_sec <= 0:
            raise limit.exceeded()


def _give_up(server_url: str, peer: Peer, semaphore: str) -> None:
    """Leave no wait behind on the server. What else the peer holds lives on."""
    with suppress(requests.RequestException, UnknownPeer), _no_patience():
        if peer.has_acquired():
            peer.release(semaphore)
    with suppress(requests.RequestException), _no_patience():
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
    """Try once only, and briefly: who gives up is in a hurry."""
    return patience(until=time.monotonic())


def _brief_patience() -> AbstractContextManager[None]:
    return patience(until=time.monotonic() + _RELEASE_PATIENCE_SEC)
