"""WebSocket sessions with a WebSocket implementation that is not the server's own."""

import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import Any

import pytest
from throttle_client import Client, Peer
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Subprotocol

from conftest import Serve
from harness.server import Server

DEADLINE_SEC = 20
LONG = timedelta(seconds=15)

Message = dict[str, Any]


class Session:
    """One connection: frames out, messages in."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self._messages: list[Message] = []

    def send(self, *messages: Message) -> None:
        """Send messages in one frame."""
        self.socket.send(json.dumps(messages if len(messages) > 1 else messages[0]))

    def next(self) -> Message:
        """Return the next message."""
        while not self._messages:
            frame = json.loads(self.socket.recv(DEADLINE_SEC))
            self._messages = frame if isinstance(frame, list) else [frame]
        return self._messages.pop(0)

    def ask(self, *messages: Message) -> Message:
        """Send messages, and return the next one that comes."""
        self.send(*messages)
        return self.next()

    def close_code(self) -> int | None:
        """Read until the server closes."""
        with suppress(ConnectionClosed):
            while True:
                self.socket.recv(DEADLINE_SEC)
        return self.socket.close_code


@contextmanager
def session(server: Server) -> Iterator[Session]:
    url = server.url.replace("http://", "ws://") + "/ws"
    with connect(url, subprotocols=[Subprotocol("throttle.v1")], max_size=None) as socket:
        assert socket.subprotocol == "throttle.v1"
        yield Session(socket)


HELLO: Message = {"type": "hello", "id": 1, "client": "test/1"}
OPEN: Message = {"type": "open", "id": 2, "peer": 1, "expires_in_ms": 30_000}
ACQUIRE: Message = {"type": "acquire", "id": 3, "peer": 1, "want": {"A": 1}}
RELEASE: Message = {"type": "release", "id": 4, "peer": 1}


def test_one_frame_is_enough(serve: Serve) -> None:
    with session(serve("A = 1")) as one:
        one.send(HELLO, OPEN, ACQUIRE)
        assert [one.next()["type"] for _ in range(3)] == ["welcome", "opened", "granted"]


def test_a_grant_is_pushed(serve: Serve) -> None:
    server = serve("A = 1")
    with session(server) as one, session(server) as other:
        one.send(HELLO, OPEN | {"label": "one"}, ACQUIRE)
        granted = [one.next() for _ in range(3)][-1]
        other.send(HELLO, OPEN, ACQUIRE)
        queued = [other.next() for _ in range(3)][-1]
        assert (queued["type"], queued["position"], queued["blocked_by"]) == ("queued", 1, ["one"])
        assert one.ask(RELEASE)["type"] == "released"
        handed_on = other.next()
        assert (handed_on["type"], handed_on["id"]) == ("granted", 3)
        assert handed_on["locks"]["A"]["fence"] > granted["locks"]["A"]["fence"]


def test_sessions_and_the_rest_client_share_a_line(serve: Serve) -> None:
    server = serve("A = 1")
    peer = Peer(Client(server.url))
    assert peer.acquire("A")
    with session(server) as one:
        one.send(HELLO, OPEN, ACQUIRE)
        assert [one.next()["type"] for _ in range(3)] == ["welcome", "opened", "queued"]
        peer.release("A")
        assert one.next()["type"] == "granted"
        assert not peer.acquire("A")
        one.send({"type": "close", "peer": 1})
        assert peer.acquire("A", block_for=LONG)


def test_a_session_survives_its_connection(serve: Serve) -> None:
    server = serve("A = 1")
    with session(server) as one:
        one.send(HELLO, OPEN, ACQUIRE)
        opened = [one.next() for _ in range(3)][1]
        one.socket.socket.close()
    with session(server) as again:
        again.send(HELLO, OPEN | {"resume": opened["resume"], "held": {"A": 1}})
        resumed = [again.next() for _ in range(2)][-1]
        assert (resumed["held"]["A"]["count"], resumed["restored"]) == (1, False)


def test_a_session_survives_the_server(serve: Serve) -> None:
    server = serve("A = 1")
    with session(server) as one:
        one.send(HELLO, OPEN, ACQUIRE)
        opened = [one.next() for _ in range(3)][1]
        server.kill()
    server.start()
    with session(server) as again:
        again.send(HELLO, OPEN | {"resume": opened["resume"], "held": {"A": 1}}, ACQUIRE)
        _, restored, granted = [again.next() for _ in range(3)]
        assert (restored["restored"], granted["type"]) == (True, "granted")


@pytest.mark.parametrize(
    ("frame", "code"), [(b"binary", 1003), (" " * 65_537, 1009), ("[" + ",".join(["{}"] * 10) + "]", 4400)]
)
def test_each_end_has_its_code(serve: Serve, frame: str | bytes, code: int) -> None:
    with session(serve("A = 1")) as one:
        assert one.ask(HELLO)["type"] == "welcome"
        one.socket.send(frame)
        assert one.close_code() == code


def test_a_snapshot_in_fragments_is_whole(serve: Serve) -> None:
    names = [f"pool-{number}-\N{EURO SIGN}" for number in range(10_000)]
    with session(serve("\n".join(f'"{name}" = 1' for name in names))) as one:
        assert one.ask(HELLO)["type"] == "welcome"
        assert one.ask({"type": "watch", "id": 2})["type"] == "watching"
        fragments = list(one.socket.recv_streaming(decode=False))
        assert len(fragments) > 1
        state = json.loads(b"".join(fragments))
        assert (state["snapshot"], set(state["semaphores"])) == (True, set(names))
        assert one.ask({"type": "ping", "id": 3})["type"] == "pong"


def test_the_end_of_the_server_is_announced(serve: Serve) -> None:
    server = serve("A = 1")
    with session(server) as one:
        assert one.ask(HELLO)["type"] == "welcome"
        server.stop()
        assert one.next()["type"] == "draining"
        assert one.close_code() == 1012
