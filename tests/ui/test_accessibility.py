"""The rules of axe-core, in every view."""

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from conftest import Visit
from standin import scenes
from standin.server import StandIn

AXE = Path(__file__).parent / "vendor" / "axe.min.js"
VIEWS = {
    "overview": "#/",
    "filtered": "#/?only=over+paused&sort=wait",
    "semaphore": "#/semaphore/gpu%2Fa100",
    "bucket": "#/semaphore/crawler%2Fexample.net",
    "pattern": "#/semaphore/tenant%2F*",
    "peer": "#/peer/",
    "events": "#/events",
}


def address(view: str, standin: StandIn) -> str:
    """Tell where a view is, that of a peer with somebody who holds something."""
    return standin.url + VIEWS[view] + (scenes.holder(standin.model) if view == "peer" else "")


def violations(page: Page) -> list[Any]:
    """Run the rules, past the policy that keeps the page from loading anything else."""
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found = page.evaluate("axe.run(document, { resultTypes: ['violations'] })")["violations"]
    return [(it["id"], it["help"], [node["html"][:160] for node in it["nodes"][:3]]) for it in found]


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_rules_are_kept(view: str, theme: str, standin: StandIn, visit: Visit) -> None:
    standin.change(scenes.fleet)
    standin.change(scenes.buckets)
    page = visit(address(view, standin), color_scheme=theme).page
    expect(page.locator("main table").first).to_be_visible()
    if "#/semaphore" in VIEWS[view]:
        expect(page.locator(".chart canvas")).to_be_visible()
    assert violations(page) == []


@pytest.mark.parametrize("view", VIEWS)
def test_the_rules_are_kept_on_a_phone(view: str, standin: StandIn, visit: Visit) -> None:
    standin.change(scenes.fleet)
    standin.change(scenes.buckets)
    page = visit(address(view, standin), viewport={"width": 390, "height": 844}).page
    expect(page.locator("main table").first).to_be_visible()
    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_the_rules_are_kept_by_help_and_by_an_empty_server(standin: StandIn, visit: Visit) -> None:
    page = visit(standin.url).page
    expect(page.get_by_role("heading", name="No semaphores yet")).to_be_visible()
    assert violations(page) == []
    page.keyboard.press("?")
    assert violations(page) == []
