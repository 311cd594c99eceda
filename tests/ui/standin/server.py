"""Serves the page's files and the feed, in a thread of its own. Knobs make it silent, skip numbers, or vanish."""

import asyncio
import json
import threading
import time
from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path
from typing import Any, Self

from websockets.asyncio.server import Server as SocketServer
from websockets.asyncio.server import ServerConnection, serve
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from .model import Message, Model, now_ms

WEB = Path(__file__).parents[3] / "web"
KINDS = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
# As the server has it: the page must get along with it.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
SIGN_OF_LIFE_MS = 5_000
DEADLINE_SEC = 20


class StandIn:
    """A server that says what its model is."""

    def __init__(self, port: int = 0) -> None:
        """Prepare; `start` starts."""
        self.model = Model()
        self.port = port
        self.lock = threading.RLock()
        self.silent = False
        self.skip_number = False
        self.close_new_with: int | None = None
        self.watches = 0
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._server: SocketServer | None = None
        self._thread.start()

    @property
    def url(self) -> str:
        """Tell where the page is."""
        return f"http://127.0.0.1:{self.port}/"

    def start(self) -> Self:
        """Listen, on the same port as before."""
        self._run(self._listen())
        return self

    def stop(self) -> None:
        """Vanish, with all connections."""
        if self._server is not None:
            self._server.close()
            self._run(self._server.wait_closed())
            self._server = None

    def close(self) -> None:
        """End for good."""
        self.stop()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)

    def connections(self) -> int:
        """Count the sessions."""
        return len(self._server.connections) if self._server else 0

    def wait_for_connections(self, number: int) -> None:
        """Wait until there are as many sessions."""
        deadline = time.monotonic() + DEADLINE_SEC
        while self.connections() != number:
            assert time.monotonic() < deadline, f"{self.connections()} sessions, not {number}"
            time.sleep(0.05)

    def drop(self, code: int) -> None:
        """Close all sessions with a code."""
        for connection in list(self._server.connections) if self._server else []:
            self._run(connection.close(code))

    def change(self, change: Callable[[Model], None]) -> None:
        """Change the model, all at once."""
        with self.lock:
            change(self.model)

    def _run(self, what: Any) -> None:
        asyncio.run_coroutine_threadsafe(what, self._loop).result(5)

    async def _listen(self) -> None:
        self._server = await serve(
            self._session,
            "127.0.0.1",
            self.port,
            process_request=self._respond,
            subprotocols=["throttle.v1"],  # type: ignore[list-item]
        )
        self.port = self._server.sockets[0].getsockname()[1]

    # --- Files and history

    def _respond(self, _: ServerConnection, request: Request) -> Response | None:
        path = request.path.split("?")[0]
        if path == "/ws":
            return None
        if path == "/history":
            with self.lock:
                return _response(HTTPStatus.OK, "application/json", json.dumps(self.model.history()).encode())
        file = WEB / ("index.html" if path == "/" else path.removeprefix("/web/"))
        if path in ("/peers/", "/metrics") or not file.is_file():
            return _response(HTTPStatus.NOT_FOUND, "text/plain", b"nothing here")
        return _response(HTTPStatus.OK, KINDS[file.suffix], file.read_bytes())

    # --- The feed

    async def _session(self, connection: ServerConnection) -> None:
        if self.close_new_with is not None:
            await connection.close(self.close_new_with)
            return
        watches: dict[int, asyncio.Task[None]] = {}
        try:
            async for frame in connection:
                messages = json.loads(frame)
                for message in messages if isinstance(messages, list) else [messages]:
                    await self._answer(connection, message, watches)
        except ConnectionClosed:
            pass
        finally:
            for task in watches.values():
                task.cancel()

    async def _answer(
        self, connection: ServerConnection, message: Message, watches: dict[int, asyncio.Task[None]]
    ) -> None:
        match message["type"]:
            case "hello":
                about = {"server": "throttle/0.1.0", "epoch": self.model.epoch, "role": "operate"}
                await _send(connection, {"type": "welcome", **about})
            case "watch":
                self.watches += 1
                every = message.get("every_ms", 1_000)
                await _send(connection, {"type": "watching", "id": message["id"], "every_ms": every})
                watches[message["id"]] = asyncio.create_task(self._watch(connection, message["id"], every / 1000))
            case "unwatch":
                watches.pop(message["id"]).cancel()
            case "inspect":
                with self.lock:
                    answer = self._inspect(message)
                await _send(connection, {"id": message["id"], **answer})

    def _inspect(self, message: Message) -> Message:
        if "peer" in message:
            details, code = self.model.peer_details(message["peer"]), "unknown_peer"
        else:
            details, code = self.model.details(message["name"], message.get("limit", 100)), "unknown_semaphore"
        if details is None:
            return {"type": "error", "code": code, "message": "There is none.", "retryable": False}
        return {"type": "details", **details}

    async def _watch(self, connection: ServerConnection, id_: int, every: float) -> None:
        told: dict[str, Message] = {}
        number = event = spoken = 0
        while True:
            with self.lock:
                now = {name: self.model.seen(name) for name in self.model.semaphores}
                events = [it for it in self.model.events if it["n"] > event]
                server = self.model.server()
            changed = {name: seen for name, seen in now.items() if told.get(name) != seen}
            gone = [name for name in told if name not in now]
            due = changed or gone or events or now_ms() - spoken >= SIGN_OF_LIFE_MS
            if due and not self.silent:
                skip = self.skip_number and number > 0
                number += 2 if skip else 1
                self.skip_number = self.skip_number and not skip
                message = {"type": "state", "id": id_, "seq": number, "now_ms": now_ms(), "server": server}
                message |= {"semaphores": changed, "events": events}
                if number == 1:
                    message["snapshot"] = True
                if gone:
                    message["gone"] = gone
                await _send(connection, message)
                told, event, spoken = now, self.model.number, now_ms()
            await asyncio.sleep(every)


async def _send(connection: ServerConnection, message: Message) -> None:
    await connection.send(json.dumps(message))


def _response(status: HTTPStatus, kind: str, body: bytes) -> Response:
    headers = Headers({"Content-Type": kind, "Content-Length": str(len(body)), "Connection": "close"})
    headers["Content-Security-Policy"] = POLICY
    headers["X-Content-Type-Options"] = "nosniff"
    return Response(status.value, status.phrase, headers, body)
