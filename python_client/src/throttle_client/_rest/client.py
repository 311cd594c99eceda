"""The routes of the server, one method each. Peers and locks with a life of their own are built upon it elsewhere."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from urllib.parse import quote

import requests

from throttle_client._arguments import check_rest_count, check_rest_name, check_rest_url
from throttle_client._durations import check_timedelta
from throttle_client._errors import (
    CountExceedsMax,
    HierarchyViolation,
    ThrottleError,
    UnknownPeer,
    UnknownSemaphore,
)

from .retry import bounded, send_with_retries

_TIMEOUT_SEC = 30.0
_MOST_WORDS = 500
_BAD_REQUEST, _CONFLICT, _OK, _ACCEPTED = 400, 409, 200, 202

# What the texts of the server begin with; they are part of the interface.
_REFUSALS: dict[str, type[ThrottleError]] = {
    "Unknown semaphore": UnknownSemaphore,
    "Lock can never be acquired.": CountExceedsMax,
    "Lock hierachy violation.": HierarchyViolation,
}


class Client:
    """A client for the REST interface, for whoever wants to make each request. Most programs want `lock`.

    It can be pickled, and used by any number of threads.

    Args:
        base_url: the server, such as `"http://localhost:8000"`.
        expiration_time: time to live of the peers that `lock(client, ...)` makes.

    Example:
        >>> Client("http://localhost:8000").remainder("A")
        1
    """

    def __init__(self, base_url: str, expiration_time: timedelta = timedelta(minutes=15)) -> None:
        check_rest_url(base_url, "the server's URL")
        self.base_url = base_url
        self.expiration_time = check_timedelta(expiration_time, "expiration_time")

    def new_peer(self, expires_in: timedelta) -> int:
        """Make a peer, which holds locks until it is released, or expires for want of a heartbeat; returns its id."""
        return int(self._send("POST", "/new_peer", json={"expires_in": _duration(expires_in, "expires_in")}).text)

    def acquire(
        self,
        peer_id: int,
        semaphore: str,
        count: int = 1,
        expires_in: timedelta | None = None,
        block_for: timedelta | None = None,
    ) -> bool:
        """Acquire a lock, or stand in line for it.

        Args:
            peer_id: who acquires.
            semaphore: what is acquired.
            count: how much of it.
            expires_in: prolongs the life of the peer to that long from now.
            block_for: how long to wait for the answer if the lock is not free. None does not wait.

        Returns:
            Whether it is held. If not, the peer is in line; ask again to find out how it stands.

        Raises:
            UnknownPeer: the peer has expired.
            ValueError: refused; the message says why. `UnknownSemaphore`, `CountExceedsMax` and `HierarchyViolation`
                are of this kind.
            TypeError: an argument is none of its kind.
        """
        query: dict[str, str] = {}
        if expires_in is not None:
            query["expires_in"] = _duration(expires_in, "expires_in")
        if block_for is not None:
            query["block_for"] = _duration(block_for, "block_for")
        timeout = _TIMEOUT_SEC + (0.0 if block_for is None else block_for.total_seconds())
        path = _path_of_lock(peer_id, semaphore)
        response = self._send("PUT", path, semaphore, json=check_rest_count(count), params=query, timeout=timeout)
        if response.status_code not in (_OK, _ACCEPTED):
            raise RuntimeError(f"the server answered {response.status_code}, which is none of its answers")
        return response.status_code == _OK

    def restore(self, peer_id: int, acquired: dict[str, int], expires_in: timedelta) -> None:
        """Bring back what a peer holds after the server has forgotten it; always granted.

        Raises:
            ValueError: the peer is known and holds something else, or a semaphore is unknown.
        """
        body = {"expires_in": _duration(expires_in, "expires_in"), "peer_id": peer_id, "acquired": acquired}
        self._send("POST", "/restore", json=body)

    def remainder(self, semaphore: str) -> int:
        """Tell how much of a semaphore is left; negative when more was restored than there is.

        Raises:
            UnknownSemaphore: there is no such semaphore (also a `ValueError`).
        """
        return int(self._send("GET", "/remainder", semaphore, params={"semaphore": semaphore}).text)

    def is_acquired(self, peer_id: int) -> bool:
        """Tell whether a peer waits for nothing.

        Raises:
            UnknownPeer: the peer has expired.
        """
        return bool(self._send("GET", f"/peers/{peer_id}/is_acquired").json())

    def release(self, peer_id: int) -> None:
        """Remove a peer with all that it holds and waits for. One that is not there is fine as well."""
        self._send("DELETE", f"/peers/{peer_id}")

    def release_lock(self, peer_id: int, semaphore: str) -> None:
        """Release one lock of a peer, or give up waiting for it.

        Raises:
            UnknownPeer: the peer has expired.
            UnknownSemaphore: there is no such semaphore (also a `ValueError`).
        """
        self._send("DELETE", _path_of_lock(peer_id, semaphore), semaphore)

    def heartbeat(self, peer_id: int, expires_in: timedelta) -> None:
        """Prolong the life of a peer to that long from now.

        Raises:
            UnknownPeer: it has expired already.
        """
        self._send("PUT", f"/peers/{peer_id}", json={"expires_in": _duration(expires_in, "expires_in")})

    def _send(
        self,
        method: str,
        path: str,
        semaphore: str | None = None,
        *,
        timeout: float = _TIMEOUT_SEC,
        **arguments: Any,  # noqa: ANN401  as of requests
    ) -> requests.Response:
        url = self.base_url.rstrip("/") + path
        response = send_with_retries(lambda: requests.request(method, url, timeout=bounded(timeout), **arguments))
        if response.status_code in (_BAD_REQUEST, _CONFLICT):
            raise _refusal(response.text, semaphore)
        _raise_for_status(response)
        return response


def _raise_for_status(response: requests.Response) -> None:
    """Raise what requests raises, with the words of the server if it has any."""
    try:
        response.raise_for_status()
    except requests.HTTPError as error:
        is_plain = response.headers.get("Content-Type", "").startswith("text/plain")
        words = f": {response.text[:_MOST_WORDS]}" if is_plain else ""
        raise requests.HTTPError(f"{error}{words}", response=response) from None


def _refusal(text: str, semaphore: str | None) -> Exception:
    """Make the exception for a refusal. Its message begins with the text of the server."""
    if text == "Unknown peer":
        return UnknownPeer(text)
    if text == "Unknown semaphore" and semaphore is not None:
        return UnknownSemaphore(f"{text}: {semaphore!r}", semaphore=semaphore)
    for beginning, kind in _REFUSALS.items():
        if text.startswith(beginning):
            return kind(text, semaphore=semaphore)
    return ValueError(text)


def _path_of_lock(peer_id: int, semaphore: str) -> str:
    return f"/peers/{peer_id}/{quote(check_rest_name(semaphore), safe='')}"


def _duration(duration: timedelta, name: str) -> str:
    """Write a duration as the server reads it, in milliseconds. Less than one is one: zero would mean "at once"."""
    milliseconds = int(check_timedelta(duration, name).total_seconds() * 1000)
    return f"{max(milliseconds, 1) if duration else 0}ms"
