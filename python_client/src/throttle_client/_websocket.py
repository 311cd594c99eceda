"""A WebSocket without a socket: bytes in, texts out, and the other way round. What the texts mean is not known here."""

from __future__ import annotations

from dataclasses import dataclass

from websockets.client import ClientProtocol
from websockets.exceptions import InvalidStatus
from websockets.frames import Frame, Opcode
from websockets.http11 import Response
from websockets.protocol import State
from websockets.typing import Subprotocol
from websockets.uri import parse_uri

SUBPROTOCOL = "throttle.v1"

# Far more than the server ever packs into a frame.
_MAX_BYTES = 16 * 2**20


@dataclass(frozen=True, slots=True)
class Closing:
    """How a connection ended: with a close code, or without one when it broke."""

    code: int | None
    why: str
    fatal: bool = False


class WebSocket:
    """One connection's state: the handshake, then texts, then the end."""

    def __init__(self, url: str) -> None:
        self._protocol = ClientProtocol(parse_uri(url), subprotocols=[Subprotocol(SUBPROTOCOL)], max_size=_MAX_BYTES)
        self._protocol.send_request(self._protocol.connect())
        self._parts: list[bytes] = []
        self._refusal: Closing | None = None

    @property
    def is_open(self) -> bool:
        """May texts be sent?"""
        return self._protocol.state is State.OPEN

    @property
    def is_closing(self) -> bool:
        """Is there nothing left to do but to close the socket?"""
        return self._refusal is not None or self._protocol.close_expected()

    def receive(self, data: bytes) -> list[str]:
        """Take bytes from the socket; returns the texts that are complete with them."""
        self._protocol.receive_data(data)
        texts: list[str] = []
        for event in self._protocol.events_received():
            if isinstance(event, Response):
                self._refusal = _refusal(self._protocol.handshake_exc, event)
            elif isinstance(event, Frame) and event.opcode in (Opcode.TEXT, Opcode.CONT):
                self._parts.append(bytes(event.data))
                if event.fin:
                    texts.append(b"".join(self._parts).decode())
                    self._parts.clear()
        return texts

    def receive_eof(self) -> None:
        """Take note that no bytes will come any more."""
        self._protocol.receive_eof()

    def send(self, text: str) -> None:
        """Put a text behind what is to be written."""
        self._protocol.send_text(text.encode())

    def send_close(self) -> None:
        """Say goodbye."""
        self._protocol.send_close(1000)

    def outgoing(self) -> bytes:
        """Take out the bytes that are to be written to the socket."""
        return b"".join(self._protocol.data_to_send())

    def closing(self, error: Exception | None) -> Closing:
        """Tell how it ended, once the socket is closed."""
        if self._refusal is not None:
            return self._refusal
        received = self._protocol.close_rcvd
        if received is not None:
            return Closing(received.code, f"closed by the server with {received}")
        if self._protocol.handshake_exc is not None:
            why = f"no WebSocket handshake: {self._protocol.handshake_exc}"
            return Closing(None, f"{why}; if the server has TLS, its URL begins with 'wss://'")
        return Closing(None, f"the connection broke: {error}" if error else "the connection broke")


def _refusal(error: Exception | None, response: Response) -> Closing | None:
    if error is None:
        return None
    if isinstance(error, InvalidStatus):
        status = response.status_code
        again = status in (408, 429) or status >= 500  # noqa: PLR2004  statuses are numbers
        return Closing(None, f"the server answered {status} {response.reason_phrase}", fatal=not again)
    return Closing(None, f"that is no throttle server: {error}", fatal=True)
