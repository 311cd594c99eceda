"""What is to be sent: messages, packed into as few frames as the server's limit allows. It must not send anything."""

from __future__ import annotations

from .settings import FIRST_FRAME_BYTES


class Outbox:
    """Messages in their order, as texts in ASCII.

    Until the server has told its limit, frames are small and nobody should put in much.
    """

    def __init__(self) -> None:
        self.limit = FIRST_FRAME_BYTES
        self._messages: list[str] = []
        self._size = 0
        self._fresh = True

    def put(self, text: str) -> None:
        """Add a message behind all others."""
        self._messages.append(text)
        # One more byte for the comma or the bracket before it.
        self._size += len(text) + 1

    @property
    def fits_greeting(self) -> bool:
        """Can more go out with the first frame, before the server has said anything?"""
        return self._fresh and self._size < self.limit // 2

    def frames(self) -> list[str]:
        """Take out everything, in frames that the server takes."""
        if not self._messages:
            return []
        self._fresh = False
        messages, self._messages = self._messages, []
        size, self._size = self._size, 0
        return [_join(messages)] if size < self.limit else [_join(group) for group in _groups(messages, self.limit)]


def _groups(messages: list[str], limit: int) -> list[list[str]]:
    groups: list[list[str]] = [[]]
    size = 1
    for message in messages:
        if groups[-1] and size + len(message) + 1 > limit:
            groups.append([])
            size = 1
        groups[-1].append(message)
        size += len(message) + 1
    return groups


def _join(messages: list[str]) -> str:
    return messages[0] if len(messages) == 1 else f"[{','.join(messages)}]"
