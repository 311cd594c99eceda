"""Wrong arguments are refused at once: the error names the argument, what it was, and what it may be."""

from __future__ import annotations

import functools
import math
import ssl
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

import throttle_client
from throttle_client import Client, Peer, PeerWithHeartbeat, aio, get_local_peer
from throttle_client._options import default_label

CONNECTS: list[Callable[..., Any]] = [throttle_client.connect, aio.connect]

both = pytest.mark.parametrize("connect", CONNECTS, ids=["blocking", "aio"])


class Index:
    """A whole number that is no int, as those of numpy are."""

    def __index__(self) -> int:
        return 3


async def coroutine(_: object) -> None: ...


URLS: list[tuple[object, type[Exception], str]] = [
    ("http://localhost:8000", ValueError, "'http://localhost:8000' is for REST; connect to 'ws://localhost:8000'"),
    ("https://localhost", ValueError, "connect to 'wss://localhost'"),
    ("localhost:8000", ValueError, "url must be like 'ws://localhost:8000'.*, not 'localhost:8000'"),
    ("ftp://localhost", ValueError, "url must be like .*, not 'ftp://localhost'"),
    ("", ValueError, "url must be like .*, not ''"),
    ("ws://", ValueError, "url must be like .*, not 'ws://'"),
    ("ws://:8000", ValueError, "url must be like .*, not 'ws://:8000'"),
    ("ws://localhost:port", ValueError, "not 'ws://localhost:port': .*'port'"),
    ("ws://localhost:99999", ValueError, "not 'ws://localhost:99999': Port out of range 0-65535"),
    ("ws://localhost:0", ValueError, "not 'ws://localhost:0': port 0"),
    ("ws://[::1", ValueError, r"not 'ws://\[::1': "),
    ("ws://local host", ValueError, "not 'ws://local host': it has spaces"),
    ("ws://localhost:8000\n", ValueError, r"not 'ws://localhost:8000\\n': it has spaces or control characters"),
    ("ws://a..b", ValueError, "not 'ws://a..b': .*label"),
    (f"ws://{'a' * 64}", ValueError, "label"),
    ("ws://user@localhost", ValueError, "not 'ws://localhost': .*password"),
    (None, TypeError, "url must be like .*, not None"),
    (b"ws://localhost", TypeError, "url must be like .*, not b'ws://localhost'"),
]


@both
@pytest.mark.parametrize(("url", "kind", "words"), URLS)
def test_a_wrong_url_is_explained(connect: Callable[..., Any], url: object, kind: type[Exception], words: str) -> None:
    with pytest.raises(kind, match=words):
        connect(url)


@both
@pytest.mark.parametrize("url", ["http://u:secret@a", "ws://u:secret@a:99999", "ws://u:secret@", "ws://a:x?t=secret"])
def test_an_error_does_not_show_a_password(connect: Callable[..., Any], url: str) -> None:
    with pytest.raises(ValueError, match="url must be") as refused:
        connect(url)
    assert "secret" not in str(refused.value)


@both
def test_a_password_is_not_shown(connect: Callable[..., Any]) -> None:
    throttle = connect("wss://user:password@localhost/throttle", token="secret")  # noqa: S106  not one
    assert repr(throttle).endswith("Throttle on wss://localhost/throttle/ws>")
    assert "secret" not in repr(throttle._options.settings)


WISHES: list[tuple[dict[str, Any], type[Exception], str]] = [
    ({"timeout": -1}, ValueError, "timeout must be .* None for ever; not -1"),
    ({"timeout": timedelta(seconds=-1)}, ValueError, "timeout must be .*not datetime"),
    ({"timeout": math.nan}, ValueError, "timeout must be .*not nan"),
    ({"timeout": "1s"}, TypeError, "timeout must be seconds .*, a timedelta, or None for ever; not '1s'"),
    ({"timeout": True}, TypeError, "timeout must be .*not True"),
    ({"semaphore": {}}, ValueError, "semaphore must have 1 to 64 names, not 0"),
    ({"semaphore": dict.fromkeys(map(str, range(65)), 1)}, ValueError, "1 to 64 names, not 65"),
    ({"semaphore": ""}, ValueError, "name of a semaphore must not be empty"),
    ({"semaphore": "\ud800"}, ValueError, r"surrogates.*not '\\ud800'"),
    ({"semaphore": "A\n"}, ValueError, r"name of a semaphore must have no control characters, not 'A\\n'"),
    ({"semaphore": "ü" * 65}, ValueError, "name of a semaphore must have at most 128 bytes, not 'ü"),
    ({"semaphore": None}, TypeError, "semaphore must be a name, or a mapping .*, not None"),
    ({"semaphore": ["A"]}, TypeError, r"semaphore must be a name, or a mapping .*, not \['A'\]"),
    ({"semaphore": {1: 1}}, TypeError, "name of a semaphore must be a text, not 1"),
    ({"semaphore": {"A": 1, "B": 0}}, ValueError, "count of 'B' must be a whole number from 1 to 2147483648, not 0"),
    ({"count": 0}, ValueError, "count of 'A' must be a whole number from 1 to 2147483648, not 0"),
    ({"count": 2**31 + 1}, ValueError, "count of 'A' must be .* not 2147483649"),
    ({"count": 2**70}, ValueError, "count of 'A' must be .* not 1180591620717411303424"),
    ({"count": 1.5}, TypeError, "count of 'A' must be a whole number .*, not 1.5"),
    ({"count": True}, TypeError, "count of 'A' must be .*, not True"),
    ({"count": None}, TypeError, "count of 'A' must be .*, not None"),
    ({"semaphore": {"A": 1}, "count": 2}, TypeError, "count must be left out .*, not 2"),
    ({"priority": 128}, ValueError, "priority must be a whole number from -128 to 127, not 128"),
    ({"priority": -129}, ValueError, "priority must be .*, not -129"),
    ({"priority": 1.5}, TypeError, "priority must be a whole number from -128 to 127, not 1.5"),
    ({"priority": "high"}, TypeError, "priority must be .*, not 'high'"),
    ({"priority": True}, TypeError, "priority must be .*, not True"),
    ({"on_lost": "ignore"}, ValueError, "on_lost must be 'raise'.* or a callable, not 'ignore'"),
    ({"on_lost": 3}, TypeError, "on_lost must be 'raise'.* or a callable, not 3"),
    ({"on_lost": coroutine}, TypeError, "on_lost must be .* no coroutine function"),
    ({"progress": 3}, TypeError, "progress must be True, a callable, or None, not 3"),
    ({"progress": functools.partial(coroutine)}, TypeError, "progress must be .* no coroutine function"),
    ({"tiemout": 1}, TypeError, "'tiemout'"),
]


@both
@pytest.mark.parametrize(("arguments", "kind", "words"), WISHES)
async def test_wrong_arguments_are_explained(
    connect: Callable[..., Any], arguments: dict[str, Any], kind: type[Exception], words: str
) -> None:
    throttle = connect("ws://localhost:1")
    for call in (throttle.lock, throttle.limit, throttle.acquire):
        with pytest.raises(kind, match=words):
            # With asyncio, `acquire` is a coroutine.
            await call(**({"semaphore": "A"} | arguments))
    assert (throttle._runner if connect is throttle_client.connect else throttle._link).get() is None


@both
def test_what_is_right_is_taken(connect: Callable[..., Any]) -> None:
    throttle = connect("ws://localhost:1", expires_in=timedelta(days=365), patience=math.inf, token="x" * 4000)
    for timeout in (0, 1.5, timedelta.max, 10**400, math.inf, None):
        throttle.lock("ü" * 64, Index(), timeout=timeout, priority=Index(), progress=False)
    assert repr(throttle.lock({"A": Index()})) == repr(throttle.lock("A", 3))
    assert len(default_label().encode()) <= 128


OPTIONS: list[tuple[dict[str, Any], type[Exception], str]] = [
    ({"label": "x" * 129}, ValueError, "label must have at most 128 bytes, not 'xxx"),
    ({"label": "a\nb"}, ValueError, r"label must have no control characters, not 'a\\nb'"),
    ({"label": "\ud800"}, ValueError, "label must have no surrogates"),
    ({"label": 3}, TypeError, "label must be a text, not 3"),
    ({"expires_in": 0}, ValueError, "expires_in must be seconds above 0, .* not 0"),
    ({"expires_in": -1}, ValueError, "expires_in must be .* not -1"),
    ({"expires_in": 1e12}, ValueError, "expires_in must be .* at most 365 days, .* not 1000000000000.0"),
    ({"expires_in": math.inf}, ValueError, "expires_in must be .* not inf"),
    ({"expires_in": None}, TypeError, "expires_in must be seconds above 0, or a timedelta; at most .*; not None"),
    ({"expires_in": "30"}, TypeError, "expires_in must be .* not '30'"),
    ({"patience": -1}, ValueError, "patience must be .* not -1"),
    ({"patience": 0}, ValueError, "patience must be seconds above 0, .* not 0"),
    ({"patience": "x"}, TypeError, "patience must be .* not 'x'"),
    ({"on_lost": "x"}, ValueError, "on_lost must be 'raise'.* not 'x'"),
    ({"on_lost": None}, TypeError, "on_lost must be 'raise'.* not None"),
    ({"ssl": 3}, TypeError, "ssl must be an ssl.SSLContext or None, not 3"),
    ({"ssl": ssl.create_default_context()}, ValueError, "ssl is for 'wss://...': with 'ws://localhost:1/ws' nothing"),
]


@both
@pytest.mark.parametrize(("options", "kind", "words"), OPTIONS)
def test_wrong_options_are_explained(
    connect: Callable[..., Any], options: dict[str, Any], kind: type[Exception], words: str
) -> None:
    with pytest.raises(kind, match=words):
        connect("ws://localhost:1", **options)


@both
@pytest.mark.parametrize("token", ["geheim\n", "geheim\ud800", b"geheim"])
def test_a_wrong_token_is_explained_and_not_shown(connect: Callable[..., Any], token: object) -> None:
    with pytest.raises((TypeError, ValueError), match=r"^token must (have no|be a text)") as refused:
        connect("ws://localhost:1", token=token)
    assert "geheim" not in str(refused.value)


def test_only_tasks_can_be_cancelled() -> None:
    aio.connect("ws://localhost:1", on_lost="cancel")
    with pytest.raises(ValueError, match="on_lost must be 'raise' or a callable, not 'cancel': a thread"):
        CONNECTS[0]("ws://localhost:1", on_lost="cancel")


# --- Over REST

NOWHERE = "http://127.0.0.1:1"

lock: Callable[..., Any] = throttle_client.lock

LOCKS: list[tuple[dict[str, Any], type[Exception], str]] = [
    ({"timeout": 2}, TypeError, r"timeout must be a timedelta, not 2; timedelta\(seconds=2\) is one"),
    ({"timeout": 0}, TypeError, "timeout must be a timedelta, not 0"),
    ({"timeout": "2"}, TypeError, "timeout must be a timedelta, not '2'$"),
    ({"timeout": -timedelta(seconds=1)}, ValueError, "timeout must be a timedelta that is not negative, not .*days=-1"),
    ({"count": 1.5}, TypeError, "count must be a whole number from 1 to 2147483648, not 1.5"),
    ({"count": "2"}, TypeError, "count must be .*, not '2'"),
    ({"count": True}, TypeError, "count must be .*, not True"),
    ({"count": 2**70}, ValueError, "count must be .*, not 1180591620717411303424"),
    ({"semaphore": ""}, ValueError, "name of a semaphore must not be empty"),
    ({"semaphore": None}, TypeError, "name of a semaphore must be a text, not None"),
    ({"tiemout": 2}, TypeError, r"^lock\(\) got an unexpected keyword argument 'tiemout'"),
]


@pytest.mark.parametrize(("arguments", "kind", "words"), LOCKS)
@pytest.mark.parametrize("server", [NOWHERE, Client(NOWHERE)], ids=["url", "client"])
def test_an_older_lock_explains_wrong_arguments(
    server: Any, arguments: dict[str, Any], kind: type[Exception], words: str
) -> None:
    with pytest.raises(kind, match=words):
        lock(server, **({"semaphore": "A"} | arguments))


REST_URLS: list[tuple[Any, type[Exception], str]] = [
    (
        "ws://localhost:8000",
        ValueError,
        "'ws://localhost:8000' is for WebSockets; give 'http://localhost:8000' here, or",
    ),
    ("wss://localhost", ValueError, "give 'https://localhost' here"),
    ("localhost:8000", ValueError, "URL must be like 'http://localhost:8000', not 'localhost:8000'"),
    ("http://localhost:99999", ValueError, "not 'http://localhost:99999': Port out of range"),
    ("", ValueError, "URL must be like .*, not ''"),
    (None, TypeError, "URL must be like .*, not None"),
]


@pytest.mark.parametrize(("url", "kind", "words"), REST_URLS)
def test_a_wrong_url_for_rest_is_explained(url: Any, kind: type[Exception], words: str) -> None:
    for call in (Client, Peer.from_server_url, get_local_peer):
        with pytest.raises(kind, match=words):
            call(url)
    with pytest.raises(kind, match=words), lock(url, "A"):
        pytest.fail("nobody is there")


@pytest.mark.parametrize("host", ["throttle_service:8000", "localhost.", "[::1]:8000", "user:password@host/path?x=1"])
def test_unusual_urls_are_taken(host: str) -> None:
    Client(f"http://{host}")
    for connect in CONNECTS:
        connect(f"ws://{host}")


def test_clients_and_peers_explain_wrong_arguments() -> None:
    client: Any = Client(NOWHERE)
    wrong: list[tuple[Callable[[], object], str]] = [
        (lambda: Client(NOWHERE, 30), "expiration_time must be a timedelta, not 30"),  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
        (lambda: Peer(NOWHERE), "client must be a Client, not 'http.*see Peer.from_server_url"),  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
        (lambda: Peer(client, expiration_time=client), "expiration_time must be a timedelta"),
        (lambda: PeerWithHeartbeat(client, heartbeat_interval=5), "heartbeat_interval must be a timedelta, not 5"),  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
        (lambda: client.new_peer(3), "expires_in must be a timedelta, not 3"),
        (lambda: client.acquire(1, "A", block_for=3), "block_for must be a timedelta, not 3"),
        (lambda: client.acquire(1, 7), "name of a semaphore must be a text, not 7"),
        (lambda: client.acquire(1, "A", 1.5), "count must be a whole number"),
        (lambda: client.heartbeat(1, 3), "expires_in must be a timedelta, not 3"),
        (lambda: client.restore(1, {}, 3), "expires_in must be a timedelta, not 3"),
    ]
    for call, words in wrong:
        with pytest.raises(TypeError, match=words):
            call()
