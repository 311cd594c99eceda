"""What is said to the server, as texts, and the numbers that it says. It must not decide what to say.

What is said for every lease is put together by hand: that takes a tenth of the time of an encoder.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from json.encoder import encode_basestring_ascii as quoted
from typing import Any

from .settings import Settings
from .state import Message, Peer, Ticket

# Escapes everything that is not ASCII, as `quoted` does: so the length of a text is its length in bytes.
encode = json.JSONEncoder(separators=(",", ":"), check_circular=False).encode


def hello(message_id: int, settings: Settings) -> str:
    """Greet."""
    greeting: dict[str, Any] = {"type": "hello", "id": message_id, "client": settings.client}
    if settings.token is not None:
        greeting["token"] = settings.token
    return encode(greeting)


def opening(message_id: int, peer: Peer, settings: Settings, claim: Message) -> str:
    """Bind a peer to the connection: a new one, or one that the server should know and of which it is told this."""
    message: dict[str, Any] = {
        "type": "open",
        "id": message_id,
        "peer": peer.number,
        "expires_in_ms": _milliseconds(settings.expires_in),
    }
    if settings.label:
        message["label"] = settings.label
    if peer.key is not None:
        message["resume"] = peer.key
        message.update((field, said) for field, said in claim.items() if said)
    return encode(message)


def acquire(ticket: Ticket, peer: Peer, now: float, max_expires_in: float) -> str:
    """Ask for what a ticket wants, and for no longer than it still has."""
    want = ",".join([f"{quoted(name)}:{count}" for name, count in ticket.want.items()])
    options = ""
    if ticket.timeout is not None or ticket.max_wait is not None:
        options = _limit("timeout_ms", ticket, ticket.timeout, now, max_expires_in)
        options += _limit("max_wait_ms", ticket, ticket.max_wait, now, max_expires_in)
    if ticket.priority:
        options += f',"priority":{ticket.priority}'
    if ticket.progress:
        options += ',"progress":true'
    if ticket.declare:
        options += f',"declare":{encode(ticket.declare)}'
    return f'{{"type":"acquire","id":{ticket.id},"peer":{peer.number},"want":{{{want}}}{options}}}'


def release(peer: Peer, names: Iterable[str]) -> str:
    """Give up names."""
    return f'{{"type":"release","peer":{peer.number},"names":[{",".join(map(quoted, names))}]}}'


def about(peer: Peer, kind: str, fields: Message) -> str:
    """Say anything else about a peer."""
    return encode({"type": kind, "peer": peer.number, **fields})


def numbers(locks: Mapping[str, Message]) -> dict[str, tuple[int, ...]]:
    """Read the numbers of locks, of those that have some."""
    return {name: tuple(lock["slots"]) for name, lock in locks.items() if lock.get("slots")}


def _limit(field: str, ticket: Ticket, limit: float | None, now: float, most: float) -> str:
    if limit is None:
        return ""
    left = max(ticket.started + limit - now, 0.001) if limit else 0.0
    return f',"{field}":{_milliseconds(left)}' if left <= most else ""


def _milliseconds(seconds: float) -> int:
    return math.ceil(seconds * 1000)
