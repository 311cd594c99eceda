"""Pictures of every view, in both themes and on three widths, for people to look at; two of them are in docs/."""

import random
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from conftest import Visit
from standin import scenes
from standin.model import Model
from standin.server import StandIn

SIZES = {390: 844, 768: 1024, 1440: 900}
VIEWS = {
    "overview": "#/",
    "semaphore": "#/semaphore/gpu%2Fa100",
    "bucket": "#/semaphore/api%2Fpartner",
    "pattern": "#/semaphore/tenant%2F*",
    "blocked": "#/semaphore/gpu%2Fl4",
    "peer": "#/peer/",
    "events": "#/events",
}
# What operators see besides: a view, and the button whose dialog is open.
DEEDS = {
    "operated": ("#/?only=paused+over", None),
    "operated-semaphore": ("#/semaphore/gpu%2Fa100", None),
    "operated-events": ("#/events", None),
    "dialog-change": ("#/semaphore/gpu%2Fa100", "Change"),
    "dialog-delete": ("#/semaphore/gpu%2Fa100", "Delete"),
    "dialog-create": ("#/", "Create a semaphore"),
}


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", SIZES)
def test_pictures(theme: str, width: int, standin: StandIn, visit: Visit, pytestconfig: pytest.Config) -> None:
    standin.change(scenes.fleet)
    standin.change(scenes.buckets)
    standin.change(scenes.expired)
    dice = random.Random(11)

    def step(model: Model) -> None:
        scenes.work(model, dice)

    page = visit(standin.url, viewport={"width": width, "height": SIZES[width]}, color_scheme=theme).page
    expect(page.locator("tr.row").first).to_be_visible()
    for _ in range(4):
        standin.change(step)
        page.wait_for_timeout(700)
    for view, address in VIEWS.items():
        whom = scenes.holder(standin.model) if view == "peer" else ""
        page.goto(standin.url + address + whom)
        if view in ("overview", "semaphore", "peer", "events"):
            expect(page.locator("main table").first).to_be_visible()
        if "#/semaphore" in address:
            expect(page.locator(".chart canvas")).to_be_visible()
        page.wait_for_timeout(200)
        take(page, f"{view}-{width}-{theme}", pytestconfig)


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", SIZES)
def test_pictures_of_deeds(theme: str, width: int, standin: StandIn, visit: Visit, pytestconfig: pytest.Config) -> None:
    standin.change(scenes.fleet)
    standin.change(scenes.operated)
    page = visit(standin.url, viewport={"width": width, "height": SIZES[width]}, color_scheme=theme).page
    for picture, (address, button) in DEEDS.items():
        page.goto(standin.url + address)
        expect(page.locator("main table").first).to_be_visible()
        if "semaphore" in address:
            expect(page.get_by_role("region", name="Queue").locator("tbody tr").first).to_be_visible()
            expect(page.locator(".chart canvas")).to_be_visible()
        if button is not None:
            page.get_by_role("button", name=button).click()
            dialog = page.get_by_role("dialog")
            if "change" in picture:
                dialog.get_by_label("Max").fill("3")
            dialog.get_by_label("Reason").fill("two cards are away for repair")
        take(page, f"{picture}-{width}-{theme}", pytestconfig)
        page.keyboard.press("Escape")


def take(page: Page, name: str, config: pytest.Config) -> None:
    """Take a picture, of a page that needs no scrolling sideways."""
    directory: Path | None = config.getoption("--screens")
    if directory is not None:
        directory.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=directory / f"{name}.png")
    assert page.evaluate("document.documentElement.scrollWidth") <= page.evaluate("innerWidth")
