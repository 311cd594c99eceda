"""How a wait is coming along: what is told to a caller, and a bar that shows it. It waits for nothing itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ._machine.state import Place


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a waiting `lock` stands in line.

    Attributes:
        position: 1 for the next one to be served.
        eta: seconds until the grant: as the server knows it, of buckets above all, or else estimated from how the line
            has moved so far; None when it has not moved yet.
        held_by: the labels of the first few who hold what is wanted.
        waited: seconds since the call.

    Example:
        >>> Progress(position=3, eta=1.5, held_by=("worker 7",), waited=4.0).position
        3
    """

    position: int
    eta: float | None
    held_by: tuple[str, ...]
    waited: float


def estimate(place: Place) -> float | None:
    """Estimate how many seconds it will take, unless the server says so itself."""
    if place.eta is not None:
        return place.eta
    moved = place.first_position - place.position
    return None if moved <= 0 else (place.since - place.first_since) / moved * place.position


class Reporter:
    """Tells one wait's progress to a callable or shows it as a bar. Only what has changed is told."""

    def __init__(self, progress: bool | Callable[[Progress], object] | None, title: object) -> None:  # noqa: FBT001
        self._tell = progress if callable(progress) else None
        self._title = title
        self._shows_bar = progress is True
        self._bar: Any = None
        self._last: Place | None = None

    def __bool__(self) -> bool:
        return self._tell is not None or self._shows_bar

    def report(self, place: Place | None, waited: float) -> None:
        """Tell where the ticket stands, if that is news."""
        if place is None or place is self._last or not self:
            return
        self._last = place
        progress = Progress(place.position, estimate(place), place.blocked_by, waited)
        if self._tell is not None:
            self._tell(progress)
        else:
            self._show(progress)

    def close(self) -> None:
        """Take the bar away."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None

    def _show(self, progress: Progress) -> None:
        if self._bar is None:
            from tqdm.auto import tqdm  # noqa: PLC0415  an extra

            self._bar = tqdm(total=progress.position, desc=f"waiting for {self._title}", unit="place", leave=False)
        self._bar.total = max(self._bar.total, progress.position)
        self._bar.n = self._bar.total - progress.position
        if progress.held_by:
            self._bar.set_postfix_str(f"held by {', '.join(progress.held_by)}", refresh=False)
        self._bar.refresh()
