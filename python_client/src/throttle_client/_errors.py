"""What can go wrong, as exceptions: one class for each thing that a program may want to handle by itself.

Every one has a stable `code` and, where one is to blame, the name of the `semaphore`. The words of a message may
change. This module must not know where an error came from: it is for REST and WebSocket alike.
"""

from __future__ import annotations

from collections.abc import Mapping


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
        return type(self), self.args, {"code": self.code, "semaphore": self.semaphore}


class AcquireTimeout(ThrottleError, TimeoutError):  # noqa: N818  named for what has happened
    """The lock was not to be had within `timeout` seconds. Nothing is held and nothing waits."""

    default_code = "timeout"


class LeaseLost(ThrottleError):  # noqa: N818  as above
    """The lease ended before its block did: somebody else may have the lock by now.

    `code` is why: `"expired"` (the server was out of reach, or this program was blocked, for too long), `"revoked"`,
    `"superseded"`, `"closed"` (the client was closed inside the block) or `"forked"` (in a forked child: it is that of
    the parent).
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


_BY_CODE: Mapping[str, type[ThrottleError]] = {
    kind.default_code: kind for kind in (AcquireTimeout, UnknownSemaphore, CountExceedsMax, HierarchyViolation)
}


def from_answer(answer: Mapping[str, object]) -> ThrottleError:
    """Make the exception for an `error` message of the server."""
    code = str(answer.get("code", "error"))
    semaphore = answer.get("semaphore")
    kind = _BY_CODE.get(code, ThrottleError)
    message = str(answer.get("message", code))
    return kind(message, code=code, semaphore=semaphore if isinstance(semaphore, str) else None)
