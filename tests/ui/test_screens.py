"""Pictures of every view, in both themes and on three widths, for people to look at; two of them are in docs/."""

import random
from pathlib import Path

import pytest
from playwright.sync_api import expect

from conftest import Visit
from standin import scenes
from standin.model import Model
from standin.server import StandIn

SIZES = {390: 844, 768: 1024, 1440: 900}
VIEWS = {"overview": "#/", "semaphore": "#/semaphore/gpu%2Fa100", "peer": "#/peer/", "events": "#/events"}


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", SIZES)
def test_pictures(theme: str, width: int, standin: StandIn, visit: Visit, pytestconfig: pytest.Config) -> None:
    standin.change(scenes.fleet)
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
        expect(page.locator("main table").first).to_be_visible()
        if view == "semaphore":
            expect(page.locator(".chart canvas")).to_be_visible()
        page.wait_for_timeout(200)
        directory: Path | None = pytestconfig.getoption("--screens")
        if directory is not None:
            directory.mkdir(parents=True, exist_ok=True)
            page.screenshot(path=directory / f"{view}-{width}-{theme}.png")
        assert page.evaluate("document.documentElement.scrollWidth") <= width
