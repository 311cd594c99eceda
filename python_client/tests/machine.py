"""A machine under test: what it sends is read, what the server says is made up, and time passes as told."""

from __future__ import annotations

import json
from collections.abc import Hashable, Mapping
from typing import Any

from throttle_client._machine.session import Session
from throttle_client._machine.settings import Settings
from throttle_client._machine.state import Hold, Stage, Ticket

Message = dict[str, Any]

WELCOME: Message = {
    "type": "welcome",
    "id": 1,
    "server": "throttle/test",
    "epoch": "e1",
    "heartbeat_ms": 15_000,
    "limits": {"max_frame_bytes": 65_536, "max_peers": 1_024, "max_expires_in_ms": 365 * 24 * 3_600_000},
}


class Machine:
    """A session, with a clock that stands still until it is told to go on."""

    def __init__(self, *, chance: float = 0.5, connect: bool = True, **settings: Any) -> None:
        self.session = Session(Settings(**settings), lambda: chance)
        self.now = 100.0
        self.fence = 0
        # The numbers that the next locks get, of the semaphores that have some.
        self.slots: dict[str, list[int]] = {}
        self.news: list[object] = []
        if connect:
            self.connect()

    def connect(self, **welcome: Any) -> list[Message]:
        """Connect and be welcomed; returns what was sent along with the greeting and after it."""
        self.session.begin(self.now)
        sent = self.sent()
        assert sent[0]["type"] == "hello"
        self.say(WELCOME | welcome)
        return sent[1:] + self.sent()

    def drop(self, code: int | None = None) -> float | None:
        """Break the connection."""
        return self.session.end(self.now, code, "it broke")

    def frames(self) -> list[str]:
        """Take out what is sent, as frames."""
        return self.session.frames()

    def sent(self) -> list[Message]:
        """Take out what is sent, as messages."""
        messages: list[Message] = []
        for frame in self.frames():
            content = json.loads(frame)
            messages += content if isinstance(content, list) else [content]
        return messages

    def say(self, *messages: Message) -> None:
        """Have the server say something."""
        for message in messages:
            self.session.receive(self.now, message)
        for signal in self.session.news():
            signal()

    def wait(self, seconds: float) -> bool:
        """Let time pass, with a tick at every deadline on the way; tells whether the connection was found dead."""
        end = self.now + seconds
        dead = False
        while True:
            due = self.session.next_deadline()
            if due is None or due > end:
                break
            self.now = max(self.now, due)
            dead = self.session.tick(self.now) or dead
        self.now = end
        for signal in self.session.news():
            signal()
        return dead

    def ask(self, want: Mapping[str, int] | str = "A", owner: Hashable = "task", **options: Any) -> Ticket:
        """Submit a ticket."""
        ticket = Ticket(owner, {want: 1} if isinstance(want, str) else want, **options)
        ticket.signal = lambda: self.news.append(ticket)
        self.session.submit(self.now, ticket)
        for signal in self.session.news():
            signal()
        return ticket

    def answer(self, sent: list[Message], *, restored: bool = False, held: Message | None = None) -> None:
        """Answer everything that was sent as a server would that has everything to give."""
        for message in sent:
            if message["type"] == "open":
                answer = {"type": "opened", "resume": f"key-{message['peer']}", "restored": restored}
                claimed = self.locks(message.get("held", {}), message.get("slots", {}))
                self.say(
                    answer | {"id": message["id"], "peer": message["peer"], "held": claimed if held is None else held}
                )
            elif message["type"] == "acquire":
                self.grant(message)
            elif message["type"] == "ping":
                self.say({"type": "pong", "id": message["id"]})

    def grant(self, acquire: Message) -> None:
        """Grant what was asked for."""
        locks = self.locks(acquire["want"], self.slots)
        self.say({"type": "granted", "id": acquire["id"], "peer": acquire["peer"], "locks": locks, "waited_ms": 0})

    def locks(self, counts: Mapping[str, int], slots: Mapping[str, list[int]] | None = None) -> Message:
        """Make locks with new fences, and with these numbers."""
        self.fence += 1
        slots = slots or {}
        return {
            name: {"count": count, "fence": self.fence} | ({"slots": slots[name]} if name in slots else {})
            for name, count in counts.items()
        }

    def hold(self, want: Mapping[str, int] | str = "A", owner: Hashable = "task") -> Hold:
        """Ask for something and get it."""
        ticket = self.ask(want, owner)
        self.answer(self.sent())
        assert ticket.stage is Stage.GRANTED
        assert ticket.hold is not None
        ticket.hold.signal = lambda: self.news.append(ticket.hold)
        return ticket.hold


def kinds(messages: list[Message]) -> list[str]:
    """Tell the types of messages."""
    return [message["type"] for message in messages]


def find(messages: list[Message], kind: str) -> Message:
    """Find the only message of a type."""
    (found,) = (message for message in messages if message["type"] == kind)
    return found
