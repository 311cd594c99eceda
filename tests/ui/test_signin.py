"""Servers that want a token: signing in, being refused, signing out. Only a real server does all of that."""

import hashlib
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from harness.port import Port
from harness.server import Server
from playwright.sync_api import Page, expect

from conftest import Visit
from test_accessibility import violations

GOOD = "0123456789abcdef-good"
SIZES = {390: 844, 768: 1024, 1440: 900}

UNAUTHORIZED = r"status of 401|WebSocket connection to"


class Guarded:
    """A server that lets in whoever has a token."""

    def __init__(self, program: Path, directory: Path) -> None:
        self._file = directory / "throttle.toml"
        self.let_in(GOOD)
        self._port = Port()
        self.server = Server(program, self._file, self._port)
        self.server.start()

    def let_in(self, token: str, role: str = "observe") -> None:
        """Know this token alone, from the next start on."""
        digest = hashlib.sha256(token.encode()).hexdigest()
        entry = f'name = "wall"\nrole = "{role}"\nsha256 = "{digest}"\n'
        self._file.write_text(f"[semaphores]\nA = 3\n[[auth.tokens]]\n{entry}", encoding="utf-8")

    def close(self) -> None:
        """End it."""
        self.server.stop()
        self._port.close()


@pytest.fixture
def guarded(pytestconfig: pytest.Config, tmp_path: Path) -> Iterator[Guarded]:
    """Start a server that wants a token."""
    program: Path | None = pytestconfig.getoption("--server")
    if program is None:
        pytest.skip("the stand-in knows no tokens")
    with ExitStack() as stack:
        made = Guarded(program.resolve(), tmp_path)
        stack.callback(made.close)
        yield made


def sign_in(page: Page, token: str) -> None:
    """Type it in."""
    page.get_by_label("Token").fill(token)
    page.keyboard.press("Enter")


def test_who_has_a_token_gets_in_and_out(guarded: Guarded, visit: Visit) -> None:
    visitor = visit(f"{guarded.server.url}/")
    page = visitor.page
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    assert visitor.complaints == []
    expect(visitor.names).to_have_count(0)
    sign_in(page, f" {GOOD} ")
    expect(page.locator(".link")).to_have_text("● Live")
    expect(page.locator("td.held")).to_have_text("0/3")
    # The charts have their past, which takes the token too.
    assert page.evaluate("fetch('history').then((it) => it.status)") == 401
    visitor.expect(UNAUTHORIZED)
    assert GOOD not in page.url
    page.reload()
    expect(page.locator("td.held")).to_have_text("0/3")
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    expect(page.locator("tr.row")).to_have_count(0)
    page.reload()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


def test_who_may_only_look_is_told_so(guarded: Guarded, visit: Visit) -> None:
    visitor = visit(f"{guarded.server.url}/")
    visitor.expect(rf"{UNAUTHORIZED}|Failed to load resource: net::ERR_")
    page = visitor.page
    sign_in(page, GOOD)
    why = "Your token has the role observe: it takes one with the role operate to change anything."
    for name in ("Create a semaphore", "Reload the configuration"):
        expect(page.get_by_role("button", name=name)).to_be_disabled()
        expect(page.get_by_role("button", name=name)).to_have_accessible_description(why)
    expect(page.get_by_text(why)).to_be_visible()
    page.get_by_role("button", name="Create a semaphore").dispatch_event("click")
    expect(page.get_by_role("dialog")).to_have_count(0)
    guarded.server.kill()
    expect(page.locator(".notices .off")).to_contain_text("nothing can be done at the moment")
    expect(page.get_by_text(why)).to_be_visible()
    guarded.let_in(GOOD, role="operate")
    guarded.server.start()
    expect(page.get_by_role("button", name="Create a semaphore")).to_be_enabled()
    expect(page.locator(".off")).to_have_count(0)


def test_who_has_another_token_is_told_so(guarded: Guarded, visit: Visit) -> None:
    visitor = visit(f"{guarded.server.url}/")
    visitor.expect(UNAUTHORIZED)
    page = visitor.page
    sign_in(page, "of-nobody")
    expect(page.get_by_role("alert")).to_have_text("The server does not know this token.")
    expect(page.get_by_label("Token")).to_have_attribute("aria-invalid", "true")
    sign_in(page, "no token")
    expect(page.get_by_role("alert")).to_contain_text("cannot be a token")
    sign_in(page, GOOD)
    expect(page.locator(".link")).to_have_text("● Live")


def test_a_token_that_is_taken_back_is_noticed(guarded: Guarded, visit: Visit) -> None:
    visitor = visit(f"{guarded.server.url}/")
    visitor.expect(rf"{UNAUTHORIZED}|Failed to load resource: net::ERR_")
    page = visitor.page
    sign_in(page, GOOD)
    expect(page.locator("td.held")).to_have_text("0/3")
    guarded.server.kill()
    guarded.let_in("another-one")
    guarded.server.start()
    expect(page.get_by_role("alert")).to_have_text("The server does not know your token any more.")
    expect(page.locator("tr.row")).to_have_count(0)
    sign_in(page, "another-one")
    expect(page.locator(".link")).to_have_text("● Live")


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", SIZES)
def test_the_form_keeps_the_rules(
    theme: str, width: int, guarded: Guarded, visit: Visit, pytestconfig: pytest.Config
) -> None:
    viewport = {"width": width, "height": SIZES[width]}
    visitor = visit(f"{guarded.server.url}/", viewport=viewport, color_scheme=theme)
    visitor.expect(UNAUTHORIZED)
    page = visitor.page
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    assert violations(page) == []
    sign_in(page, "of-nobody")
    expect(page.get_by_role("alert")).to_contain_text("does not know")
    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    directory: Path | None = pytestconfig.getoption("--screens")
    if directory is not None:
        directory.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=directory / f"signin-{width}-{theme}.png")
    sign_in(page, GOOD)
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()
    expect(page.locator(".link")).to_contain_text("Live")
    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
