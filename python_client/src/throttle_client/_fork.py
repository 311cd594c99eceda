"""What must not be shared with a forked child: it gets nothing, and makes its own when it needs it."""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Callable
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class Forked(Generic[T]):
    """A place for something that belongs to one process. In a forked child it is empty, and its content disowned."""

    def __init__(self, disown: Callable[[T], object]) -> None:
        self._disown = disown
        self._content: T | None = None
        self._making = threading.Lock()
        _places.add(self)

    def get(self) -> T | None:
        """Get the content, if there is any in this process."""
        return self._content

    def get_or_make(self, make: Callable[[], T]) -> T:
        """Get the content, which is made if there is none yet, once, whichever thread comes first."""
        content = self._content
        if content is None:
            with self._making:
                content = self._content
                if content is None:
                    content = self._content = make()
        return content

    def take(self) -> T | None:
        """Take the content out."""
        content, self._content = self._content, None
        return content

    def empty_in_child(self) -> None:
        """Let the child begin with nothing."""
        content = self.take()
        # Another thread of the parent may have held it.
        self._making = threading.Lock()
        if content is not None:
            # Nothing may ever clean up what is the parent's: an event loop that is closed here would take the parent's
            # file descriptors out of an epoll that both share.
            _inherited.append(content)
            self._disown(content)


_places: weakref.WeakSet[Forked[Any]] = weakref.WeakSet()
_inherited: list[object] = []


def _empty_all() -> None:
    for place in list(_places):
        place.empty_in_child()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_empty_all)
