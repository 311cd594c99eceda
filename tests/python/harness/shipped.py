"""
The client's own test suite, which its wheel carries as the top-level package `tests`.

It wants to start its server with `cargo run` on port 8000. The two names that say so are replaced before its modules
import them; the tests themselves stay as they were published.
"""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import tests as suite

from .port import Port
from .server import Server


def adapt(program: Path) -> None:
    """Make the suite start this program, on a port of this process: its tests run one after another."""
    port = Port()

    @contextmanager
    def start_server(cfg: str) -> Iterator[subprocess.Popen[bytes]]:
        server = Server(program, Path(cfg), port)
        process = server.start()
        try:
            yield process
        finally:
            # The test may have killed it.
            process.terminate()
            process.wait()

    suite.BASE_URL = Server(program, Path(), port).url
    suite.cargo_main = start_server
