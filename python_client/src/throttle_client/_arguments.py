"""What arguments may be. Each check returns the argument, made uniform; or it says what is allowed, and what was given.

They are in here for both interfaces and for REST; durations are in `_durations.py`, and what is declared in
`_limits.py`. They ask no server: that may know better. No I/O.
"""

from __future__ import annotations

import importlib.util
import inspect
import operator
import re
import ssl
import unicodedata
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, SupportsIndex
from urllib.parse import SplitResult, urlsplit, urlunsplit

from websockets.exceptions import InvalidURI
from websockets.uri import parse_uri

if TYPE_CHECKING:
    from ._progress import Progress

Wanted = str | Mapping[str, int]

# As the server has them.
_MAX_TEXT_BYTES = 128
MAX_COUNT = 2**31
_MAX_NAMES = 64
_LEAST_PRIORITY, _MOST_PRIORITY = -128, 127

# --- Where the server is


def check_url(url: object) -> str:
    """Complete the URL of a server with the path of its WebSocket."""
    example = "'ws://localhost:8000' or 'wss://throttle.example.com'"
    parts = _split(url, "url", example)
    if parts.scheme in ("http", "https"):
        better = urlunsplit(parts._replace(scheme="wss" if parts.scheme == "https" else "ws"))
        raise ValueError(f"url must be for WebSockets, but {_quoted(url)} is for REST; connect to {_quoted(better)}")
    if parts.scheme not in ("ws", "wss"):
        raise ValueError(f"url must be like {example}, not {_quoted(url)}")
    path = parts.path.rstrip("/")
    if not path.endswith("/ws"):
        path += "/ws"
    whole = urlunsplit(parts._replace(path=path, fragment=""))
    try:
        parse_uri(whole).host.encode("idna")
    except (InvalidURI, UnicodeError) as error:
        why = error.msg if isinstance(error, InvalidURI) else error
        raise ValueError(f"url must be like {example}, not {_quoted(url)}: {why}") from None
    return whole


def check_rest_url(url: object, name: str) -> None:
    """Check the URL of a server for the older interface, as far as requests does not explain what is wrong."""
    parts = _split(url, name, "'http://localhost:8000'")
    if parts.scheme in ("ws", "wss"):
        better = urlunsplit(parts._replace(scheme="https" if parts.scheme == "wss" else "http"))
        how = f"give {_quoted(better)} here, or use throttle_client.connect"
        raise ValueError(f"{name} must be for REST, but {_quoted(url)} is for WebSockets; {how}")


def _split(url: object, name: str, example: str) -> SplitResult:
    """Take a URL apart that has all its parts."""
    allowed = f"{name} must be like {example}, not {_quoted(url)}"
    if not isinstance(url, str):
        raise TypeError(allowed)
    if re.search(r"[\s\x00-\x1f\x7f-\x9f]", url):
        raise ValueError(f"{allowed}: it has spaces or control characters in it")
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise ValueError(f"{allowed}: {error}") from None
    if not parts.scheme or not host:
        raise ValueError(allowed)
    if port == 0:
        raise ValueError(f"{allowed}: port 0 is none to connect to")
    return parts


def shown(url: str) -> str:
    """Show a URL without a password and without its query."""
    return re.sub("//.*@", "//", url.partition("?")[0])


def _quoted(url: object) -> str:
    return repr(shown(url) if isinstance(url, str) else url)


def check_context(context: object, url: str) -> ssl.SSLContext | None:
    """Check how a server's certificate is to be checked."""
    if context is None:
        return None
    if not isinstance(context, ssl.SSLContext):
        raise TypeError(f"ssl must be an ssl.SSLContext or None, not {context!r}")
    if not url.startswith("wss:"):
        raise ValueError(f"ssl is for 'wss://...': with {_quoted(url)} nothing is encrypted")
    return context


# --- Texts and numbers


def check_label(label: object) -> str:
    """Check who we say that we are."""
    return _text(label, "label", _MAX_TEXT_BYTES)


def check_token(token: object) -> str | None:
    """Check what lets us in. It is a secret and is not shown."""
    return None if token is None else _text(token, "token", secret=True)


def check_priority(priority: object) -> int:
    """Check what decides about the place in line."""
    return whole(priority, "priority", _LEAST_PRIORITY, _MOST_PRIORITY)


def check_want(semaphore: object, count: object) -> dict[str, int]:
    """Turn `"A", 2` or `{"A": 2, "db": 1}` into counts by name."""
    if isinstance(semaphore, str):
        return _want({semaphore: count})
    allowed = "semaphore must be a name, or a mapping of names to counts such as {'A': 2, 'db': 1}"
    if not isinstance(semaphore, Mapping):
        raise TypeError(f"{allowed}, not {semaphore!r}")
    if count != 1:
        raise TypeError(f"count must be left out when semaphore is a mapping with counts, not {count!r}")
    want: dict[Any, Any] = dict(semaphore)  # pyright: ignore[reportUnknownArgumentType]
    if not 1 <= len(want) <= _MAX_NAMES:
        raise ValueError(f"semaphore must have 1 to {_MAX_NAMES} names, not {len(want)}")
    return _want(want)


def _want(counts: dict[Any, Any]) -> dict[str, int]:
    return {check_name(name): whole(count, f"count of {name!r}") for name, count in counts.items()}


def check_used(used: object, held: Mapping[str, int]) -> dict[str, int]:
    """Turn `7`, of the one bucket that is held, or `{"api": 7}` into what was used by name."""
    if isinstance(used, Mapping):
        counts: dict[Any, Any] = dict(used)  # pyright: ignore[reportUnknownArgumentType]
        if not counts:
            raise ValueError("used must have a bucket with what was used of it, such as {'api': 7}, not {}")
        return {check_name(name): whole(count, f"what was used of {name!r}", 0) for name, count in counts.items()}
    if len(held) != 1:
        raise TypeError(f"used must say of which bucket, as in {{'api': 7}}, because there are several: not {used!r}")
    return dict.fromkeys(held, whole(used, "used", 0))


def check_bucket(bucket: object, held: Mapping[str, int]) -> str:
    """Tell which bucket is meant: None for the only one that there is."""
    if bucket is not None:
        return check_name(bucket)
    if len(held) != 1:
        raise TypeError("bucket must be given, because there are several")
    return next(iter(held))


def check_name(name: object) -> str:
    """Check the name of a semaphore."""
    if name == "":
        raise ValueError("the name of a semaphore must not be empty, as '' is")
    return _text(name, "the name of a semaphore", _MAX_TEXT_BYTES)


def _text(text: object, name: str, most_bytes: int | None = None, *, secret: bool = False) -> str:
    if isinstance(text, str) and text.isascii() and text.isprintable() and (not most_bytes or len(text) <= most_bytes):
        # Nearly always; a `lock` should not take its time for this.
        return text
    given = "" if secret else f", not {text!r}"
    if not isinstance(text, str):
        raise TypeError(f"{name} must be a text" + (f", not of type {type(text).__name__}" if secret else given))
    kinds = set(map(unicodedata.category, text))
    if "Cc" in kinds:
        raise ValueError(f"{name} must have no control characters{given}")
    if "Cs" in kinds:
        raise ValueError(f"{name} must have no surrogates, which cannot be sent{given}")
    if most_bytes is not None and len(text.encode()) > most_bytes:
        raise ValueError(f"{name} must have at most {most_bytes} bytes{given}")
    return text


def whole(number: object, name: str, least: int = 1, most: int = MAX_COUNT) -> int:
    """Check a whole number."""
    if type(number) is int and least <= number <= most:
        return number
    allowed = f"{name} must be a whole number from {least} to {most}, not {number!r}"
    whole = _index(number, allowed)
    if not least <= whole <= most:
        raise ValueError(allowed)
    return whole


def _index(number: object, allowed: str) -> int:
    if isinstance(number, bool) or not isinstance(number, SupportsIndex):
        raise TypeError(allowed)
    return operator.index(number)


def check_rest_name(name: object) -> str:
    """Check the name of a semaphore for the older interface, as far as no server can: it is to be part of a path."""
    if name == "":
        raise ValueError("the name of a semaphore must not be empty, as '' is")
    if not isinstance(name, str):
        raise TypeError(f"the name of a semaphore must be a text, not {name!r}")
    return name


def check_rest_count(count: object) -> int:
    """Check a count for the older interface. What is below 1 is left to the server: its words are known to programs."""
    allowed = f"count must be a whole number from 1 to {MAX_COUNT}, not {count!r}"
    whole = _index(count, allowed)
    if whole > MAX_COUNT:
        raise ValueError(allowed)
    return whole


# --- What is called back


def check_on_lost(on_lost: object, *, can_cancel: bool) -> str | Callable[[Any], object]:
    """Check what is to be done when a lease is lost."""
    if on_lost == "cancel" and not can_cancel:
        raise ValueError("on_lost must be 'raise' or a callable, not 'cancel': a thread cannot be cancelled; see aio")
    allowed = f"on_lost must be 'raise'{', ' + repr('cancel') if can_cancel else ''} or a callable"
    if isinstance(on_lost, str):
        if on_lost not in ("raise", "cancel"):
            raise ValueError(f"{allowed}, not {on_lost!r}")
        return on_lost
    return _plain(on_lost, allowed)


def check_progress(progress: object) -> bool | Callable[[Progress], object] | None:
    """Check who is told about a wait; for a bar, see that tqdm is there before anything is waited for."""
    if progress is None or progress is False:
        return None
    if progress is not True:
        return _plain(progress, "progress must be True, a callable, or None")
    if importlib.util.find_spec("tqdm") is None:
        raise ImportError("progress=True shows a bar with tqdm: pip install 'throttle-client[progress]'")
    return True


def _plain(function: object, allowed: str) -> Callable[[Any], object]:
    if not callable(function):
        raise TypeError(f"{allowed}, not {function!r}")
    if inspect.iscoroutinefunction(function):
        raise TypeError(f"{allowed}, but no coroutine function such as {function!r}: nobody would await it")
    return function
