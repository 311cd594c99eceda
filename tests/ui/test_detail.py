"""One semaphore, one peer, and the log."""

import re

from playwright.sync_api import expect

from conftest import SetStage, Visit
from standin import scenes
from standin.model import Model, Semaphore
from standin.server import StandIn


def test_holders_and_the_queue_in_order(stage: SetStage, visit: Visit) -> None:
    there = stage({"gpu": 2, "A": 1})
    there.hold("alice", "gpu", 2)
    for label in ("bob", "carol", "dave"):
        there.wait(label, "gpu")
    page = visit(there.url).page
    page.get_by_role("link", name="gpu", exact=True).first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("gpu")
    holders = page.get_by_role("region", name="Holders").locator("tbody tr")
    queue = page.get_by_role("region", name="Queue").locator("tbody tr")
    expect(holders).to_have_count(1)
    expect(holders.locator("th")).to_have_text("alice")
    expect(queue.locator("th")).to_have_text(["bob", "carol", "dave"])
    there.release("alice", "gpu")
    expect(holders.locator("th")).to_have_text(["bob", "carol"])
    expect(queue.locator("th")).to_have_text(["dave"])
    expect(page.get_by_role("region", name="Recent events")).to_contain_text("released")
    expect(page.locator(".chart canvas")).to_be_visible()
    page.get_by_role("link", name="← Semaphores").click()
    expect(page.locator("tr.row")).to_have_count(2)


def test_what_is_blocked_explains_itself(standin: StandIn, visit: Visit) -> None:
    standin.change(scenes.fleet)
    standin.change(scenes.expired)
    page = visit(standin.url).page
    row = page.locator("tr.row", has_text="licence/scan")
    expect(row.locator("td.state")).to_have_text("full◔ 2 blocked")
    row.get_by_role("link").click()
    holders = page.get_by_role("region", name="Holders")
    expect(holders).to_contain_text(re.compile(r"2 blocked after an expiry, until \d\d:\d\d:\d\d \(for \d+ s\)"))
    expect(holders).to_contain_text("Nobody holds it.")
    expect(page.locator(".head")).to_contain_text("lock_delay 30 s")
    expect(page.locator(".figures div", has_text="Free")).to_contain_text("0")
    page.goto(f"{standin.url}#/semaphore/gpu%2Fl4")
    expect(page.locator(".head")).to_contain_text("max_pending 40 · max_hold 2 h · lock_delay 10 min · slots")
    expect(holders).to_contain_text("3 blocked after an expiry")
    expect(holders).to_contain_text(re.compile(r"the first of it for \d min \d\d s, the last for \d min"))
    expect(holders).to_contain_text(re.compile(r"The program\s+that held slots \d+–\d+, \d+ may still be at work"))
    expect(holders.locator("tbody tr").first.locator(".slots")).to_have_text(re.compile("^0"))


def test_slots_of_a_peer(standin: StandIn, visit: Visit) -> None:
    standin.change(scenes.fleet)
    standin.change(scenes.expired)
    peer = next(iter(standin.model.semaphores["gpu/l4"].holders))
    page = visit(f"{standin.url}#/peer/{peer}").page
    row = page.get_by_role("region", name="Holds").locator("tbody tr", has_text="gpu/l4")
    expect(row.locator(".slots")).to_have_text(re.compile("^0"))


def test_on_a_phone_nothing_is_cut(standin: StandIn, visit: Visit) -> None:
    long = "etl-worker-number-7-on-a-host-with-a-long-name"

    def fill(model: Model) -> None:
        model.semaphores["database/primary-in-frankfurt"] = Semaphore(1, manners={"slots": True})
        model.grant(model.peer("s1", label=long), "database/primary-in-frankfurt")
        model.peers["s1"].locks["database/primary-in-frankfurt"]["slots"] = [3]
        model.wait(model.peer("s2", label=long), {"database/primary-in-frankfurt": 1}, priority=2)

    standin.change(fill)
    page = visit(
        f"{standin.url}#/semaphore/database%2Fprimary-in-frankfurt", viewport={"width": 390, "height": 844}
    ).page
    expect(page.get_by_role("region", name="Holders").locator(".below")).to_have_text("slot 3")
    expect(page.get_by_role("region", name="Queue").locator(".below")).to_have_text("priority 2")
    parts, cut = (
        page.locator("main :is(.name, .card)"),
        "(all) => all.filter((it) => it.scrollWidth > it.clientWidth).length",
    )
    assert parts.evaluate_all(cut) == 0
    page.goto(f"{standin.url}#/events")
    expect(page.locator(".events td.name").first.locator(".below")).to_have_text("database/primary-in-frankfurt")
    assert parts.evaluate_all(cut) == 0


def test_a_peer_and_its_end(stage: SetStage, visit: Visit) -> None:
    there = stage({"gpu": 2})
    there.hold("alice", "gpu", 2)
    page = visit(f"{there.url}#/semaphore/gpu").page
    page.get_by_role("link", name="alice").first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("alice")
    expect(page.locator(".figures")).to_contain_text("WebSocket")
    expect(page.get_by_role("region", name="Holds")).to_contain_text("gpu")
    expect(page.get_by_role("region", name="Waits for")).to_contain_text("Nothing")
    there.leave("alice")
    expect(page.get_by_text("The server does not know this peer")).to_be_visible()
    expect(page.get_by_role("region", name="Holds")).to_contain_text("gpu")


def test_who_waits_for_several_says_what_for(standin: StandIn, visit: Visit) -> None:
    def fill(model: Model) -> None:
        model.semaphores |= {"A": Semaphore(1), "B": Semaphore(4)}
        model.grant(model.peer("1", transport="rest"), "A")
        model.wait(model.peer("s2", label="both"), {"A": 1, "B": 3}, priority=5, until_ms=9_999_999_999_999)

    standin.change(fill)
    page = visit(f"{standin.url}#/semaphore/A").page
    expect(page.get_by_role("region", name="Queue").locator("tbody")).to_contain_text("A, B × 3")
    expect(page.get_by_role("region", name="Queue")).to_contain_text("Priority")
    expect(page.get_by_role("region", name="Holders")).to_contain_text("REST")
    page.get_by_role("link", name="both").click()
    expect(page.get_by_role("region", name="Waits for")).to_contain_text("A, B × 3")


def test_long_lists_are_given_when_asked_for(standin: StandIn, visit: Visit) -> None:
    def fill(model: Model) -> None:
        model.semaphores["A"] = Semaphore(1)
        for number in range(300):
            model.acquire(model.peer(f"s{number}"), "A")

    standin.change(fill)
    page = visit(f"{standin.url}#/semaphore/A").page
    queue = page.get_by_role("region", name="Queue")
    expect(queue.locator("tbody tr")).to_have_count(100)
    expect(queue).to_contain_text("The first 100 of 299.")
    queue.get_by_role("button", name="Show more").click()
    expect(queue.locator("tbody tr")).to_have_count(299)


def test_what_is_not_there_is_said_to_be_so(stage: SetStage, visit: Visit) -> None:
    there = stage({"A": 1})
    page = visit(f"{there.url}#/semaphore/nothing").page
    expect(page.get_by_text("There is no such semaphore.")).to_be_visible()
    page.goto(f"{there.url}#/peer/77")
    expect(page.get_by_text("The server does not know this peer")).to_be_visible()


def test_events_are_searched_and_filtered(standin: StandIn, visit: Visit) -> None:
    standin.change(scenes.fleet)
    page = visit(standin.url).page
    page.get_by_role("link", name="Events", exact=True).click()
    expect(page.locator(".found")).to_have_text("100 events")
    page.get_by_role("button", name="released").click()
    expect(page.locator("table.events tbody tr").first).to_contain_text("released")
    expect(page.locator("table.events tbody")).not_to_contain_text("granted")
    page.get_by_role("searchbox").fill("build/")
    expect(page).to_have_url(re.compile("kinds=released"))
    expect(page.locator("table.events tbody tr").first).to_contain_text("build/")
    page.get_by_role("searchbox").fill("nonsense")
    expect(page.get_by_text("No event is like that.")).to_be_visible()
