"""Fixtures: what a real server tells Prometheus, and the tools that know the formats."""

import os
import shutil
import subprocess
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from harness.port import Port
from harness.server import Server

from promql import Exposition, exposition

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"

Tool = Callable[..., str]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add what to test."""
    parser.addoption("--server", type=Path, metavar="PROGRAM", required=True, help="the throttle server to test")


@pytest.fixture(scope="session")
def program(pytestconfig: pytest.Config) -> Path:
    """Where the server program is."""
    path: Path = pytestconfig.getoption("--server")
    return path.resolve(strict=True)


@pytest.fixture(scope="session")
def server(program: Path) -> Iterator[Server]:
    """Run a server with the semaphores of the sample."""
    port = Port()
    server = Server(program, ROOT / "throttle.toml", port)
    server.start()
    yield server
    server.stop()
    port.close()


@pytest.fixture(scope="session")
def metrics(server: Server) -> Exposition:
    """Everything that the server tells Prometheus: all series are there from the start."""
    with urllib.request.urlopen(f"{server.url}/metrics", timeout=20) as answer:  # noqa: S310  the scheme is http
        return exposition(answer.read().decode())


@pytest.fixture(scope="session")
def promtool() -> Tool:
    """Prometheus' own tool; what it complains about is a failure."""
    return _tool(os.environ.get("PROMTOOL", "promtool"))


@pytest.fixture(scope="session")
def systemd_analyze() -> Tool:
    """Run systemd's own tool; what it complains about is a failure."""
    return _tool("systemd-analyze")


def _tool(name: str) -> Tool:
    path = shutil.which(name)
    if path is None:
        pytest.skip(f"there is no {name}")

    def run(*arguments: str | Path) -> str:
        ran = subprocess.run([path, *arguments], text=True, capture_output=True, check=False)
        said = ran.stdout + ran.stderr
        assert ran.returncode == 0, said
        return said

    return run
