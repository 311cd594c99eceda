"""One connection to the server, over asyncio: it carries texts. It knows nothing of messages and leases."""

from __future__ import annotations

import asyncio
import os
import ssl
from typing import Protocol
from urllib.parse import urlsplit

from ._websocket import Closing, WebSocket


class User(Protocol):
    """Who uses a connection: it is called back, in the thread of the event loop."""

    def opened(self, connection: Connection) -> None:
        """Texts can be sent from now on."""

    def received(self, texts: list[str]) -> None:
        """Take texts that have arrived."""

    def ended(self, closing: Closing) -> None:
        """Take note of the end of a connection that was open."""


# How much is read from the socket at once.
_BUFFER_BYTES = 64 * 1024


class Connection(asyncio.BufferedProtocol):
    """A WebSocket on a socket. Calls back when it is open, for texts, and once at its end if it was ever open.

    It reads into a buffer of its own: asyncio would have a new one of 256 KiB for each read, which can be most of the
    work.
    """

    def __init__(self, url: str, user: User) -> None:
        self._websocket = WebSocket(url)
        self._user = user
        self._buffer = memoryview(bytearray(_BUFFER_BYTES))
        self._transport: asyncio.Transport | None = None
        self.was_open = False
        loop = asyncio.get_running_loop()
        self.shaken: asyncio.Future[None] = loop.create_future()
        self.ended: asyncio.Future[Closing] = loop.create_future()

    # --- From the loop

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Send the handshake."""
        assert isinstance(transport, asyncio.Transport)  # noqa: S101  `create_connection` makes these
        self._transport = transport
        self._write()

    def get_buffer(self, sizehint: int) -> memoryview:  # noqa: ARG002  as asyncio calls it
        """Say where to put what arrives."""
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        """Hand on what has arrived."""
        texts = self._websocket.receive(bytes(self._buffer[:nbytes]))
        if not self.was_open and self._websocket.is_open:
            self.was_open = True
            self._user.opened(self)
            if not self.shaken.done():
                self.shaken.set_result(None)
        if texts:
            self._user.received(texts)
        self._write()
        if self._websocket.is_closing and self._transport is not None:
            self._transport.close()

    def eof_received(self) -> None:
        """See the server hang up."""
        self._websocket.receive_eof()

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell how it ended, whoever waits to hear it."""
        closing = self._websocket.closing(exc)
        self._transport = None
        if not self.ended.done():
            self.ended.set_result(closing)
        if not self.shaken.done():
            self.shaken.set_result(None)
        if self.was_open:
            self._user.ended(closing)

    # --- From the link

    @property
    def is_open(self) -> bool:
        """May texts be sent?"""
        return self._websocket.is_open and self._transport is not None

    def send(self, texts: list[str]) -> None:
        """Send texts, each as one frame, all in one go."""
        for text in texts:
            self._websocket.send(text)
        self._write()

    async def close(self, patience: float) -> None:
        """Say goodbye and wait for the answer, but not for longer than that many seconds."""
        if self.is_open:
            self._websocket.send_close()
            self._write()
            await asyncio.wait([self.ended], timeout=patience)
        self.abort()

    def abort(self) -> None:
        """Close the socket now."""
        if self._transport is not None:
            self._transport.abort()

    def disown(self) -> None:
        """In a forked child: let go of the socket without a word to the server, or to the parent's event loop."""
        if self._transport is None:
            return
        descriptor = self._transport.get_extra_info("socket").fileno()
        if descriptor >= 0:
            nothing = os.open(os.devnull, os.O_RDWR)
            os.dup2(nothing, descriptor)
            os.close(nothing)

    def _write(self) -> None:
        data = self._websocket.outgoing()
        if data and self._transport is not None and not self._transport.is_closing():
            self._transport.write(data)


async def dial(url: str, context: ssl.SSLContext | None, user: User) -> Connection:
    """Connect. Returns a connection that is open, or that has ended already; raises `OSError` when nobody is there."""
    parts = urlsplit(url)
    secure = parts.scheme == "wss"
    loop = asyncio.get_running_loop()
    _, connection = await loop.create_connection(
        lambda: Connection(url, user),
        parts.hostname or "",
        parts.port or (443 if secure else 80),
        ssl=(context or ssl.create_default_context()) if secure else None,
    )
    try:
        await connection.shaken
    except BaseException:
        connection.abort()
        raise
    return connection
