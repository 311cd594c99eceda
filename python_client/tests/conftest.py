"""Fixtures, the option that says which program is the server, and tests that are coroutines."""

from __future__ import annotations

import asyncio
import gc
import inspect
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from harness.patience import DEADLINE_SEC
from harness.patience import eventually as eventually_now
from harness.port import Port
from harness.server import Server

from proxy import Proxy
from throttle_client import clear_peers

Serve = Callable[..., Server]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option `--server`."""
    parser.addoption("--server", type=Path, metavar="PROGRAM", help="the throttle server to test with")


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Run a test that is a coroutine; nothing may be left running in its loop."""
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    arguments = {name: pyfuncitem.funcargs[name] for name in inspect.signature(pyfuncitem.obj).parameters}

    async def run() -> None:
        await asyncio.wait_for(pyfuncitem.obj(**arguments), 2 * DEADLINE_SEC)
        left = asyncio.all_tasks() - {asyncio.current_task()}
        assert not left, f"tasks are left behind: {left}"

    asyncio.run(run())
    return True


@pytest.fixture
def serve(pytestconfig: pytest.Config, tmp_path: Path) -> Iterator[Serve]:
    """Start a server with semaphores and buckets, given as lines of TOML. It ends with the test."""
    program: Path | None = pytestconfig.getoption("--server")
    if program is None or not program.is_file():
        pytest.fail("--server must name the throttle server to test with")
    with ExitStack() as stack:

        def start(semaphores: str = "A = 1", settings: str = "", buckets: str = "") -> Server:
            configuration = tmp_path / "throttle.toml"
            tables = f"{settings}\n[semaphores]\n{semaphores}\n" + (f"[buckets]\n{buckets}\n" if buckets else "")
            configuration.write_text(tables, encoding="utf-8")
            port = Port()
            stack.callback(port.close)
            server = Server(program.resolve(), configuration, port)
            server.start()
            stack.callback(server.stop)
            return server

        yield start
    clear_peers()


@pytest.fixture
def proxy_of() -> Iterator[Callable[[Server], Proxy]]:
    """Put a proxy before a server."""
    with ExitStack() as stack:

        def start(server: Server) -> Proxy:
            proxy = Proxy(int(server.url.rsplit(":", 1)[1]))
            stack.callback(proxy.close)
            return proxy

        yield start


@pytest.fixture(autouse=True)
def _nothing_left_behind() -> Iterator[None]:
    """See that a test leaves no thread and no socket of the client behind."""
    before = _sockets()
    yield
    gc.collect()
    eventually_now(lambda: not _threads(), f"these threads end: {_threads()}")
    eventually_now(lambda: _sockets() <= before, "the sockets are closed")


def _threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("throttle")]


def _sockets() -> int:
    if sys.platform != "linux":
        return 0
    count = 0
    for descriptor in Path("/proc/self/fd").iterdir():
        try:
            count += str(descriptor.readlink()).startswith("socket:")
        except OSError:
            continue
    return count
