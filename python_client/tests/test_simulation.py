"""Several machines and a server that is a model, in a simulated world: connections break, messages are late.

Whatever happens, never more is held than the server has, counting what the clients believe to be safe; and for each
permit that somebody gets, tokens were taken, though permits of one task are inside each other and inside locks. The
world is random, with a seed for each test.
"""

from __future__ import annotations

import heapq
import json
import math
import random
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import pytest

from throttle_client._machine.session import Session
from throttle_client._machine.settings import Settings
from throttle_client._machine.state import Hold, Report, Stage, Ticket

EXPIRES_IN = 10.0
MAXIMA = {"A": 1, "B": 3}
# Has tokens for everybody: it counts how many are taken.
BUCKET = "C"
CLIENTS = 4
TASKS = 3
HORIZON = 400.0


@dataclass
class PeerModel:
    """What the server knows of a peer."""

    key: str
    link: Link | None
    number: int
    held: dict[str, tuple[int, int]] = field(default_factory=dict[str, tuple[int, int]])
    ticket: tuple[int, dict[str, int]] | None = None
    expires_at: float | None = None


class Model:
    """A server as docs/protocol.md describes it, without levels and without a network."""

    def __init__(self, max_peers: int) -> None:
        self.max_peers = max_peers
        self.peers: dict[str, PeerModel] = {}
        self.line: deque[PeerModel] = deque()
        self.numbers = count(1)
        self.fences = count(1)
        self.taken = 0

    def handle(self, now: float, link: Link, message: dict[str, Any]) -> None:
        """Handle one message."""
        self.expire(now)
        kind = message["type"]
        if kind == "hello":
            limits = {"max_frame_bytes": 65_536, "max_peers": self.max_peers, "max_expires_in_ms": 10**9}
            link.answer(
                {"type": "welcome", "id": message["id"], "epoch": "e", "heartbeat_ms": 15_000, "limits": limits}
            )
        elif kind == "ping":
            link.answer({"type": "pong", "id": message["id"]})
        elif kind == "open":
            self.open(link, message)
        else:
            peer = link.peers.get(message["peer"])
            if peer is not None:
                getattr(self, kind)(link, peer, message)
        self.serve()

    def open(self, link: Link, message: dict[str, Any]) -> None:
        """Bind a peer, which may have to be restored."""
        peer = self.peers.get(message.get("resume", ""))
        restored = "resume" in message and peer is None
        if peer is None:
            key = message.get("resume") or f"s{next(self.numbers)}"
            peer = self.peers[key] = PeerModel(key, link, message["peer"])
            for name, number in message.get("held", {}).items():
                self.grant(peer, name, number)
        elif peer.link is not None:
            peer.link.peers.pop(peer.number, None)
            peer.link.answer({"type": "lost", "peer": peer.number, "reason": "superseded", "locks": {}})
        peer.link, peer.number, peer.expires_at = link, message["peer"], None
        link.peers[peer.number] = peer
        answer = {"type": "opened", "id": message["id"], "peer": peer.number, "resume": peer.key, "restored": restored}
        link.answer(answer | {"held": locks(peer), "pending": peer.ticket is not None})

    def acquire(self, link: Link, peer: PeerModel, message: dict[str, Any]) -> None:
        """Grant what is held, or get in line, or refuse who does not want to stand there."""
        want = message["want"]
        if all(peer.held.get(name, (0, 0))[0] == number for name, number in want.items()):
            granted = {name: locks(peer)[name] for name in want}
            link.answer({"type": "granted", "id": message["id"], "peer": peer.number, "locks": granted})
            return
        if peer.ticket is None:
            self.line.append(peer)
        peer.ticket = (message["id"], want)
        self.serve()
        if peer in self.line:
            if message.get("timeout_ms") == 0:
                self.leave(peer)
                link.answer({"type": "error", "id": message["id"], "code": "timeout", "message": "no"})
            else:
                link.answer({"type": "queued", "id": message["id"], "peer": peer.number, "position": 1})

    def cancel(self, link: Link, peer: PeerModel, _: dict[str, Any]) -> None:
        """End a wait."""
        if peer.ticket is not None:
            link.answer({"type": "error", "id": peer.ticket[0], "code": "cancelled", "message": "cancelled"})
            self.leave(peer)

    def release(self, _: Link, peer: PeerModel, message: dict[str, Any]) -> None:
        """Give up locks."""
        for name in message["names"]:
            peer.held.pop(name, None)

    def close(self, link: Link, peer: PeerModel, _: dict[str, Any]) -> None:
        """Forget a peer."""
        self.leave(peer)
        link.peers.pop(peer.number)
        del self.peers[peer.key]

    def disconnect(self, now: float, link: Link) -> None:
        """See a connection end: the time to live of its peers begins to run."""
        for peer in link.peers.values():
            peer.link, peer.expires_at = None, now + EXPIRES_IN
        link.peers.clear()

    def expire(self, now: float) -> None:
        """Take away who is over."""
        for peer in list(self.peers.values()):
            if peer.expires_at is not None and now >= peer.expires_at:
                self.leave(peer)
                del self.peers[peer.key]
        self.serve()

    def serve(self) -> None:
        """Grant to who is first in line, as long as there is room."""
        while self.line:
            peer = self.line[0]
            message_id, want = peer.ticket or (0, {})
            if any(self.held(name) + number > MAXIMA.get(name, math.inf) for name, number in want.items()):
                return
            self.leave(peer)
            for name, number in want.items():
                self.grant(peer, name, number)
            if peer.link is not None:
                granted = {name: locks(peer)[name] for name in want}
                peer.link.answer({"type": "granted", "id": message_id, "peer": peer.number, "locks": granted})

    def grant(self, peer: PeerModel, name: str, number: int) -> None:
        """Have a peer hold something; what is of a bucket is taken, and not given back."""
        peer.held[name] = (number, next(self.fences))
        self.taken += number * (name == BUCKET)

    def settle(self, link: Link, peer: PeerModel, message: dict[str, Any]) -> None:
        """Correct what a permit has taken."""
        if BUCKET not in peer.held:
            link.answer({"type": "error", "id": message.get("id"), "code": "not_held", "message": "no"})
            return
        before, fence = peer.held[BUCKET]
        peer.held[BUCKET] = (message["used"][BUCKET], fence)
        self.taken += message["used"][BUCKET] - before
        if "id" in message:
            link.answer({"type": "settled", "id": message["id"], "peer": peer.number})

    def leave(self, peer: PeerModel) -> None:
        """Take a peer out of the line."""
        if peer.ticket is not None:
            peer.ticket = None
            self.line.remove(peer)

    def held(self, name: str) -> int:
        """Sum up what is held."""
        return sum(peer.held.get(name, (0, 0))[0] for peer in self.peers.values())


def locks(peer: PeerModel) -> dict[str, Any]:
    """Write what a peer holds."""
    return {name: {"count": number, "fence": fence} for name, (number, fence) in peer.held.items()}


class Link:
    """A connection in the simulated world: each direction keeps its order, and may be slow."""

    def __init__(self, world: World, client: Client) -> None:
        self.world, self.client, self.number = world, client, next(world.links)
        self.peers: dict[int, PeerModel] = {}
        self.broken = False
        self._to_server = self._to_client = 0.0

    def send(self, frames: list[str]) -> None:
        """Carry frames to the server. What was sent before the end arrives, late perhaps."""
        for frame in frames:
            self._to_server = max(self._to_server, self.world.now + self.world.delay())
            content: Any = json.loads(frame)
            messages: list[Any] = content if isinstance(content, list) else [content]  # pyright: ignore[reportUnknownVariableType]
            for message in messages:
                self.world.at(self._to_server, lambda m=message: self.world.server_gets(self, m))  # type: ignore[misc]

    def answer(self, message: dict[str, Any]) -> None:
        """Carry a message to the client, if it is still there when it arrives."""
        self._to_client = max(self._to_client, self.world.now + self.world.delay())
        self.world.at(self._to_client, lambda: self.client.gets(self, message))

    def cut(self) -> None:
        """Break it. The server notices after what was sent; the client may notice at any time."""
        if not self.broken:
            self.broken = True
            self._to_server = max(self._to_server, self.world.now + self.world.delay())
            self.world.at(self._to_server, lambda: self.world.server.disconnect(self.world.now, self))
            self.world.at(self.world.now + self.world.delay(), lambda: self.client.ended(self))


class Client:
    """A machine with tasks that acquire, hold for a while, and release."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.session = Session(Settings(expires_in=EXPIRES_IN, patience=None), world.chance.random)
        self.link: Link | None = None
        self.holds: list[Hold] = []
        self.permits: list[Hold] = []
        self.served = self.took = self.reported = 0
        # The latest of its connections from which the server has heard.
        self.heard = 0
        self.connect()
        for task in range(TASKS):
            world.at(world.chance.uniform(0, 5), lambda t=task: self.ask(t))  # type: ignore[misc]

    def connect(self) -> None:
        """Connect."""
        self.link = Link(self.world, self)
        self.session.begin(self.world.now)
        self.follow_up()

    def gets(self, link: Link, message: dict[str, Any]) -> None:
        """Get a message, unless the connection is over."""
        if link is self.link:
            self.session.receive(self.world.now, message)
            self.follow_up()

    def ended(self, link: Link) -> None:
        """Notice the end of a connection."""
        if link is self.link:
            self.link = None
            delay = self.session.end(self.world.now, None, "it broke")
            assert delay is not None
            self.world.at(self.world.now + delay, self.connect)
            self.follow_up()

    def ask(self, task: int) -> None:
        """Begin a round of a task."""
        chance = self.world.chance
        want = chance.choice([{"A": 1}, {"B": 1}, {"B": 2}, {"A": 1, "B": 1}])
        ticket = Ticket(task, want, chance.choice([None, 0, 3.0]))
        ticket.signal = lambda: self.settled(task, ticket)
        self.session.submit(self.world.now, ticket)
        if chance.random() < 0.2:
            self.world.at(self.world.now + chance.uniform(0, 4), lambda: self.give_up(task, ticket))
        self.follow_up()

    def settled(self, task: int, ticket: Ticket) -> None:
        """Hold what was granted for a while, or try again."""
        chance, now = self.world.chance, self.world.now
        if ticket.stage is Stage.GRANTED and ticket.hold is not None:
            hold = ticket.hold
            self.served += 1
            self.holds.append(hold)
            self.world.at(now + chance.uniform(0, 6), lambda: self.release(task, hold))
            for _ in range(chance.choice([0, 0, 1, 2])):
                self.world.at(now + chance.uniform(0, 6), lambda: self.take(task))
        elif ticket.stage is Stage.FAILED:
            self.world.at(now + chance.uniform(0.1, 2), lambda: self.ask(task))

    def take(self, task: int) -> None:
        """Take from the bucket, whatever else the task holds or waits for."""
        ticket = Ticket(task, {BUCKET: 1}, permit=True)
        ticket.signal = lambda: self.took_it(ticket)
        self.session.submit(self.world.now, ticket)
        self.follow_up()

    def took_it(self, ticket: Ticket) -> None:
        """Hold a permit for a while, and say perhaps that twice as much was used."""
        permit, chance, now = ticket.hold, self.world.chance, self.world.now
        if permit is not None:
            self.took += 1
            self.permits.append(permit)
            if chance.random() < 0.5:
                self.world.at(now + chance.uniform(0, 3), lambda: self.report(permit))
            self.world.at(now + chance.uniform(3, 20), lambda: self.put_back(permit))

    def report(self, permit: Hold) -> None:
        """Settle a permit."""
        report = Report(permit, "settle", {"used": {BUCKET: 2}})

        def reported() -> None:
            self.reported += report.done and report.error is None

        report.signal = reported
        self.session.report(self.world.now, report)
        self.follow_up()

    def put_back(self, permit: Hold) -> None:
        """End the block of a permit."""
        self.permits.remove(permit)
        self.session.release(self.world.now, permit)
        self.follow_up()

    def give_up(self, task: int, ticket: Ticket) -> None:
        """Cancel a task that waits."""
        if ticket.stage is Stage.WAITING:
            self.session.abandon(self.world.now, ticket)
            self.world.at(self.world.now + 0.1, lambda: self.ask(task))
            self.follow_up()

    def release(self, task: int, hold: Hold) -> None:
        """End a block."""
        self.holds.remove(hold)
        self.session.release(self.world.now, hold)
        self.world.at(self.world.now + self.world.chance.uniform(0, 2), lambda: self.ask(task))
        self.follow_up()

    def tick(self) -> None:
        """Let time pass."""
        due = self.session.next_deadline()
        if due is not None and due <= self.world.now:
            if self.session.tick(self.world.now) and self.link is not None:
                self.link.cut()
                self.ended(self.link)
            self.follow_up()

    def follow_up(self) -> None:
        """Do what a shell does after each step."""
        for signal in self.session.news():
            signal()
        frames = self.session.frames()
        if self.link is not None and not self.link.broken:
            self.link.send(frames)
        due = self.session.next_deadline()
        if due is not None:
            self.world.at(max(due, self.world.now), self.tick)


class World:
    """Events in their order, and a clock that jumps to the next one."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)  # noqa: S311  no secret
        self.now = 0.0
        self._events: list[tuple[float, int, Callable[[], object]]] = []
        self._order = count()
        self.links = count()
        # Sometimes there is a peer for each task, and hardly one more for a permit.
        self.server = Model(self.chance.choice([1_024, TASKS + 1]))
        self.clients = [Client(self) for _ in range(CLIENTS)]

    def delay(self) -> float:
        """Choose how long a message takes: nearly nothing, or much too long."""
        return self.chance.choice([0.001, 0.01, 0.1]) if self.chance.random() < 0.97 else self.chance.uniform(1, 15)

    def at(self, time: float, event: Callable[[], object]) -> None:
        """Plan an event."""
        heapq.heappush(self._events, (time, next(self._order), event))

    def server_gets(self, link: Link, message: dict[str, Any]) -> None:
        """Have the server handle a message, unless it comes from a connection that was given up for one that is here.

        Such a straggler would have the peers back that its successor has resumed. TCP does not deliver it, and the
        client has no means against a proxy that does: the protocol does not tell an earlier `open` from a later one.
        """
        client = link.client
        if link.number >= client.heard:
            client.heard = link.number
            self.server.handle(self.now, link, message)

    def run(self) -> None:
        """Let everything happen, and look at everything after each event."""
        self.at(5, self.break_something)
        while self._events and self._events[0][0] < HORIZON:
            self.now, _, event = heapq.heappop(self._events)
            self.server.expire(self.now)
            event()
            self.check()

    def break_something(self) -> None:
        """Break a connection, again and again."""
        link = self.chance.choice(self.clients).link
        if link is not None:
            link.cut()
        self.at(self.now + self.chance.uniform(1, 20), self.break_something)

    def check(self) -> None:
        """See that never more is safely held than there is."""
        for name, most in MAXIMA.items():
            safe = sum(
                hold.counts.get(name, 0)
                for client in self.clients
                for hold in client.holds
                if client.session.is_safe(self.now, hold)
            )
            assert safe <= most, f"{safe} of {name} are held at {self.now}"
        took = sum(client.took + client.reported for client in self.clients)
        assert took <= self.server.taken, f"{took} of {BUCKET} were taken, {self.server.taken} given at {self.now}"
        for client in self.clients:
            assert all(client.session.is_safe(self.now, permit) for permit in client.permits)


@pytest.mark.parametrize("seed", range(24))
def test_never_more_is_held_than_there_is(seed: int) -> None:
    world = World(seed)
    world.run()
    assert sum(client.served for client in world.clients) > 50
    assert sum(client.took for client in world.clients) > 30
    assert sum(client.reported for client in world.clients) > 10
