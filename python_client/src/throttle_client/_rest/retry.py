"""Requests that are repeated while the server cannot be reached. What they mean is not known here."""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from threading import Event

import requests

logger = logging.getLogger("throttle_client")

_ATTEMPTS = 10
_FIRST_WAIT_SEC = 0.5
_LONGEST_WAIT_SEC = 32.0

# A request that waits on the server until the end is answered then; so long may the answer be on its way.
_GRACE_SEC = 1.0

# Statuses of which a later attempt may have a better one: the request came too late, or the server is in trouble.
_RECOVERABLE = {408, 429, 444, 499}
_FINAL = {501, 505, 506, 507, 508, 510, 511}


@dataclass(frozen=True)
class Patience:
    """How long to go on: until a moment of the monotonic clock, and until an event is set."""

    until: float | None = None
    cancel: Event | None = None


_patience: ContextVar[Patience | None] = ContextVar("throttle_client_patience", default=None)


@contextmanager
def patience(until: float | None = None, cancel: Event | None = None) -> Generator[None]:
    """Bound all requests in the block, and their retries."""
    token = _patience.set(Patience(until, cancel))
    try:
        yield
    finally:
        _patience.reset(token)


def bounded(seconds: float) -> float:
    """Bound how long one request may take by the patience that is left."""
    limits = _patience.get()
    if limits is None or limits.until is None:
        return seconds
    return min(seconds, max(0.0, limits.until - time.monotonic()) + _GRACE_SEC)


def is_recoverable(status: int) -> bool:
    """Tell whether the same request may be answered better at a later time."""
    return status in _RECOVERABLE or (status >= 500 and status not in _FINAL)  # noqa: PLR2004  server errors


def is_away(error: requests.RequestException) -> bool:
    """Tell whether an error says that the server cannot be reached, or is in trouble: a later attempt may succeed."""
    if isinstance(error, requests.HTTPError):
        return error.response is not None and is_recoverable(error.response.status_code)
    return isinstance(error, requests.ConnectionError | requests.Timeout)


def send_with_retries(send: Callable[[], requests.Response]) -> requests.Response:
    """Send until there is an answer that counts.

    Raises:
        requests.ConnectionError, requests.Timeout: the server cannot be reached, after ten attempts.
        requests.HTTPError: it is in trouble, after as many.
    """
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            response = send()
            if is_recoverable(response.status_code):
                response.raise_for_status()
        except requests.RequestException as error:
            if not is_away(error) or attempt == _ATTEMPTS:
                raise
            if attempt == 1:
                logger.warning("the server cannot be reached: %s", str(error))
            if not _wait(attempt):
                raise
        else:
            return response
    raise AssertionError("unreachable")


def _wait(attempt: int) -> bool:
    """Wait before the next attempt, with full jitter; False when there should be none."""
    limits = _patience.get() or Patience()
    bound = min(_LONGEST_WAIT_SEC, _FIRST_WAIT_SEC * 2.0**attempt)
    seconds = random.uniform(bound / 4, bound)  # noqa: S311  no secret
    if limits.until is not None:
        left = limits.until - time.monotonic()
        if left <= 0:
            return False
        seconds = min(seconds, left)
    if limits.cancel is not None:
        return not limits.cancel.wait(seconds)
    time.sleep(seconds)
    return True
