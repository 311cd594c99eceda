"""What leases have in common, blocking or not: what is held, and the judgement whether it is lost."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ._arguments import check_bucket, check_used
from ._clock import now
from ._durations import Duration, check_retry_after
from ._errors import LeaseLost, NotHeld, ThrottleError
from ._link import Link, logger
from ._machine.state import Hold
from ._machine.words import listed, lost, only


class BaseLease:
    """What a `lock`, or a `take`, is granted.

    What a `take` is granted is never lost: nobody gets tokens because their holder is not heard from.

    Attributes:
        lost: an event that is set when the lease is lost: `is_set()`, `wait()`. `is_set` asks the clock, so it is right
            even when nothing could be noticed because the program was blocked.

    Example:
        >>> with throttle.lock({"A": 2, "db": 1}) as lease:
        ...     write(data, fence=lease.fences["db"])
    """

    def __init__(self, link: Link, hold: Hold, on_lost: str | Callable[[Any], object]) -> None:
        self._link = link
        self._hold = hold
        self._on_lost = on_lost
        self._called = False
        # Given back. With threads, the machine gets to know it a moment later.
        self._released = False

    @property
    def fence(self) -> int:
        """The number of the grant: it only ever grows, so a resource can refuse whoever comes with a smaller one.

        It changes when the lease had to be brought back because the server was restarted.

        Raises:
            ValueError: the lease is for several semaphores: each has its own, see `fences`.
        """
        if len(self._hold.fences) != 1:
            raise ValueError(f"the lease is for {len(self._hold.fences)} semaphores; see `fences`")
        return next(iter(self._hold.fences.values()))

    @property
    def fences(self) -> dict[str, int]:
        """The numbers of the grants, by the names of the semaphores."""
        return dict(self._hold.fences)

    @property
    def slots(self) -> tuple[int, ...]:
        """Which ones it has, where the server's configuration has `slots = true`: as many distinct numbers as it holds.

        Empty for a semaphore that does not number what it has. Nobody else has any of these meanwhile. They stay as
        they are, unless the server was restarted and somebody with one of them has come before.

        Raises:
            ValueError: the lease is for several semaphores: each has its own, see `slots_by_name`.

        Example:
            >>> with throttle.lock("gpu", count=2) as lease:
            ...     train(devices=lease.slots)
        """
        if len(self._hold.counts) != 1:
            raise ValueError(f"the lease is for {len(self._hold.counts)} semaphores; see `slots_by_name`")
        return next(iter(self.slots_by_name.values()))

    @property
    def slots_by_name(self) -> dict[str, tuple[int, ...]]:
        """The numbers of what it has, by the names of the semaphores; empty for those that do not number it."""
        return {name: self._hold.slots.get(name, ()) for name in self._hold.counts}

    @property
    def counts(self) -> Mapping[str, int]:
        """How much is held, by the names of the semaphores."""
        return dict(self._hold.counts)

    @property
    def waited(self) -> float:
        """How long it took to get it, in seconds."""
        return self._hold.waited

    @property
    def reason(self) -> str | None:
        """Why it is lost, as `code` of `LeaseLost`: `"expired"`, `"revoked"` and so on. None when it is not."""
        return self._hold.lost

    @property
    def safe_for(self) -> float:
        """For how many seconds it is certainly ours if the server is not heard from any more; 0 when it is not ours."""
        if self._is_lost() or self._over:
            return 0.0
        return max(0.0, self._link.session.safe_until(self._hold) - now())

    def check(self) -> None:
        """Raise an error if it is not held any more; cheap enough to be called before each step.

        Raises:
            LeaseLost: somebody else may have the lock by now.
            ThrottleError: it was released, here or by the end of its block. The code is `"released"`.
        """
        if self._is_lost():
            raise self._loss()
        if self._over:
            names, semaphore = self._names()
            message = f"the lease of {names} was released: it protects nothing any more"
            raise ThrottleError(message, code="released", semaphore=semaphore)

    def __repr__(self) -> str:
        state = f"lost ({self._hold.lost})" if self._hold.lost else "released" if self._over else "held"
        return f"<{type(self).__name__} of {dict(self._hold.counts)}, {state}>"

    def __reduce__(self) -> tuple[Any, ...]:
        raise TypeError("a lease cannot be pickled: it belongs to one connection. Pickle what it is for, and its fence")

    # --- For the classes below

    def _settlement(self, used: int | Mapping[str, int]) -> dict[str, Any]:
        """Make the fields of `settle`."""
        counts = check_used(used, self._hold.counts)
        self._check_held(counts)
        return {"used": counts}

    def _closure(self, retry_after: Duration, bucket: str | None) -> dict[str, Any]:
        """Make the fields of `throttled`."""
        milliseconds, name = check_retry_after(retry_after), check_bucket(bucket, self._hold.counts)
        self._check_held((name,))
        return {"name": name, "retry_after_ms": milliseconds}

    def _check_held(self, names: Iterable[str]) -> None:
        if self._is_lost():
            raise self._loss()
        for name in names:
            if name not in self._hold.counts:
                raise NotHeld(f"the lease of {self._names()[0]} has nothing of {name!r}", semaphore=name)
        if self._over:
            released, semaphore = self._names()
            raise NotHeld(f"the lease of {released} was released: nothing can be told about it", semaphore=semaphore)

    @property
    def _over(self) -> bool:
        """Is there nothing left to be given back?"""
        return self._released or self._hold.over

    def _is_lost(self) -> bool:
        hold = self._hold
        if hold.lost is not None:
            return True
        if self._over or self._link.session.is_safe(now(), hold):
            return False
        self._forfeit()
        return True

    def _forfeit(self) -> None:
        raise NotImplementedError

    def _loss(self) -> LeaseLost:
        names, semaphore = self._names()
        reason = self._hold.lost or "expired"
        return LeaseLost(f"the lease of {names} {lost(self._hold)}", code=reason, semaphore=semaphore)

    def _names(self) -> tuple[str, str | None]:
        """Say what it is for, in a sentence; and its semaphore if that is one only."""
        return listed(self._hold.counts), only(self._hold.counts)

    def _call_back(self) -> None:
        """Call the user's callback, once."""
        if not callable(self._on_lost) or self._called:
            return
        self._called = True
        try:
            self._on_lost(self)
        except Exception:  # noqa: BLE001  it is the user's, and there is nobody to raise it to
            logger.exception("the callback on_lost failed")

    def _conclude(self, error: BaseException | None) -> None:
        """At the end of a block: raise if the lease was lost, unless the block failed anyhow."""
        if not self._hold.lost or self._hold.lost == "forked" or callable(self._on_lost):
            return
        if error is None:
            raise self._loss()
        if not isinstance(error, LeaseLost):
            error.add_note(f"Besides, {self._loss()}.")
