"""Everything without a mouse."""

from playwright.sync_api import expect

from conftest import Visit
from standin import scenes
from standin.server import StandIn


def test_search_rows_and_back(standin: StandIn, visit: Visit) -> None:
    standin.change(scenes.fleet)
    page = visit(standin.url).page
    expect(page.locator("tr.row").first).to_be_visible()
    page.keyboard.press("/")
    expect(page.get_by_role("searchbox")).to_be_focused()
    page.keyboard.type("gpu")
    expect(page.locator(".found")).to_have_text("3 of 30 semaphores")
    page.keyboard.press("ArrowDown")
    expect(page.get_by_role("link", name="gpu/a100").first).to_be_focused()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    expect(page.locator("tr.row a:focus")).to_have_text("gpu/t4")
    page.keyboard.press("ArrowUp")
    expect(page.locator("tr.row a:focus")).to_have_text("gpu/l4")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("gpu/l4")
    page.keyboard.press("Escape")
    expect(page.locator(".found")).to_have_text("3 of 30 semaphores")
    page.keyboard.press("/")
    page.keyboard.press("Escape")
    expect(page.locator(".found")).to_have_text("30 semaphores")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowUp")
    expect(page.get_by_role("searchbox")).to_be_focused()


def test_arrows_go_where_no_row_is_rendered_yet(standin: StandIn, visit: Visit) -> None:
    standin.change(scenes.crowd)
    page = visit(standin.url).page
    expect(page.locator("tr.row").first).to_be_visible()
    for _ in range(70):
        page.keyboard.press("ArrowDown")
    expect(page.locator("tr.row a:focus")).to_have_text("pool-69")
    expect(page.locator("tr.row a:focus")).to_be_in_viewport()
    page.evaluate("window.scrollTo(0, 20000)")
    page.wait_for_timeout(100)
    page.keyboard.press("ArrowUp")
    expect(page.locator("tr.row a:focus")).to_have_text("pool-68")


def test_help_opens_and_closes(standin: StandIn, visit: Visit) -> None:
    page = visit(standin.url).page
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Help")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.get_by_role("button", name="Help").click()
    page.get_by_role("button", name="Close").click()
    expect(page.get_by_role("dialog")).to_have_count(0)


def test_one_can_skip_to_the_content(standin: StandIn, visit: Visit) -> None:
    page = visit(standin.url).page
    expect(page.locator(".link")).to_have_text("● Live")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="To the content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()
