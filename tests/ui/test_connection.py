"""The connection: always told in words, and back by itself."""

import re

import pytest
from playwright.sync_api import Page, expect

from conftest import SetStage, Visit
from standin import scenes
from standin.server import StandIn

AWAY = r"WebSocket connection to|Failed to load resource: net::ERR_"


def set_hidden(page: Page, hidden: str) -> None:
    """Do as if the tab were hidden, or shown again."""
    page.evaluate(
        """(hidden) => {
            Object.defineProperty(document, "hidden", { value: hidden === "hidden", configurable: true });
            document.dispatchEvent(new Event("visibilitychange"));
        }""",
        hidden,
    )


def test_it_comes_back_after_a_restart(stage: SetStage, visit: Visit) -> None:
    there = stage({"A": 1})
    visitor = visit(there.url)
    visitor.expect(AWAY)
    page = visitor.page
    there.hold("before", "A")
    expect(page.locator("td.held")).to_have_text("1/1")
    there.kill()
    expect(page.locator(".link")).to_contain_text("Disconnected")
    expect(page.locator(".link")).to_contain_text("old, retry in")
    expect(page.locator("main")).to_have_class("stale")
    expect(page.locator("td.held")).to_have_text("1/1")
    there.start()
    expect(page.locator(".link")).to_have_text("● Live")
    expect(page.locator("td.held")).to_have_text("0/1")
    expect(page.locator("main")).to_have_class("")
    there.hold("after", "A")
    expect(page.locator("td.held")).to_have_text("1/1")


@pytest.mark.parametrize("width", [390, 768, 1280, 1440])
@pytest.mark.parametrize("view", ["#/", "#/semaphore/gpu%2Fa100"])
def test_nothing_moves_when_it_is_lost(width: int, view: str, standin: StandIn, visit: Visit) -> None:
    standin.change(scenes.fleet)
    visitor = visit(standin.url + view, viewport={"width": width, "height": 900})
    visitor.expect(AWAY)
    page = visitor.page
    expect(page.locator(".controls")).to_be_visible()
    expect(page.locator("main table").first).to_be_visible()
    if "semaphore" in view:
        expect(page.locator(".chart canvas")).to_be_visible()
        expect(page.get_by_role("region", name="Queue").locator("tbody tr").first).to_be_visible()
    parts = page.locator("main :is(h1, .figures, .controls, table, .card)")
    places = "(parts) => parts.map((it) => it.getBoundingClientRect().top)"
    before = parts.evaluate_all(places)
    standin.stop()
    expect(page.locator(".notices .off")).to_have_text(re.compile("nothing can be done at the moment"))
    assert parts.evaluate_all(places) == before


def test_nobody_has_to_wait_for_the_next_attempt(standin: StandIn, visit: Visit) -> None:
    visitor = visit(standin.url)
    visitor.expect(AWAY)
    expect(visitor.page.locator(".link")).to_have_text("● Live")
    # A pause is a share of half a second that is thrown with dice; this one lasts 500 s.
    visitor.page.add_init_script("Math.random = () => 1000")
    visitor.page.reload()
    expect(visitor.page.locator(".link")).to_have_text("● Live")
    standin.stop()
    expect(visitor.page.locator(".link")).to_contain_text(re.compile(r"retry in (500|4\d\d) s"))
    standin.start()
    visitor.page.get_by_role("button", name="Retry now").click()
    expect(visitor.page.locator(".link")).to_have_text("● Live")


def test_a_silent_server_is_noticed(standin: StandIn, visit: Visit) -> None:
    visitor = visit(standin.url)
    # The page's clock jumps, the browser's does not: an attempt may be given up while it is still on its way.
    visitor.expect("WebSocket is closed before the connection is established")
    page = visitor.page
    expect(page.locator(".link")).to_have_text("● Live")
    page.clock.install()
    page.reload()
    expect(page.locator(".link")).to_have_text("● Live")
    standin.silent = True
    page.clock.fast_forward(13_000)
    expect(page.locator(".link")).to_contain_text("Silent")
    expect(page.locator(".link")).to_contain_text("data is 1")
    expect(page.locator("main")).to_have_class("stale")
    page.clock.fast_forward(10_000)
    page.clock.fast_forward(10_000)
    standin.silent = False
    page.clock.fast_forward(10_000)
    expect(page.locator(".link")).to_have_text("● Live")


def test_a_gap_leads_to_a_fresh_snapshot(standin: StandIn, visit: Visit) -> None:
    standin.change(scenes.fleet)
    page = visit(standin.url).page
    expect(page.locator(".link")).to_have_text("● Live")
    before = standin.watches
    standin.skip_number = True
    standin.change(lambda model: model.grant(model.peer("s-new"), "backup/nightly"))
    expect(page.locator("tr.row", has_text="backup/nightly").locator("td.held")).to_have_text("2/2")
    expect(page.locator(".link")).to_have_text("● Live")
    assert standin.watches == before + 1


def test_a_hidden_tab_leaves_the_server_alone(standin: StandIn, visit: Visit) -> None:
    page = visit(standin.url).page
    expect(page.locator(".link")).to_have_text("● Live")
    assert standin.connections() == 1
    set_hidden(page, "hidden")
    standin.wait_for_connections(0)
    standin.change(scenes.fleet)
    set_hidden(page, "visible")
    expect(page.locator(".link")).to_have_text("● Live")
    expect(page.locator("tr.row").first).to_be_visible()


def test_who_is_not_let_in_is_told_so(standin: StandIn, visit: Visit) -> None:
    standin.close_new_with = 4401
    page = visit(standin.url).page
    expect(page.locator(".link")).to_contain_text("Refused")
    expect(page.locator(".link")).to_contain_text("a token is needed")
    standin.close_new_with = None
    page.get_by_role("button", name="Retry now").click()
    expect(page.locator(".link")).to_have_text("● Live")
