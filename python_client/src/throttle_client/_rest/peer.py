"""Peers that know what they hold, and a heartbeat for them. It waits for no lock; that is in `lock.py`."""

from __future__ import annotations

import logging
from datetime import timedelta
from threading import Event, Thread, current_thread
from typing import Self

import requests

from throttle_client._durations import check_timedelta
from throttle_client._errors import UnknownPeer

from .client import Client
from .retry import bounded, patience

logger = logging.getLogger("throttle_client")

_EXPIRATION = timedelta(minutes=5)

# What a request takes at most, to connect and to be answered.
_LONGEST_SEC = 60.0


class Peer:
    """An identity that holds locks on the server, and what it holds, so that it can be restored.

    Args:
        client: how to reach the server.
        id: the id of a peer that is there already; otherwise a new one is made.
        acquired: what that peer holds, counts by semaphore.
        expiration_time: how long the server keeps it without a sign of life; five minutes by default.

    Example:
        >>> peer = Peer(Client("http://localhost:8000"))
        >>> peer.acquire("A", block_for=timedelta(seconds=10))
        True
    """

    def __init__(
        self,
        client: Client,
        id: int | None = None,  # noqa: A002  its name since ever
        acquired: dict[str, int] | None = None,
        expiration_time: timedelta | None = None,
    ) -> None:
        if isinstance(client, str):
            raise TypeError(f"client must be a Client, not {client!r}; see {type(self).__name__}.from_server_url")
        self.expiration_time = check_timedelta(expiration_time or _EXPIRATION, "expiration_time")
        self.client = client
        self.id: int = client.new_peer(expires_in=self.expiration_time) if id is None else id
        self.acquired: dict[str, int] = {} if acquired is None else acquired

    @classmethod
    def from_server_url(cls, baseurl: str) -> Self:
        """Make a peer of the server with that URL."""
        return cls(client=Client(base_url=baseurl))

    def acquire(self, semaphore: str, count: int = 1, block_for: timedelta | None = None) -> bool:
        """Acquire a lock, or stand in line for it; returns whether it is held. See `Client.acquire`."""
        acquired = self.client.acquire(
            self.id, semaphore, count=count, block_for=block_for, expires_in=self.expiration_time
        )
        if acquired:
            self.acquired[semaphore] = count
        return acquired

    def restore(self) -> None:
        """Bring back what it holds, after the server has forgotten it."""
        self.client.restore(self.id, self.acquired, expires_in=self.expiration_time)

    def release(self, semaphore: str) -> None:
        """Release a lock, or give up waiting for it."""
        self.acquired.pop(semaphore, None)
        self.client.release_lock(self.id, semaphore)

    def heartbeat(self) -> None:
        """Give a sign of life."""
        self.client.heartbeat(self.id, expires_in=self.expiration_time)

    def has_acquired(self) -> bool:
        """Tell whether it holds anything."""
        return bool(self.acquired)

    def remove_from_server(self) -> None:
        """Remove it from the server, with all that it holds and waits for."""
        self.client.release(self.id)

    def start_heartbeat(self) -> None:
        """Do nothing: it has none."""

    def stop_heartbeat(self) -> None:
        """Do nothing: it has none."""


class PeerWithHeartbeat(Peer):
    """A peer that a thread keeps alive while it holds something. The thread is a daemon: it keeps no program alive.

    Args:
        client: as of `Peer`.
        id: as of `Peer`.
        acquired: as of `Peer`.
        expiration_time: as of `Peer`.
        heartbeat_interval: time between two signs of life; a third of the expiration time by default.
    """

    def __init__(
        self,
        client: Client,
        id: int | None = None,  # noqa: A002  its name since ever
        acquired: dict[str, int] | None = None,
        expiration_time: timedelta | None = None,
        heartbeat_interval: timedelta | None = None,
    ) -> None:
        if heartbeat_interval is not None:
            check_timedelta(heartbeat_interval, "heartbeat_interval")
        super().__init__(client=client, id=id, acquired=acquired, expiration_time=expiration_time)
        interval = self.expiration_time / 3 if heartbeat_interval is None else heartbeat_interval
        self.interval_sec: float = interval.total_seconds()
        self.cancel = Event()
        self.thread: Thread | None = None

    def start_heartbeat(self) -> None:
        """Begin to give signs of life, as long as it holds something."""
        if self.thread is not None and self.thread.is_alive() and not self.cancel.is_set():
            return
        # An event for each thread, so that an old one cannot be brought back to life.
        self.cancel = Event()
        name = f"throttle_heartbeat_for_{current_thread().name}"
        self.thread = Thread(name=name, target=self._run, args=(self.cancel,), daemon=True)
        self.thread.start()

    def stop_heartbeat(self) -> None:
        """Give no more signs of life. Afterwards none is on its way, unless the server does not answer one in time."""
        self.cancel.set()
        thread, self.thread = self.thread, None
        if thread is not None and thread is not current_thread():
            thread.join(bounded(_LONGEST_SEC))

    def _run(self, cancel: Event) -> None:
        with patience(cancel=cancel):
            cancel.wait(self.interval_sec)
            while self.has_acquired() and not cancel.is_set():
                self._give_sign_of_life(cancel)
                cancel.wait(self.interval_sec)

    def _give_sign_of_life(self, cancel: Event) -> None:
        try:
            try:
                self.heartbeat()
            except UnknownPeer:
                if not cancel.is_set():
                    self.restore()
        except (requests.RequestException, ValueError) as error:
            # It goes on: the next one may come through.
            logger.warning("heartbeat of peer %s: %s", self.id, error)
