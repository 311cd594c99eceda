"""What a client is told when it is made, checked. No I/O."""

from __future__ import annotations

import os
import ssl
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import PurePath
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from ._machine.settings import Settings
from ._version import __version__

Duration = float | timedelta

_LABEL_BYTES = 128


@dataclass(frozen=True, slots=True)
class Options:
    """Where the server is, and how to deal with it."""

    url: str
    settings: Settings
    on_lost: str | Callable[[Any], object]
    context: ssl.SSLContext | None

    @property
    def place(self) -> str:
        """The URL as it may be shown: without a password."""
        parts = urlsplit(self.url)
        return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2], query=""))


def check_options(  # noqa: PLR0913  they are the options of `connect`
    url: str,
    *,
    label: str | None,
    expires_in: Duration,
    patience: Duration | None,
    on_lost: str | Callable[[Any], object],
    token: str | None,
    context: ssl.SSLContext | None,
    can_cancel: bool,
) -> Options:
    """Check the options of `connect`; raises `ValueError` or `TypeError` with what is wrong."""
    lifetime = check_seconds(expires_in, "expires_in")
    if not lifetime:
        raise ValueError("expires_in must be more than 0 seconds")
    settings = Settings(
        label=check_label(default_label() if label is None else label),
        expires_in=lifetime,
        patience=check_seconds(patience, "patience"),
        token=token,
        client=f"throttle-client-python/{__version__}",
    )
    return Options(check_url(url), settings, check_on_lost(on_lost, can_cancel=can_cancel), context)


def check_url(url: str) -> str:
    """Complete the server's URL with the path of its WebSocket."""
    parts = urlsplit(url)
    if parts.scheme in ("http", "https"):
        better = urlunsplit(parts._replace(scheme="wss" if parts.scheme == "https" else "ws"))
        raise ValueError(f"{url!r} is a URL for REST; connect to {better!r}")
    if parts.scheme not in ("ws", "wss") or not parts.hostname:
        raise ValueError(f"{url!r} is no URL like 'ws://localhost:8000' or 'wss://throttle.example.com'")
    _ = parts.port  # raises ValueError when it is no port
    path = parts.path.rstrip("/")
    if not path.endswith("/ws"):
        path += "/ws"
    return urlunsplit(parts._replace(path=path, fragment=""))


def check_seconds(value: Duration | None, name: str) -> float | None:
    """Turn a duration into seconds; None, and infinity, are for ever."""
    if isinstance(value, timedelta):
        value = value.total_seconds()
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise TypeError(f"{name} must be seconds, a timedelta or None, not {value!r}")
    if not value >= 0:
        raise ValueError(f"{name} must not be negative, but is {value!r}")
    return None if value == float("inf") else float(value)


def check_on_lost(value: str | Callable[[Any], object], *, can_cancel: bool) -> str | Callable[[Any], object]:
    """Check what is to be done when a lease is lost."""
    if callable(value) or value == "raise" or (value == "cancel" and can_cancel):
        return value
    if value == "cancel":
        raise ValueError("a thread cannot be cancelled: on_lost is 'raise' or a callable; 'cancel' is for asyncio")
    allowed = "'raise', 'cancel'" if can_cancel else "'raise'"
    raise ValueError(f"on_lost must be {allowed} or a callable, not {value!r}")


def check_label(label: str) -> str:
    """Check who we say that we are."""
    if any(ord(character) < 32 or 127 <= ord(character) < 160 for character in label):  # noqa: PLR2004  controls
        raise ValueError("a label must not have control characters")
    if len(label.encode()) > _LABEL_BYTES:
        raise ValueError(f"a label must have at most {_LABEL_BYTES} bytes")
    return label


def default_label() -> str:
    """Make a label from the program, the machine and the process."""
    program = PurePath(sys.argv[0] if sys.argv else "").name or "python"
    node = os.uname().nodename if hasattr(os, "uname") else os.environ.get("COMPUTERNAME", "")
    label = f"{program}@{node}:{os.getpid()}"
    return "".join(c for c in label if c.isprintable()).encode()[-_LABEL_BYTES:].decode(errors="ignore")
