"""What the machine remembers: connections, peers, tickets, holds and reports. Plain data; the rules are elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any

from throttle_client._errors import ThrottleError

Message = Mapping[str, Any]


class Stage(Enum):
    """How far a ticket has come."""

    NEW = auto()
    WAITING = auto()
    GRANTED = auto()
    FAILED = auto()
    ABANDONED = auto()


class Bond:
    """One connection, as far as it vouches for peers.

    `heard` is when we *sent* the latest message that the server has answered on it. A peer that is bound to it exists
    on the server until then plus its time to live, whatever happens.
    """

    __slots__ = ("heard",)

    def __init__(self) -> None:
        self.heard: float = float("-inf")


@dataclass(slots=True)
class Place:
    """Where a ticket stands in line, as last told by the server."""

    position: int
    since: float
    first_position: int
    first_since: float
    blocked_by: tuple[str, ...] = ()
    eta: float | None = None


@dataclass(slots=True, eq=False)
class Ticket:
    """One wish to hold something: from the call to the grant, the refusal, or the moment it is given up."""

    owner: Hashable
    want: Mapping[str, int]
    timeout: float | None = None
    priority: int = 0
    progress: bool = False
    # How long it may take at most as far as that is known beforehand.
    max_wait: float | None = None
    # The limits that come into being when they are first asked for, as the protocol has them.
    declare: Mapping[str, Message] | None = None
    # Does it want buckets, and nothing else? Then it gets a peer of its own, and what it holds cannot be lost.
    permit: bool = False
    # Is it not certain that what it wants are buckets? A semaphore would be granted just so.
    doubtful: bool = False
    # What was granted, while that is seen to.
    locks: Mapping[str, Message] | None = None
    # Called by the shell when there is news: granted, failed, or moved in line.
    signal: Callable[[], None] = lambda: None
    stage: Stage = Stage.NEW
    started: float = 0.0
    id: int = 0
    peer: Peer | None = None
    hold: Hold | None = None
    error: ThrottleError | None = None
    place: Place | None = None

    @property
    def tries_once(self) -> bool:
        """Does it not want to stand in line?"""
        return self.timeout == 0 or self.max_wait == 0

    @property
    def deadline(self) -> float | None:
        """Until when it is willing to stand in line."""
        limits = [limit for limit in (self.timeout, self.max_wait) if limit is not None]
        return self.started + min(limits) if limits and not self.tries_once else None


@dataclass(slots=True, eq=False)
class Hold:
    """What one ticket was granted, until it is released or lost."""

    peer: Peer
    counts: Mapping[str, int]
    fences: dict[str, int]
    # The numbers of what it has, by the names of those semaphores that number what they have.
    slots: dict[str, tuple[int, ...]]
    waited: float
    # What of it was declared: a server that has lost its memory does not know these names.
    declare: Mapping[str, Message] | None = None
    # Tokens, and nothing else: nobody gets them because this holder is not heard from.
    permit: bool = False
    # Called by the shell when it is lost.
    signal: Callable[[], None] = lambda: None
    lost: str | None = None
    # What the server said about that.
    explained: str = ""
    over: bool = False
    # A permit of which the server does not know any more, or soon will not: there is nothing left to be given back.
    detached: bool = False


@dataclass(slots=True, eq=False)
class Report:
    """What the holder of a permit tells the server about it: what was really used, or that it was refused."""

    hold: Hold
    kind: str
    fields: Mapping[str, Any]
    # Called by the shell when it has been answered.
    signal: Callable[[], None] = lambda: None
    started: float = 0.0
    id: int = 0
    done: bool = False
    error: ThrottleError | None = None


@dataclass(slots=True, eq=False)
class Peer:
    """An identity on the server: that of one thread or task, as long as it holds or waits."""

    number: int
    owner: Hashable
    holds: list[Hold] = field(default_factory=list[Hold])
    ticket: Ticket | None = None
    # The secret with which it can be resumed; None until the server has told it.
    key: str | None = None
    # The connection that vouches for it; None until the server has told that it knows the peer.
    bond: Bond | None = None
    # Was it opened on the connection that there is now?
    introduced: bool = False
    # Its locks are lost: nothing more is asked for in its name.
    dead: bool = False
    # The largest fence it ever had here: what it holds with that, or a smaller one, was granted to somebody before.
    fence: int = 0
    # What the server has to be told once there is a connection again.
    owed_cancel: bool = False
    owed_names: set[str] = field(default_factory=set[str])
    idle_since: float = 0.0

    @property
    def idle(self) -> bool:
        """Does it neither hold nor wait?"""
        return not self.holds and self.ticket is None

    @property
    def guards(self) -> bool:
        """Does it hold what others get when it is not heard from?"""
        return any(not hold.permit for hold in self.holds)

    @property
    def held(self) -> dict[str, int]:
        """Everything it holds: counts by name."""
        return {name: count for hold in self.holds for name, count in hold.counts.items()}
