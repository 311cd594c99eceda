"""What operators do, through the browser, to the real server."""

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from conftest import SetServer, Visit

REFUSED = r"Failed to load resource: the server responded with a status of"


def ask(page: Page, button: str) -> Locator:
    """Open the dialog of a deed."""
    page.get_by_role("button", name=button, exact=True).click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_be_visible()
    return dialog


def confirm(dialog: Locator, **fields: str) -> None:
    """Fill in the dialog and send it."""
    for name, text in fields.items():
        dialog.get_by_label(name.capitalize()).fill(text)
    dialog.locator("button[type=submit]").click()


def told(page: Page, text: str) -> None:
    """Expect to be told that it was done."""
    expect(page.locator(".notice")).to_contain_text(text)
    expect(page.get_by_role("dialog")).to_have_count(0)


def test_max_and_level_are_changed(server: SetServer, visit: Visit) -> None:
    there = server({"gpu": 10})
    there.hold("alice", "gpu", 3)
    there.hold("bob", "gpu")
    there.wait("carol", "gpu", 8)
    there.wait("dave", "gpu", 2)
    page = visit(f"{there.url}#/semaphore/gpu").page
    expect(page.get_by_role("region", name="Queue").locator("tbody tr")).to_have_count(2)
    dialog = ask(page, "Change")
    expect(dialog).to_have_accessible_name("Change gpu")
    expect(dialog.locator(".impact")).to_have_text(re.compile("2 locks of 2 peers, 4 of 10 held; 2 waiting"))
    dialog.get_by_label("Max").fill("2")
    expect(dialog.locator(".impact")).to_contain_text(
        "4 are held, 2 more than that: nothing new is granted until it fits"
    )
    expect(dialog.locator(".impact")).to_contain_text("1 of 2 waiting wants more than 2 and will be sent away: carol.")
    confirm(dialog, level="7", reason="two of them broke")
    told(page, "gpu: max 10 → 2, level 0 → 7.")
    expect(page.locator(".head .badge.differs")).to_have_text("≠ differs from the file: max 10, level 0")
    expect(page.locator(".head .badge.over")).to_contain_text("2 over")
    expect(page.get_by_role("region", name="Queue").locator("tbody th")).to_have_text(["dave"])
    events = page.get_by_role("region", name="Recent events")
    expect(events).to_contain_text("changed")
    expect(events.locator(".deed")).to_have_text("max 10 → 2, level 0 → 7 by anybody: two of them broke")
    there.release("alice", "gpu")
    expect(page.get_by_role("region", name="Queue")).to_contain_text("dave")
    there.release("bob", "gpu")
    expect(page.get_by_role("region", name="Holders").locator("tbody th")).to_have_text(["dave"])


def test_paused_and_resumed_with_the_keyboard_alone(server: SetServer, visit: Visit) -> None:
    there = server({"A": 2, "B": 1})
    there.hold("alice", "A")
    page = visit(f"{there.url}#/semaphore/A").page
    button = page.get_by_role("button", name="Pause")
    button.focus()
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog", name="Pause A")
    expect(dialog.get_by_label("Reason")).to_be_focused()
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    expect(button).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.type("the disk is full")
    page.keyboard.press("Enter")
    told(page, "A is paused.")
    expect(page.locator(".head .badge.paused")).to_have_text("‖ paused")
    expect(page.get_by_role("button", name="Resume")).to_be_focused()
    there.wait("bob", "A")
    page.goto(f"{there.url}#/?only=paused")
    expect(page.locator("tr.row th a")).to_have_text(["A"])
    expect(page.locator("tr.row td.state")).to_have_text("‖ paused")
    expect(page.get_by_role("button", name="Paused")).to_contain_text("1")
    expect(page.locator("aside .log li").first).to_contain_text("paused")
    expect(page.locator("aside .log li").first).to_contain_text("A by anybody: the disk is full")
    page.goto(f"{there.url}#/semaphore/A")
    dialog = ask(page, "Resume")
    expect(dialog.locator(".impact")).to_contain_text("1 can be granted at once")
    confirm(dialog)
    told(page, "A grants again.")
    expect(page.get_by_role("region", name="Holders").locator("tbody th")).to_have_text(["alice", "bob"])


def test_all_locks_are_freed_after_a_grace_and_at_once(server: SetServer, visit: Visit) -> None:
    there = server({"A": 2})
    for label in ("alice", "bob"):
        there.hold(label, "A")
    there.wait("carol", "A")
    page = visit(f"{there.url}#/semaphore/A").page
    holders = page.get_by_role("region", name="Holders")
    expect(holders.locator("tbody tr")).to_have_count(2)
    dialog = ask(page, "Free all")
    expect(dialog.locator(".impact")).to_contain_text("Held by alice, bob.")
    expect(dialog.locator(".impact")).to_contain_text("Who waits is next")
    confirm(dialog, grace="1h", reason="moving")
    told(page, "2 locks on A will be taken away at")
    yielding = there.hear("alice", "yield")
    assert yielding["message"] == "moving"
    expect(holders.locator(".revoked")).to_have_text([re.compile("revoked in (59 min|1 h 00)")] * 2)
    confirm(ask(page, "Free all"))
    told(page, "2 locks on A were taken away.")
    there.hear("bob", "lost")
    expect(holders.locator("tbody th")).to_have_text(["carol"])
    expect(page.get_by_role("region", name="Recent events")).to_contain_text("2 locks by anybody: moving")
    expect(page.get_by_role("region", name="Recent events").locator(".kind.bad")).to_have_text(["✕revoked"] * 2)


def test_what_is_in_use_is_deleted_by_force_only(server: SetServer, visit: Visit) -> None:
    there = server({"A": 1, "B": 1})
    there.hold("alice", "A")
    visitor = visit(f"{there.url}#/semaphore/A")
    visitor.expect(REFUSED)
    page = visitor.page
    dialog = ask(page, "Delete")
    expect(dialog.locator(".impact")).to_contain_text("1 lock of 1 peer, 1 of 1 held; nobody waits.")
    expect(dialog.locator(".impact")).to_contain_text("It is in the file")
    confirm(dialog, reason="not needed & <b>old</b>")
    expect(dialog.get_by_role("alert")).to_contain_text('Semaphore "A" is in use: 1 hold it and 0 wait for it.')
    expect(dialog.get_by_label("Reason")).to_have_value("not needed & <b>old</b>")
    dialog.get_by_role("checkbox").check()
    expect(dialog.locator(".error")).to_be_empty()
    confirm(dialog)
    told(page, "A is gone.")
    expect(page.get_by_text("There is no such semaphore.")).to_be_visible()
    expect(page.locator("#content")).to_be_focused()
    there.hear("alice", "lost")
    page.goto(f"{there.url}#/events?kinds=delete")
    expect(page.locator(".deed")).to_have_text("max was 1, level 0 by anybody: not needed & <b>old</b>")
    page.goto(f"{there.url}#/semaphore/B")
    dialog = ask(page, "Delete")
    expect(dialog.get_by_role("checkbox")).to_have_count(0)
    confirm(dialog)
    told(page, "B is gone.")
    page.goto(f"{there.url}#/")
    expect(page.get_by_text("In the file, but removed here:")).to_have_text("In the file, but removed here: A, B")


def test_one_lock_is_revoked(server: SetServer, visit: Visit) -> None:
    there = server({"gpu": 4})
    there.hold("alice", "gpu", 3)
    there.hold("bob", "gpu")
    page = visit(f"{there.url}#/semaphore/gpu").page
    dialog = ask(page, "Revoke the lock of alice on gpu")
    expect(dialog).to_have_accessible_name("Revoke the lock of alice on gpu")
    expect(dialog.locator(".impact")).to_contain_text(re.compile(r"1 lock, 3 of 4, held for \d+ s; nobody waits\."))
    confirm(dialog, reason="stuck")
    told(page, "1 lock of alice was taken away.")
    assert there.hear("alice", "lost")["message"] == "stuck"
    expect(page.get_by_role("region", name="Holders").locator("tbody th")).to_have_text(["bob"])
    page.get_by_role("link", name="bob").first.click()
    dialog = ask(page, "Revoke the lock of bob on gpu")
    confirm(dialog, grace="1h")
    told(page, "1 lock of bob will be taken away at")
    there.hear("bob", "yield")


def test_a_whole_peer_is_revoked(server: SetServer, visit: Visit) -> None:
    there = server({"gpu": 4})
    there.hold("alice", "gpu", 3)
    page = visit(f"{there.url}#/semaphore/gpu").page
    page.get_by_role("link", name="alice").first.click()
    dialog = ask(page, "Revoke peer")
    expect(dialog).to_have_accessible_name("Revoke the peer alice")
    expect(dialog.locator(".impact")).to_contain_text("1 lock: gpu; it waits for nothing.")
    confirm(dialog, reason="gone mad")
    told(page, "1 lock of alice was taken away.")
    expect(page.get_by_text("The server does not know this peer")).to_be_visible()
    expect(page.get_by_role("button", name=re.compile("Revoke"))).to_have_count(0)
    expect(page.locator(".deed")).to_have_text("1 lock by anybody: gone mad")


def test_a_semaphore_is_created_where_there_was_none(server: SetServer, visit: Visit) -> None:
    there = server({})
    visitor = visit(there.url)
    visitor.expect(REFUSED)
    page = visitor.page
    dialog = ask(page, "Create a semaphore")
    expect(dialog.get_by_label("Name")).to_be_focused()
    confirm(dialog, name="new one", max="0")
    expect(dialog.get_by_role("alert")).to_contain_text("Max is a whole number from 1")
    expect(dialog.get_by_label("Max")).to_have_attribute("aria-invalid", "true")
    confirm(dialog, max="4", level="2")
    told(page, "new one is there.")
    expect(page.locator("tr.row td.held")).to_have_text("0/4")
    expect(page.locator("tr.row td.state")).to_have_text("≠ not in file")
    expect(page.locator("tr.row td.level")).to_have_text("2")
    dialog = ask(page, "Create a semaphore")
    dialog.get_by_label("Name").fill("new one")
    expect(dialog.locator(".impact")).to_contain_text("There is one of this name already.")
    confirm(dialog, max="4")
    expect(dialog.get_by_role("alert")).to_have_text('✕ There is a semaphore "new one" already.')
    expect(dialog.get_by_label("Name")).to_have_value("new one")


def test_the_configuration_is_reloaded(server: SetServer, visit: Visit) -> None:
    there = server({"A": 1, "B": 2})
    visitor = visit(there.url)
    visitor.expect(REFUSED)
    page = visitor.page
    page.get_by_role("link", name="A", exact=True).click()
    confirm(ask(page, "Change"), max="9")
    told(page, "max 1 → 9")
    page.get_by_role("link", name="← Semaphores").click()
    expect(page.locator("tr.row td.state").first).to_have_text("≠ file: max 1")
    good = there.configuration.read_text()
    there.configuration.write_text(good.replace('"A" = 1', '"A" = 0').replace('"B" = 2', '"B" = "two"'))
    dialog = ask(page, "Reload the configuration")
    expect(dialog.locator(".impact")).to_contain_text("in 1 semaphore: A.")
    confirm(dialog, reason="new week")
    expect(dialog.get_by_role("alert")).to_contain_text("throttle.toml")
    assert dialog.get_by_role("alert").locator("br").count() > 0
    there.write({"A": 1, "C": 3})
    confirm(dialog)
    expect(dialog).to_contain_text("3 semaphores changed.")
    expect(dialog.locator("li")).to_have_text(["A max 9 → 1", "C new: max 3, level 0", "B removed: max was 2, level 0"])
    expect(dialog.get_by_role("button", name="Close")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page.get_by_role("button", name="Reload")).to_be_focused()
    expect(page.locator("tr.row th a")).to_have_text(["A", "C"])
    page.goto(f"{there.url}#/events?kinds=reload")
    expect(page.locator(".deed")).to_have_count(3)
    expect(page.locator(".deed").last).to_have_text("max 9 → 1 by anybody: new week")


@pytest.mark.parametrize("field", ["reason", "name"])
def test_what_is_too_long_is_kept_and_said(field: str, server: SetServer, visit: Visit) -> None:
    page = visit(server({"A": 1}).url).page
    dialog = ask(page, "Create a semaphore")
    texts = {"name": "B", "max": "1", field: "é" * 65}
    confirm(dialog, **texts)
    expect(dialog.get_by_role("alert")).to_contain_text("has 130 bytes, at most 128 are allowed")
    expect(dialog.get_by_label(field.capitalize())).to_have_value("é" * 65)
    confirm(dialog, **{field: "é" * 64})
    told(page, "is there.")
