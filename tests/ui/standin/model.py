"""Semaphores, peers and queues, as far as the page can see them. No rules of leases but first come, first served."""

import time
from collections import deque
from dataclasses import dataclass, field
from typing import Any, Literal

Message = dict[str, Any]

EVERY_MS = 5_000
POINTS = 180
RECENT = 100


def now_ms() -> int:
    """Tell the time as the feed does."""
    return time.time_ns() // 1_000_000


@dataclass
class Peer:
    """Who holds and waits."""

    id: str
    label: str | None = None
    transport: str = "websocket"
    remote: str = "127.0.0.1:40312"
    locks: dict[str, Message] = field(default_factory=dict)
    waiting: Message | None = None


@dataclass
class Semaphore:
    """A name with a maximum."""

    max: int
    level: int = 0
    paused: bool = False
    # What the file says: the same unless it is said here; `None` when it says nothing.
    configured: Message | Literal["same"] | None = "same"
    # What the feed says of a bucket's rate, and how many keys a pattern has.
    bucket: Message | None = None
    keys: int | None = None
    # What details say besides, in their words, and the locks that are blocked after an expiry.
    manners: Message = field(default_factory=dict)
    blocked: list[Message] = field(default_factory=list)
    holders: dict[str, Message] = field(default_factory=dict)
    queue: list[str] = field(default_factory=list)
    held_past: deque[int] = field(default_factory=lambda: deque(maxlen=POINTS))
    waiting_past: deque[int] = field(default_factory=lambda: deque(maxlen=POINTS))

    @property
    def held(self) -> int:
        """How much is held."""
        return sum(lock["count"] for lock in self.holders.values())


class Model:
    """All of them, with what has happened to them."""

    def __init__(self) -> None:
        """Start empty, a day ago."""
        self.epoch = "65a1"
        self.started_ms = now_ms() - 93_784_000
        self.ready = True
        self.semaphores: dict[str, Semaphore] = {}
        self.peers: dict[str, Peer] = {}
        self.events: deque[Message] = deque(maxlen=RECENT)
        self.counters = {"grants": 0, "releases": 0, "expirations": 0}
        self.fence = 1_795_246_800_000_000
        self.number = 0

    def peer(self, peer: str, **about: Any) -> Peer:
        """Find a peer, or make it."""
        return self.peers.setdefault(peer, Peer(peer, **about))

    def grant(self, peer: Peer, name: str, count: int = 1, *, at: int | None = None, kind: str = "granted") -> None:
        """Give a lock, whatever the maximum says."""
        at = at if at is not None else now_ms()
        self.fence += 1
        lock = {"count": count, "fence": self.fence, "since_ms": at}
        peer.locks[name] = self.semaphores[name].holders[peer.id] = lock
        self.counters["grants"] += 1
        waited = at - peer.waiting["since_ms"] if peer.waiting else 0
        self.tell(kind, peer, name, at=at, count=count, fence=self.fence, waited_ms=max(0, waited))

    def wait(self, peer: Peer, want: dict[str, int], *, since: int | None = None, **more: Any) -> None:
        """Put a peer in line, at the end."""
        peer.waiting = {"want": want, "priority": 0, "since_ms": since if since is not None else now_ms(), **more}
        for name in want:
            self.semaphores[name].queue.append(peer.id)

    def acquire(self, peer: Peer, name: str, count: int = 1) -> None:
        """Grant it, or put the peer in line."""
        semaphore = self.semaphores[name]
        if semaphore.queue or semaphore.held + count > semaphore.max:
            self.wait(peer, {name: count})
        else:
            self.grant(peer, name, count)

    def release(self, peer: Peer, name: str, kind: str = "released") -> None:
        """Take a lock back, and serve who is next."""
        semaphore = self.semaphores[name]
        lock = semaphore.holders.pop(peer.id)
        del peer.locks[name]
        self.counters["expirations" if kind == "expired" else "releases"] += 1
        self.tell(kind, peer, name, count=lock["count"], fence=lock["fence"])
        while semaphore.queue:
            following = self.peers[semaphore.queue[0]]
            waiting = following.waiting or {"want": {name: 1}}
            if semaphore.held + waiting["want"][name] > semaphore.max:
                break
            self.grant(following, name, waiting["want"][name])
            for other in waiting["want"]:
                self.semaphores[other].queue.remove(following.id)
            following.waiting = None

    def tell(
        self, kind: str, peer: Peer | None, name: str | None = None, *, at: int | None = None, **more: Any
    ) -> None:
        """Note an event."""
        self.number += 1
        event = {"n": self.number, "at_ms": at if at is not None else now_ms(), "kind": kind, **more}
        if peer is not None:
            event["peer"] = peer.id
        if peer is not None and peer.label is not None:
            event["label"] = peer.label
        if name is not None:
            event["semaphore"] = name
        self.events.append(event)

    # --- What the feed says

    def server(self) -> Message:
        """Tell of the server as a whole."""
        about = {"version": "0.1.0", "epoch": self.epoch, "started_ms": self.started_ms, "ready": self.ready}
        sessions = len({peer.remote for peer in self.peers.values() if peer.transport == "websocket"})
        return {**about, "peers": len(self.peers), "sessions": sessions, **self.counters}

    def seen(self, name: str) -> Message:
        """Tell of a semaphore what a watcher gets."""
        it = self.semaphores[name]
        waits = [self.peers[peer].waiting or {} for peer in it.queue]
        seen: Message = {"max": it.max, "level": it.level, "held": it.held, "holders": len(it.holders)}
        seen |= {"pending": sum(wait["want"][name] for wait in waits), "waiters": len(waits)}
        if waits:
            seen["waiting_since_ms"] = min(wait["since_ms"] for wait in waits)
        if it.paused:
            seen["paused"] = True
        if it.blocked:
            seen["delayed"] = sum(lock["count"] for lock in it.blocked)
        if it.configured != "same":
            seen["configured"] = it.configured
        if it.bucket is not None:
            seen["bucket"] = {"reserved": 0, **it.bucket}
        if it.keys is not None:
            seen["keys"] = it.keys
        return seen

    def details(self, name: str, limit: int) -> Message | None:
        """Tell of a semaphore what `inspect` gives."""
        it = self.semaphores.get(name)
        if it is None:
            return None
        holders = [{**self._about(peer), **lock} for peer, lock in it.holders.items()]
        queue = [
            {"position": position, **self._about(peer), **(self.peers[peer].waiting or {})}
            for position, peer in enumerate(it.queue, 1)
        ]
        lists = {"holders": holders[:limit], "holder_count": len(holders), "queue": queue[:limit]}
        if it.blocked:
            lists["blocked"] = it.blocked[:limit]
        return {"name": name, "now_ms": now_ms(), **self.seen(name), **it.manners, **lists}

    def peer_details(self, id_: str) -> Message | None:
        """Tell of a peer what `inspect` gives."""
        peer = self.peers.get(id_)
        if peer is None:
            return None
        locks = [{"semaphore": name, **lock} for name, lock in peer.locks.items()]
        details = {"now_ms": now_ms(), **self._about(id_), "expires_in_ms": 30_000, "locks": locks}
        if peer.waiting is not None:
            line = self.semaphores[next(iter(peer.waiting["want"]))].queue
            details["waiting"] = {**peer.waiting, "position": line.index(id_) + 1}
        return details

    def _about(self, id_: str) -> Message:
        peer = self.peers[id_]
        about: Message = {"peer": id_, "transport": peer.transport, "remote": peer.remote}
        if peer.label is not None:
            about["label"] = peer.label
        if peer.transport == "rest":
            about["expires_ms"] = now_ms() + 240_000
        return about

    def history(self) -> Message:
        """Tell what `GET /history` gives."""
        past = {
            name: {"held": list(it.held_past), "waiting": list(it.waiting_past)} for name, it in self.semaphores.items()
        }
        return {"every_ms": EVERY_MS, "until_ms": now_ms() // EVERY_MS * EVERY_MS, "semaphores": past}
