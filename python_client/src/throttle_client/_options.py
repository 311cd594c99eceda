"""What a client is told when it is made. What it may be told is in `_arguments.py`. No I/O."""

from __future__ import annotations

import os
import ssl
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

from ._arguments import (
    check_context,
    check_label,
    check_on_lost,
    check_token,
    check_url,
    shown,
)
from ._durations import Duration, check_expires_in, check_patience
from ._machine.settings import Settings
from ._version import __version__

_LABEL_BYTES = 128


@dataclass(frozen=True, slots=True)
class Options:
    """Where the server is, and how to deal with it."""

    url: str
    settings: Settings
    on_lost: str | Callable[[Any], object]
    context: ssl.SSLContext | None

    @property
    def place(self) -> str:
        """The URL as it may be shown."""
        return self.settings.server


def check_options(  # noqa: PLR0913  they are the options of `connect`
    url: str,
    *,
    label: str | None,
    expires_in: Duration,
    patience: Duration | None,
    on_lost: str | Callable[[Any], object],
    token: str | None,
    context: ssl.SSLContext | None,
    can_cancel: bool,
) -> Options:
    """Check the options of `connect`; raises `ValueError` or `TypeError` with what is wrong."""
    whole = check_url(url)
    settings = Settings(
        label=default_label() if label is None else check_label(label),
        expires_in=check_expires_in(expires_in),
        patience=check_patience(patience),
        token=check_token(token),
        client=f"throttle-client-python/{__version__}",
        server=shown(whole),
    )
    return Options(whole, settings, check_on_lost(on_lost, can_cancel=can_cancel), check_context(context, whole))


def default_label() -> str:
    """Make a label from the program, the machine and the process."""
    program = PurePath(sys.argv[0] if sys.argv else "").name or "python"
    node = os.uname().nodename if hasattr(os, "uname") else os.environ.get("COMPUTERNAME", "")
    label = f"{program}@{node}:{os.getpid()}"
    return "".join(c for c in label if c.isprintable()).encode()[-_LABEL_BYTES:].decode(errors="ignore")
