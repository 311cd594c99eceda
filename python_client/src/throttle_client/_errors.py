"""What can go wrong, as exceptions: one class for each thing that a program may want to handle by itself.

Every one has a stable `code` and, where one is to blame, the name of the `semaphore`. The words of a message may
change. This module must not know where an error came from: it is for REST and WebSocket alike.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class ThrottleError(Exception):
    """Whatever the server refuses, or the client cannot do; every error of this package is one.

    Attributes:
        code: why, as a stable word such as `"timeout"`. docs/protocol.md has the words of the server.
        semaphore: the name of the semaphore that it is about; None if it is about none, or several.

    Example:
        >>> raise ThrottleError("the client is closed", code="closed")
        Traceback (most recent call last):
        throttle_client._errors.ThrottleError: the client is closed
    """

    default_code = "error"

    def __init__(self, *args: object, code: str | None = None, semaphore: str | None = None) -> None:
        super().__init__(*args)
        self.code: str = self.default_code if code is None else code
        self.semaphore: str | None = semaphore

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle with code and semaphore, for pools of processes that hand exceptions on."""
        return type(self), self.args, dict(vars(self))


class AcquireTimeout(ThrottleError, TimeoutError):  # noqa: N818  named for what has happened
    """The lock was not to be had within `timeout` seconds, or would not be within `max_wait`.

    Nothing is held and nothing waits. `eta` is in how many seconds it would have been granted, as far as the server
    knew that: with `max_wait`, for buckets. Else it is None.
    """

    default_code = "timeout"

    def __init__(
        self, *args: object, code: str | None = None, semaphore: str | None = None, eta: float | None = None
    ) -> None:
        super().__init__(*args, code=code, semaphore=semaphore)
        self.eta = eta


class Busy(ThrottleError):  # noqa: N818  as above
    """As many wait for the bucket, or have a promise, as may: its `max_reserved`. Nothing waits.

    `retry_after` is in how many seconds the next of them is served, and there is room again.
    """

    default_code = "busy"

    def __init__(
        self, *args: object, code: str | None = None, semaphore: str | None = None, retry_after: float = 0.0
    ) -> None:
        super().__init__(*args, code=code, semaphore=semaphore)
        self.retry_after = retry_after


class NotABucket(ThrottleError, ValueError):  # noqa: N818  as above
    """What tokens were to be taken from, settled, or closed for a while, is a semaphore and no bucket."""

    default_code = "not_a_bucket"


class NotHeld(ThrottleError):  # noqa: N818  as above
    """There is no permit any more, or there never was: nothing can be settled."""

    default_code = "not_held"


class DeclaredOtherwise(ThrottleError, ValueError):  # noqa: N818  as above
    """Somebody else has declared the same name with another limit, or the server's configuration has one.

    `declared` is what this program says, and `actual` what the server has, both as in docs/protocol.md.
    """

    default_code = "declared_otherwise"

    def __init__(
        self,
        *args: object,
        code: str | None = None,
        semaphore: str | None = None,
        declared: Mapping[str, Any] | None = None,
        actual: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(*args, code=code, semaphore=semaphore)
        self.declared: Mapping[str, Any] = declared or {}
        self.actual: Mapping[str, Any] = actual or {}


class LeaseLost(ThrottleError):  # noqa: N818  as above
    """The lease ended before its block did: somebody else may have the lock by now.

    `code` is why: `"expired"` (the server was out of reach, or this program was blocked, for too long), `"revoked"`,
    `"superseded"`, `"closed"` (the client was closed inside the block) or `"forked"` (in a forked child: it is that of
    the parent). Or it is the code with which a server that has lost its memory refuses to take the lease back, such as
    `"unknown_semaphore"`. The message says it in words.
    """

    default_code = "expired"


class UnknownSemaphore(ThrottleError, ValueError):  # noqa: N818  as above
    """The server has no such semaphore: a typing error, or it is missing in the server's configuration."""

    default_code = "unknown_semaphore"


class CountExceedsMax(ThrottleError, ValueError):  # noqa: N818  as above
    """More is asked for than the semaphore ever has."""

    default_code = "never"


class HierarchyViolation(ThrottleError, ValueError):  # noqa: N818  as above
    """What is asked for is not below all that this thread or task holds already: it could come to a deadlock."""

    default_code = "hierarchy"


class ServerUnavailable(ThrottleError, ConnectionError):  # noqa: N818  as above
    """There was no connection to the server for as long as the caller was ready to wait."""

    default_code = "unavailable"


class UnknownPeer(ThrottleError):  # noqa: N818  the name is that of the older client
    """The server does not know the peer (any more): it expired, or the server was restarted. REST only."""

    default_code = "unknown_peer"


class Timeout(AcquireTimeout):
    """The older `lock` gave up: its `timeout` is over. Nothing is held and nothing waits."""


_KINDS: tuple[type[ThrottleError], ...] = (
    AcquireTimeout,
    Busy,
    CountExceedsMax,
    DeclaredOtherwise,
    HierarchyViolation,
    NotABucket,
    NotHeld,
    UnknownSemaphore,
)

_BY_CODE: Mapping[str, type[ThrottleError]] = {kind.default_code: kind for kind in _KINDS}


def from_answer(answer: Mapping[str, Any]) -> ThrottleError:
    """Make the exception for an `error` message of the server."""
    code = str(answer.get("code", "error"))
    semaphore = answer.get("semaphore")
    message = str(answer.get("message", code))
    error = _BY_CODE.get(code, ThrottleError)(message, code=code)
    error.semaphore = semaphore if isinstance(semaphore, str) else None
    if isinstance(error, AcquireTimeout):
        error.eta = _seconds(answer.get("eta_ms"))
    elif isinstance(error, Busy):
        error.retry_after = _seconds(answer.get("retry_after_ms")) or 0.0
    elif isinstance(error, DeclaredOtherwise):
        error.declared, error.actual = answer.get("declared", {}), answer.get("actual", {})
    return error


def _seconds(milliseconds: object) -> float | None:
    return milliseconds / 1000 if isinstance(milliseconds, int | float) else None
