"""
Where something happens for the page to see: the server program, or the stand-in.

A test that takes a `stage` runs on either. What only a stand-in does (falling silent, skipping numbers, a whole company
at work) is for tests that take `standin`.
"""

import json
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from harness.port import Port
from harness.server import Server
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Subprotocol

from standin.model import Model, Semaphore
from standin.server import StandIn

DEADLINE_SEC = 20

# By name, what the configuration says of them.
Buckets = Mapping[str, Mapping[str, int | str]]
NO_BUCKETS: Buckets = {}


class Stage(Protocol):
    """A server with workers, called by their labels."""

    @property
    def url(self) -> str:
        """Where the page is."""

    def hold(self, label: str, semaphore: str, count: int = 1) -> None:
        """Have a worker acquire what is to be had at once."""

    def wait(self, label: str, semaphore: str, count: int = 1) -> None:
        """Have a worker stand in line."""

    def release(self, label: str, semaphore: str) -> None:
        """Have a worker give a lock back."""

    def leave(self, label: str) -> None:
        """Have a worker go, with all that it holds."""

    def kill(self) -> None:
        """End the server as a crash would."""

    def start(self) -> None:
        """Start it again, where it was."""

    def close(self) -> None:
        """End it all."""


class StandInStage:
    """The stand-in."""

    def __init__(self, semaphores: Mapping[str, int]) -> None:
        self.standin = StandIn().start()
        self._semaphores = dict(semaphores)
        self.standin.change(self._fill)

    @property
    def url(self) -> str:
        """Where the page is."""
        return self.standin.url

    def hold(self, label: str, semaphore: str, count: int = 1) -> None:
        """Have a worker acquire what is to be had at once."""
        self.standin.change(lambda model: model.acquire(model.peer(f"s-{label}", label=label), semaphore, count))

    wait = hold

    def release(self, label: str, semaphore: str) -> None:
        """Have a worker give a lock back."""
        self.standin.change(lambda model: model.release(model.peers[f"s-{label}"], semaphore))

    def leave(self, label: str) -> None:
        """Have a worker go, with all that it holds."""

        def go(model: Model) -> None:
            peer = model.peers[f"s-{label}"]
            for name in list(peer.locks):
                model.release(peer, name, "closed")
            del model.peers[peer.id]

        self.standin.change(go)

    def kill(self) -> None:
        """End the server as a crash would."""
        self.standin.stop()

    def start(self) -> None:
        """Start it again, where it was, with nothing of what it knew."""
        self.standin.model = Model()
        self.standin.model.epoch = "65a2"
        self.standin.change(self._fill)
        self.standin.start()

    def close(self) -> None:
        """End it all."""
        self.standin.close()

    def _fill(self, model: Model) -> None:
        model.semaphores |= {name: Semaphore(most) for name, most in self._semaphores.items()}


class ServerStage:
    """The server program, with a WebSocket session for each worker."""

    def __init__(
        self, program: Path, directory: Path, semaphores: Mapping[str, int], buckets: Buckets, web: Path | None
    ) -> None:
        self.configuration = directory / "throttle.toml"
        self._web = web
        self._buckets = buckets
        self.write(semaphores)
        self._port = Port()
        self._server = Server(program, self.configuration, self._port)
        self._workers: dict[str, ClientConnection] = {}
        self._server.start()

    @property
    def url(self) -> str:
        """Where the page is."""
        return f"{self._server.url}/"

    def hold(self, label: str, semaphore: str, count: int = 1) -> None:
        """Have a worker acquire what is to be had at once."""
        self._ask(label, "granted", type="acquire", want={semaphore: count})

    def wait(self, label: str, semaphore: str, count: int = 1) -> None:
        """Have a worker stand in line."""
        self._ask(label, "queued", type="acquire", want={semaphore: count})

    def release(self, label: str, semaphore: str) -> None:
        """Have a worker give a lock back."""
        self._ask(label, "released", type="release", names=[semaphore])

    def leave(self, label: str) -> None:
        """Have a worker go, with all that it holds."""
        self._ask(label, "closed", type="close")
        self._workers.pop(label).close()

    def take(self, bucket: str, count: int = 1) -> None:
        """Take tokens as a program does that sleeps until they are due."""
        self._post(f"buckets/{bucket}/permits", {"count": count})

    def throttled(self, bucket: str, retry_after: str) -> None:
        """Say that what is behind a bucket refuses everybody."""
        self._post(f"buckets/{bucket}/throttled", {"retry_after": retry_after})

    def write(self, semaphores: Mapping[str, int]) -> None:
        """Write the configuration, which the server reads at its start and when it is told to."""
        head = [] if self._web is None else [f"web_dir = {json.dumps(str(self._web))}"]
        lines = [f"{json.dumps(name, ensure_ascii=False)} = {most}" for name, most in semaphores.items()]
        lines += ["[buckets]"] if self._buckets else []
        for name, settings in self._buckets.items():
            values = ", ".join(f"{key} = {json.dumps(value)}" for key, value in settings.items())
            lines.append(f"{json.dumps(name, ensure_ascii=False)} = {{ {values} }}")
        self.configuration.write_text("\n".join([*head, "[semaphores]", *lines, ""]), encoding="utf-8")

    def hear(self, label: str, kind: str) -> Any:  # noqa: ANN401
        """Wait until a worker is told something of that type."""
        return _until(self._workers[label], kind)

    def kill(self) -> None:
        """End the server as a crash would."""
        self._server.kill()
        self._workers.clear()

    def start(self) -> None:
        """Start it again, where it was, with nothing of what it knew."""
        self._server.start()

    def close(self) -> None:
        """End it all."""
        for worker in self._workers.values():
            worker.close()
        self._server.stop()
        self._port.close()

    def _post(self, path: str, body: dict[str, Any]) -> None:
        url = f"{self._server.url}/{path}"
        request = urllib.request.Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"})  # noqa: S310
        with urllib.request.urlopen(request, timeout=DEADLINE_SEC):  # noqa: S310  the scheme is http
            pass

    def _ask(self, label: str, answer: str, **message: Any) -> None:  # noqa: ANN401
        if label not in self._workers:
            url = self._server.url.replace("http://", "ws://") + "/ws"
            worker = self._workers[label] = connect(url, subprotocols=[Subprotocol("throttle.v1")])
            opening = {"type": "open", "id": 1, "peer": 1, "expires_in_ms": 30_000, "label": label}
            worker.send(json.dumps([{"type": "hello"}, opening]))
            _until(worker, "opened")
        worker = self._workers[label]
        worker.send(json.dumps({"id": 2, "peer": 1, **message}))
        _until(worker, answer)


def _until(worker: ClientConnection, kind: str) -> Any:  # noqa: ANN401
    """Read until a message of that type comes; an error is none."""
    while True:
        frame = json.loads(worker.recv(DEADLINE_SEC))
        for message in frame if isinstance(frame, list) else [frame]:
            if message["type"] == kind:
                return message
            if message["type"] == "error":
                raise AssertionError(message)
