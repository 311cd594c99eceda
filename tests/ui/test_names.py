"""Names that strangers chose are nothing but text, wherever they stand."""

import pytest
from playwright.sync_api import expect

from conftest import SetStage, Visit
from standin.model import Model, Semaphore
from standin.scenes import NASTY
from standin.server import StandIn


def fill(model: Model) -> None:
    """Name semaphores and peers alike."""
    for number, name in enumerate(NASTY):
        model.semaphores[name] = Semaphore(1)
        model.grant(model.peer(f"s{number}", label=name), name)
        model.wait(model.peer(f"w{number}", label=name, remote=name), {name: 1})


def test_names_are_inert_in_every_view(standin: StandIn, visit: Visit) -> None:
    standin.change(fill)
    page = visit(standin.url).page
    expect(page.locator("tr.row")).to_have_count(len(NASTY))
    expect(page.locator("tr.row", has_text="<img src=x onerror=alert(1)>")).to_have_count(1)
    expect(page.locator("tr.row", has_text="twoU+000Alines")).to_have_count(1)
    expect(page.locator("tr.row", has_text="rightU+202Eto leftU+202C")).to_have_count(1)
    for name in NASTY:
        page.locator("tr.row a").nth(NASTY.index(name)).focus()
    assert page.locator("main img").count() == 0
    page.goto(f"{standin.url}#/events")
    expect(page.locator("table.events tbody tr")).to_have_count(len(NASTY))
    assert page.locator("main img").count() == 0


@pytest.mark.parametrize("name", NASTY)
def test_every_name_leads_to_its_semaphore(name: str, standin: StandIn, visit: Visit) -> None:
    standin.change(fill)
    page = visit(standin.url).page
    expect(page.locator("tr.row a")).to_have_count(len(NASTY))
    page.locator("tr.row").filter(has_text=_shown(name)).locator("a").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(_shown(name))
    expect(page.get_by_role("region", name="Holders").locator("tbody th")).to_have_text(_shown(name))
    page.get_by_role("region", name="Queue").locator("tbody th a").click()
    expect(page.locator(".figures")).to_contain_text(_shown(name))
    assert page.locator("main img").count() == 0


def test_a_real_server_takes_most_of_them(stage: SetStage, visit: Visit) -> None:
    names = [name for name in NASTY if "\n" not in name]
    there = stage(dict.fromkeys(names, 1))
    for name in names:
        there.hold(name, name)
    page = visit(there.url).page
    expect(page.locator("tr.row")).to_have_count(len(names))
    expect(page.locator("tr.row td.state")).to_have_text(["full"] * len(names))


def _shown(name: str) -> str:
    for unseen in "\n\u202e\u202c\u200b":
        name = name.replace(unseen, f"U+{ord(unseen):04X}")
    return name
