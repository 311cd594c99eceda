"""Fixtures, and the option that says which program is the server."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import throttle_client

from harness import shipped
from harness.port import Port
from harness.server import Server

Serve = Callable[[str], Server]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option `--server`."""
    parser.addoption("--server", type=Path, metavar="PROGRAM", help="the throttle server to test")


def pytest_configure(config: pytest.Config) -> None:
    """Prepare the shipped suite, before anything of it is imported."""
    shipped.adapt(program(config))


def program(config: pytest.Config) -> Path:
    """Find the server program; without it nothing can be tested."""
    given: Path | None = config.getoption("--server")
    if given is None or not given.is_file():
        message = f"--server must name the throttle server to test, which {given} is not"
        raise pytest.UsageError(message)
    return given.resolve()


@pytest.fixture
def serve(pytestconfig: pytest.Config, tmp_path: Path) -> Iterator[Serve]:
    """Start a server with semaphores, given as lines of TOML. It ends with the test."""
    with ExitStack() as stack:

        def start(semaphores: str) -> Server:
            configuration = tmp_path / "throttle.toml"
            configuration.write_text(f"[semaphores]\n{semaphores}\n", encoding="utf-8")
            port = Port()
            stack.callback(port.close)
            server = Server(program(pytestconfig), configuration, port)
            server.start()
            stack.callback(server.stop)
            return server

        yield start
    # A thread's peers live until it ends, and pytest uses one thread for all tests.
    throttle_client.clear_peers()
