"""How the dialog of a deed behaves: keys, focus, double clicks, lost connections, names of strangers."""

import re

import pytest
from playwright.sync_api import Page, Route, expect

from conftest import SetServer, Visit
from standin import scenes
from standin.scenes import NASTY
from standin.server import StandIn
from test_accessibility import violations

AWAY = r"WebSocket connection to|Failed to load resource: net::ERR_"
NAMES = [*(name for name in NASTY if "\n" not in name), "/&", "%2F", "a b", "é" * 64, "?#", "..."]
UNSEEN = re.compile("[\u202e\u202c\u200b]")


def shown(text: str) -> str:
    """Write what cannot be seen as the page does."""
    return UNSEEN.sub(lambda found: f"U+{ord(found[0]):04X}", text)


def hold_back(page: Page) -> list[Route]:
    """Keep what operators send from the server, until a test lets it go."""
    routes: list[Route] = []
    page.route("**/operate/**", lambda route: routes.append(route))  # noqa: PLW0108  it wants a function
    return routes


def test_a_form_is_sent_once(server: SetServer, visit: Visit) -> None:
    page = visit(f"{server({'A': 1}).url}#/semaphore/A").page
    page.get_by_role("button", name="Pause").click()
    routes = hold_back(page)
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Reason").fill("once")
    submit = dialog.locator("button[type=submit]")
    with page.expect_request("**/operate/**"):
        submit.dblclick()
    expect(submit).to_have_attribute("aria-disabled", "true")
    expect(submit).to_be_focused()
    expect(dialog.get_by_label("Reason")).not_to_be_editable()
    submit.dispatch_event("click")
    dialog.get_by_label("Reason").press("Enter")
    assert [route.request.post_data_json for route in routes] == [{"paused": True, "why": "once"}]
    routes[0].continue_()
    expect(page.locator(".notice")).to_have_text(re.compile("A is paused."))
    assert len(routes) == 1


def test_a_double_click_and_a_key_held_down_confirm_nothing(server: SetServer, visit: Visit) -> None:
    page = visit(f"{server({'A': 1}).url}#/semaphore/A").page
    button = page.get_by_role("button", name="Delete")
    button.dblclick()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_be_visible()
    box = dialog.locator("button[type=submit]").bounding_box()
    assert box is not None
    # The second click of two, wherever the first one was.
    page.mouse.move(box["x"] + 5, box["y"] + 5)
    page.mouse.down(click_count=2)
    page.mouse.up(click_count=2)
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    button.focus()
    for _ in range(6):
        page.keyboard.down("Enter")
    page.keyboard.up("Enter")
    expect(dialog.get_by_label("Reason")).to_be_focused()
    expect(page.get_by_role("heading", level=1)).to_have_text("A")
    expect(page.locator(".notice")).to_have_count(0)


def test_what_comes_of_a_form_that_was_put_away_is_told(server: SetServer, visit: Visit) -> None:
    visitor = visit(f"{server({'A': 1}).url}#/semaphore/A")
    visitor.expect(AWAY)
    page = visitor.page
    expect(page.locator(".link")).to_have_text("● Live")
    routes = hold_back(page)
    for _ in range(2):
        page.get_by_role("button", name="Pause").click()
        page.keyboard.press("Enter")
        expect(page.get_by_role("dialog").locator("form")).to_have_attribute("aria-busy", "true")
        page.keyboard.press("Escape")
        expect(page.get_by_role("dialog")).to_have_count(0)
    routes[0].abort()
    expect(page.locator(".notice.bad")).to_contain_text(
        "Not done: The server did not answer. Whether it was done is not known."
    )
    routes[1].continue_()
    expect(page.locator(".notice")).to_have_text(re.compile("A is paused."))


def test_what_is_typed_next_is_in_the_form(server: SetServer, visit: Visit) -> None:
    page = visit(f"{server({'A': 1}).url}#/semaphore/A").page
    button = page.get_by_role("button", name="Pause")
    assert button.evaluate("(button) => { button.click(); return document.activeElement.name; }") == "why"


def test_cancel_changes_nothing_and_gives_the_focus_back(server: SetServer, visit: Visit) -> None:
    page = visit(f"{server({'A': 1}).url}#/semaphore/A").page
    button = page.get_by_role("button", name="Change")
    routes = hold_back(page)
    for _ in range(2):
        button.click()
        dialog = page.get_by_role("dialog")
        expect(dialog.get_by_label("Max")).to_have_value("1")
        dialog.get_by_label("Max").fill("7")
        dialog.get_by_role("button", name="Cancel").click()
        expect(dialog).to_have_count(0)
        expect(button).to_be_focused()
    assert routes == []


def test_the_end_of_one_form_does_not_close_the_next(server: SetServer, visit: Visit) -> None:
    page = visit(f"{server({'A': 1}).url}#/semaphore/A").page
    page.get_by_role("button", name="Pause").click()
    # A browser says later that a dialog was closed; a click may come first.
    page.evaluate("""() => {
        const button = [...document.querySelectorAll("main button")].find((it) => it.textContent === "Free all");
        document.getElementById("form").close();
        button.click();
    }""")
    dialog = page.get_by_role("dialog", name="Take away all locks on A")
    expect(dialog.get_by_label("Reason")).to_be_editable()
    page.wait_for_function(
        "new Promise((then) => requestAnimationFrame(() => requestAnimationFrame(() => then(true))))"
    )
    dialog.get_by_label("Reason").fill("still there")
    page.keyboard.press("Enter")
    expect(page.locator(".notice")).to_contain_text("0 locks on A were taken away")


def test_what_a_proxy_says_is_shown_too(server: SetServer, visit: Visit) -> None:
    visitor = visit(f"{server({'A': 1}).url}#/semaphore/A")
    visitor.expect("Failed to load resource: the server responded with a status of 502")
    page = visitor.page
    page.route("**/operate/**", lambda route: route.fulfill(status=502, body="<h1>no</h1>"))
    page.get_by_role("button", name="Pause").click()
    page.keyboard.type("kept")
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("alert")).to_contain_text("The server refused: 502")
    expect(dialog.get_by_label("Reason")).to_have_value("kept")
    expect(dialog.get_by_label("Reason")).to_be_focused()


def test_without_a_connection_nothing_can_be_done_and_it_says_why(server: SetServer, visit: Visit) -> None:
    there = server({"A": 1})
    there.hold("alice", "A")
    visitor = visit(f"{there.url}#/semaphore/A")
    visitor.expect(AWAY)
    page = visitor.page
    revoke = page.get_by_role("button", name="Revoke the lock of alice on A")
    expect(revoke).to_be_enabled()
    page.get_by_role("button", name="Pause").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Reason").fill("kept")
    there.kill()
    expect(dialog.get_by_text(re.compile("^(Disconnected|Connecting): nothing can be done"))).to_be_visible()
    expect(dialog.get_by_role("button", name="Pause")).to_be_disabled()
    routes = hold_back(page)
    page.keyboard.press("Enter")
    page.keyboard.press("Escape")
    pause = page.get_by_role("button", name="Pause")
    for button in (revoke, pause):
        expect(button).to_be_disabled()
        expect(button).to_have_accessible_description(re.compile("nothing can be done at the moment"))
    expect(page.locator(".notices .off")).to_contain_text("nothing can be done")
    pause.dispatch_event("click")
    expect(dialog).to_have_count(0)
    there.start()
    expect(page.locator(".link")).to_have_text("● Live")
    expect(pause).to_be_enabled()
    expect(page.locator(".off")).to_have_count(0)
    assert routes == []


def test_a_subject_that_goes_while_somebody_asks(server: SetServer, visit: Visit) -> None:
    there = server({"A": 1})
    visitor = visit(f"{there.url}#/semaphore/A")
    visitor.expect("status of 404")
    page = visitor.page
    page.get_by_role("button", name="Pause").click()
    other = visit(f"{there.url}#/semaphore/A").page
    other.get_by_role("button", name="Delete").click()
    other.keyboard.press("Enter")
    dialog = page.get_by_role("dialog")
    expect(dialog.locator(".impact")).to_have_text("It is not there any more.")
    page.keyboard.press("Enter")
    expect(dialog.get_by_role("alert")).to_have_text('✕ There is no semaphore "A".')
    page.keyboard.press("Escape")
    expect(page.locator("#content")).to_be_focused()


@pytest.mark.parametrize("name", NAMES)
def test_every_name_can_be_operated_on(name: str, server: SetServer, visit: Visit) -> None:
    there = server({"other": 1})
    page = visit(there.url).page
    page.get_by_role("button", name="Create a semaphore").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name").fill(name)
    dialog.get_by_label("Max").fill("1")
    dialog.get_by_label("Reason").fill(name)
    page.keyboard.press("Enter")
    expect(page.locator(".notice")).to_contain_text(f"{shown(name)} is there.")
    there.hold(name, name)
    page.locator("tr.row", has_not_text="other").locator("a").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(shown(name))
    page.get_by_role("region", name="Holders").get_by_role("button").click()
    expect(dialog.get_by_role("heading")).to_have_text(f"Revoke the lock of {shown(name)} on {shown(name)}")
    page.keyboard.press("Enter")
    there.hear(name, "lost")
    for button, told in (("Pause", "is paused."), ("Free all", "0 locks on"), ("Delete", "is gone.")):
        page.get_by_role("button", name=button).click()
        dialog.get_by_label("Reason").fill(name)
        page.keyboard.press("Enter")
        expect(page.locator(".notice")).to_contain_text(told)
    expect(page.locator(".deed").first).to_contain_text(f"by anybody: {shown(name)}")
    assert page.locator("main img, dialog img, .notice img").count() == 0


def test_two_names_no_browser_can_send(server: SetServer, visit: Visit) -> None:
    page = visit(f"{server({'..': 1}).url}#/semaphore/..").page
    page.get_by_role("button", name="Pause").click()
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("No browser can name this semaphore")


DIALOGS = {
    "change": ("#/semaphore/gpu%2Fa100", "Change"),
    "delete": ("#/semaphore/gpu%2Fa100", "Delete"),
    "revoke": ("#/peer/", "Revoke peer"),
    "create": ("#/", "Create a semaphore"),
}


@pytest.mark.parametrize("deed", DIALOGS)
@pytest.mark.parametrize("width", [390, 1440])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_rules_are_kept_by_dialogs(deed: str, width: int, theme: str, standin: StandIn, visit: Visit) -> None:
    standin.change(scenes.fleet)
    standin.change(scenes.operated)
    view, button = DIALOGS[deed]
    whom = scenes.holder(standin.model) if view == "#/peer/" else ""
    page = visit(standin.url + view + whom, viewport={"width": width, "height": 844}, color_scheme=theme).page
    page.get_by_role("button", name=button).click()
    dialog = page.get_by_role("dialog")
    expect(dialog.locator(".impact")).to_be_visible()
    assert violations(page) == []
    if deed == "create":
        page.keyboard.press("Enter")
        expect(dialog.get_by_role("alert")).to_contain_text("needs a name")
        assert violations(page) == []
    box = dialog.bounding_box()
    assert box is not None
    assert (box["x"] >= 0, box["x"] + box["width"] <= width, box["y"] + box["height"] <= 844) == (True, True, True)
    # Round and round with Tab, and never out of the dialog but to the browser's own buttons.
    for _ in range(12):
        page.keyboard.press("Tab")
        assert page.evaluate(
            "document.activeElement === document.body || document.activeElement.closest('dialog') !== null"
        )
