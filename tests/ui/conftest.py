"""Fixtures: a browser, pages in it that must not complain, and what they look at."""

import os
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, Dialog, Page, expect, sync_playwright

from stage import NO_BUCKETS, Buckets, ServerStage, Stage, StandInStage
from standin.server import StandIn

CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--font-render-hinting=none",
]

# For what has to happen some time: long enough for a busy machine, and for a page that tries again only now and then.
DEADLINE_MS = 20_000
expect.set_options(timeout=DEADLINE_MS)

# Every picture is late: a test that looks at once, rather than waiting for what it expects, fails always and not only
# on a busy machine.
LATE = """{
  const inTime = window.requestAnimationFrame.bind(window);
  window.requestAnimationFrame = (paint) => setTimeout(() => inTime(paint), 100);
}"""

SetStage = Callable[[Mapping[str, int]], Stage]
SetServer = Callable[..., ServerStage]
Visit = Callable[..., "Visitor"]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add what to test, and where pictures go."""
    parser.addoption("--server", type=Path, metavar="PROGRAM", help="a throttle server; without it, the stand-in")
    parser.addoption("--web", type=Path, metavar="DIRECTORY", help="the page to test; without it, that in the program")
    parser.addoption("--screens", type=Path, metavar="DIRECTORY", help="where screenshots go")


class Visitor:
    """Somebody who looks at a page, and notes everything that the browser complains about."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.complaints: list[str] = []
        self.hosts: set[str] = set()
        self._expected: list[str] = []
        page.on("console", lambda message: self._note(message.type, message.text))
        page.on("pageerror", lambda error: self.complaints.append(f"uncaught: {error}"))
        page.on("request", lambda request: self.hosts.add(urlsplit(request.url).netloc))
        page.on("dialog", self._dismiss)
        self.names = page.locator("tr.row th a")

    def expect(self, complaint: str) -> None:
        """Allow complaints like this one: browsers say aloud when a server is away."""
        self._expected.append(complaint)

    def check(self) -> None:
        """Fail if there was anything to complain about."""
        left = [it for it in self.complaints if not any(re.search(known, it) for known in self._expected)]
        assert left == []
        assert len(self.hosts - {""}) <= 1, f"something was loaded from elsewhere: {self.hosts}"

    def _dismiss(self, dialog: Dialog) -> None:
        self.complaints.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    def _note(self, kind: str, text: str) -> None:
        if kind in ("error", "warning"):
            self.complaints.append(f"{kind}: {text}")


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One browser for all tests."""
    if not Path(CHROMIUM).exists():
        pytest.skip(f"there is no {CHROMIUM}")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def visit(browser: Browser) -> Iterator[Visit]:
    """Open pages, each in a browser of its own; check in the end that none complained."""
    with ExitStack() as stack:
        visitors = []

        def open_page(url: str, **context: Any) -> Visitor:  # noqa: ANN401
            settings = {"viewport": {"width": 1440, "height": 900}, "reduced_motion": "reduce", **context}
            own: BrowserContext = browser.new_context(**settings)
            stack.callback(own.close)
            own.set_default_timeout(DEADLINE_MS)
            own.add_init_script(LATE)
            visitor = Visitor(own.new_page())
            visitors.append(visitor)
            visitor.page.goto(url)
            return visitor

        yield open_page
        for visitor in visitors:
            visitor.check()


@pytest.fixture
def standin() -> Iterator[StandIn]:
    """Stand in for the server, empty."""
    server = StandIn().start()
    yield server
    server.close()


@pytest.fixture
def stage(pytestconfig: pytest.Config, tmp_path: Path) -> Iterator[SetStage]:
    """Set a stage with semaphores, given by name and maximum: the server program if there is one."""
    with ExitStack() as stack:

        def set_stage(semaphores: Mapping[str, int]) -> Stage:
            made: Stage = _server(pytestconfig, tmp_path, semaphores) or StandInStage(semaphores)
            stack.callback(made.close)
            return made

        yield set_stage


@pytest.fixture
def server(pytestconfig: pytest.Config, tmp_path: Path) -> Iterator[SetServer]:
    """Start the server program with semaphores and buckets: what operators do, no stand-in can."""
    with ExitStack() as stack:

        def start(semaphores: Mapping[str, int], buckets: Buckets = NO_BUCKETS) -> ServerStage:
            made = _server(pytestconfig, tmp_path, semaphores, buckets)
            if made is None:
                pytest.skip("there is no --server")
            stack.callback(made.close)
            return made

        yield start


def _server(
    config: pytest.Config, directory: Path, semaphores: Mapping[str, int], buckets: Buckets = NO_BUCKETS
) -> ServerStage | None:
    program: Path | None = config.getoption("--server")
    web: Path | None = config.getoption("--web")
    if program is None:
        return None
    return ServerStage(program.resolve(), directory, semaphores, buckets, web.resolve() if web else None)
