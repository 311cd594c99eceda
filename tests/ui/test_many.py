"""A thousand semaphores, and ten thousand: all of them can be reached, and it stays cheap."""

import random
import time

from playwright.sync_api import CDPSession, expect

from conftest import SetServer, Visit
from standin import scenes
from standin.model import Model
from standin.server import StandIn


def churn(model: Model) -> None:
    """Change about half of them."""
    dice = random.Random()
    for semaphore in model.semaphores.values():
        if dice.random() < 0.5:
            semaphore.max += dice.choice([-1, 1]) if semaphore.max > 1 else 1


def spent(session: CDPSession) -> dict[str, float]:
    """Tell what the page has cost so far, in seconds and in layouts."""
    metrics = session.send("Performance.getMetrics")["metrics"]
    wanted = ("TaskDuration", "ScriptDuration", "LayoutDuration", "RecalcStyleDuration", "LayoutCount")
    return {it["name"]: it["value"] for it in metrics if it["name"] in wanted}


def test_a_thousand_rows_are_all_there_and_few_of_them_rendered(standin: StandIn, visit: Visit) -> None:
    standin.change(scenes.crowd)
    visitor = visit(standin.url)
    page = visitor.page
    expect(page.locator(".found")).to_have_text("1\u202f000 semaphores")
    expect(page.locator("table.semaphores")).to_have_attribute("aria-rowcount", "1001")
    seen = set(names := visitor.names.all_inner_texts())
    assert len(seen) < 80
    while names[-1] != "pool-999":
        page.mouse.wheel(0, 700)
        expect(visitor.names.last).not_to_have_text(names[-1])
        seen.update(names := visitor.names.all_inner_texts())
    assert seen == {f"pool-{number}" for number in range(1_000)}
    expect(page.locator("tr.row").last).to_have_attribute("aria-rowindex", "1001")


def test_a_thousand_changing_rows_leave_the_browser_idle(standin: StandIn, visit: Visit) -> None:
    standin.change(scenes.crowd)
    page = visit(standin.url).page
    expect(page.locator("tr.row").first).to_be_visible()
    shown_after = page.evaluate("performance.now()")
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable")
    before = spent(session)
    begun = time.monotonic()
    for _ in range(10):
        standin.change(churn)
        page.wait_for_timeout(500)
    seconds = time.monotonic() - begun
    cost = {name: value - before[name] for name, value in spent(session).items()}
    layouts = cost.pop("LayoutCount")
    shares = ", ".join(f"{name} {100 * value / seconds:.1f} %" for name, value in cost.items())
    print(f"first rows after {shown_after:.0f} ms; while 500 of 1,000 change twice a second: {shares}")  # noqa: T201
    print(f"{layouts:.0f} layouts in {seconds:.1f} s")  # noqa: T201
    # However many rows change, it is one picture; another one each second, as time passes.
    assert layouts <= 2 * (2 * seconds + seconds)


def test_more_than_fit_into_one_frame_are_all_there(server: SetServer, visit: Visit) -> None:
    stage = server({f"pool-{number:05}": 1 for number in range(10_000)})
    visitor = visit(stage.url)
    page = visitor.page
    expect(page.locator(".found")).to_have_text("10\u202f000 semaphores")
    page.get_by_role("searchbox").fill("pool-09999")
    expect(visitor.names).to_have_text(["pool-09999"])
    expect(page.locator("tr.row td.held")).to_have_text("0/1")
    stage.hold("worker", "pool-09999")
    expect(page.locator("tr.row td.held")).to_have_text("1/1")
