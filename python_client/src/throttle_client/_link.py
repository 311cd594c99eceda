"""Drives the machine with a connection, a clock and an event loop. All its methods are for that loop's thread only.

It decides nothing: what to send, when to connect again and what is lost is up to the machine. Both interfaces use it:
the asyncio one in the loop of the program, the blocking one in a loop of its own on a thread.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import socket
import ssl
from collections.abc import Callable
from typing import Any

from ._clock import now
from ._connection import Connection, dial
from ._errors import ThrottleError
from ._machine.session import Session
from ._machine.state import Hold, Report, Stage, Ticket
from ._options import Options
from ._websocket import Closing

logger = logging.getLogger("throttle_client")

# How long an attempt to connect may take, handshake and all.
_DIAL_TIMEOUT = 10.0

# How long to wait at the end until the server has said goodbye too.
_GOODBYE = 2.0


class Link:
    """One client's way to the server."""

    def __init__(self, options: Options) -> None:
        self.session = Session(options.settings)
        self._options = options
        self.loop = asyncio.get_running_loop()
        self._connection: Connection | None = None
        self._dialing: asyncio.Task[None] | None = None
        self._redial: asyncio.TimerHandle | None = None
        self._alarm: asyncio.TimerHandle | None = None
        self._alarm_at = 0.0
        self._flushing = False
        self._closed = False
        self._ready = self._was_ever_ready = self._warned = False
        self._ready_callbacks: list[Callable[[], None]] = []
        self._dial()

    # --- For users

    def submit(self, ticket: Ticket) -> None:
        """Ask for something."""
        self.session.submit(now(), ticket)
        self._follow_up()

    def abandon(self, ticket: Ticket) -> None:
        """Give a ticket up, however far it has come."""
        if ticket.stage is not Stage.ABANDONED:
            self.session.abandon(now(), ticket)
            self._follow_up()

    def release(self, hold: Hold) -> None:
        """Give back what is held."""
        self.session.release(now(), hold)
        self._follow_up()

    def forfeit(self, hold: Hold) -> None:
        """Take note that a lease was found to be unsafe."""
        self.session.forfeit(now(), hold)
        self._follow_up()

    def report(self, report: Report) -> None:
        """Tell something about a permit."""
        self.session.report(now(), report)
        self._follow_up()

    def when_ready(self, callback: Callable[[], None]) -> None:
        """Call back once the server has said welcome, or it is clear that it never will."""
        if self.session.ready or self.session.failure is not None:
            callback()
        else:
            self._ready_callbacks.append(callback)

    def unready(self) -> ThrottleError:
        """Tell why it is not ready."""
        return self.session.failure or self.session.unavailable()

    async def close(self) -> None:
        """Give everything back, and end the connection."""
        if self._closed:
            return
        self._closed = True
        self.session.close(now())
        self._follow_up()
        self._flush()
        for timer in (self._redial, self._alarm):
            if timer is not None:
                timer.cancel()
        try:
            if self._dialing is not None:
                self._dialing.cancel()
                await asyncio.wait([self._dialing])
            if self._connection is not None:
                await self._connection.close(_GOODBYE)
        finally:
            self.abort()

    def abort(self) -> None:
        """End without a word: locks are held until they expire."""
        self._closed = True
        for handle in (self._dialing, self._redial, self._alarm):
            if handle is not None:
                handle.cancel()
        if self._connection is not None:
            self._connection.abort()

    def disown(self) -> None:
        """In a forked child: what this link holds is the parent's, and so is the connection."""
        self._closed = True
        if self._connection is not None:
            self._connection.disown()
        self.session.disown()

    # --- The connection

    def _dial(self) -> None:
        self._redial = None
        self._dialing = self.loop.create_task(self._attempt(), name="throttle-connect")

    async def _attempt(self) -> None:
        try:
            async with asyncio.timeout(_DIAL_TIMEOUT):
                connection = await dial(self._options.url, self._options.context, self)
        except TimeoutError:
            closing = Closing(None, f"no answer within {_DIAL_TIMEOUT:g} s")
        except OSError as error:
            closing = _failed(error)
        else:
            if connection.was_open:
                return
            closing = await connection.ended
        self.ended(closing)

    def opened(self, connection: Connection) -> None:
        """Begin the session: called by a connection."""
        self._connection = connection
        self.session.begin(now())
        # Not later: whoever comes now may wait for the next frame.
        self._flush()

    def received(self, texts: list[str]) -> None:
        """Handle what has arrived: called by the connection."""
        time = now()
        for text in texts:
            for message in _messages(text):
                self.session.receive(time, message)
        if self.session.ready and not self._ready:
            self._greet()
        self._follow_up()

    def ended(self, closing: Closing) -> None:
        """See to it that there is another connection: called at the end of one, or of an attempt."""
        was_ready, self._ready, self._connection = self._ready, False, None
        if self._closed:
            return
        fatal = closing.fatal and not self._was_ever_ready
        delay = self.session.end(now(), closing.code, closing.why, fatal=fatal)
        self._follow_up()
        if delay is None:
            logger.error("%s: %s. It is of no use to try again.", self._options.place, closing.why)
            self._call_ready()
            return
        level = logging.WARNING if was_ready or not self._warned else logging.DEBUG
        logger.log(level, "%s: %s. Connecting again in %.1f s.", self._options.place, closing.why, delay)
        self._warned = True
        self._redial = self.loop.call_later(delay, self._dial)

    def _greet(self) -> None:
        self._ready = self._was_ever_ready = True
        if self._warned:
            logger.warning("%s: connected again.", self._options.place)
            self._warned = False
        self._call_ready()

    def _call_ready(self) -> None:
        callbacks, self._ready_callbacks = self._ready_callbacks, []
        for callback in callbacks:
            callback()

    # --- After every step

    def _follow_up(self) -> None:
        """Do what has become due with a step: tell the news, send what is to be sent, and set the alarm."""
        for signal in self.session.news():
            signal()
        if not self._flushing:
            self._flushing = True
            # Not now: what others ask for in this turn of the loop leaves in the same frame.
            self.loop.call_soon(self._flush)

    def _flush(self) -> None:
        self._flushing = False
        if self._connection is not None and self._connection.is_open:
            frames = self.session.frames()
            if frames:
                self._connection.send(frames)
        self._set_alarm()

    def _set_alarm(self) -> None:
        due = self.session.next_deadline()
        if due is None or self._closed or (self._alarm is not None and self._alarm_at <= due):
            return
        if self._alarm is not None:
            self._alarm.cancel()
        self._alarm_at = due
        self._alarm = self.loop.call_later(max(0.0, due - now()), self._tick)

    def _tick(self) -> None:
        self._alarm = None
        if self.session.tick(now()) and self._connection is not None:
            logger.warning("%s: the server does not answer.", self._options.place)
            self._connection.abort()
        self._follow_up()


def _failed(error: OSError) -> Closing:
    """Say why an attempt to connect has failed."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return Closing(None, f"the certificate is not trusted: {error.verify_message}", fatal=True)
    why = error.strerror or str(error)
    if isinstance(error, ssl.SSLError):
        return Closing(None, f"{why}; if the server has no TLS, its URL begins with 'ws://'")
    if error.errno and not isinstance(error, socket.gaierror):
        # That of asyncio names an address, and not what is the matter with it.
        why = os.strerror(error.errno)
    return Closing(None, why)


def _messages(text: str) -> list[dict[str, Any]]:
    """Read a frame; what is no message in it is left out."""
    frame: object = json.loads(text)
    candidates: list[Any] = frame if isinstance(frame, list) else [frame]  # pyright: ignore[reportUnknownVariableType]
    return [message for message in candidates if isinstance(message, dict)]
