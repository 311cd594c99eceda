"""Names with a rate, and names that stand for many."""

import re

from playwright.sync_api import Locator, Page, expect

from conftest import SetServer, Visit
from standin import scenes
from standin.model import Model, Semaphore, now_ms
from standin.server import StandIn
from test_operate import ask, confirm, told

TEN_SEC = {"capacity": 10, "refill": 10, "every": "10s"}
PACED = {"min_interval": "1m", "max_reserved": 2}

# Notes each text that an element has had, from now on.
RECORD = """element => {
  window.seen = [element.textContent];
  const note = () => seen.push(element.textContent);
  new MutationObserver(note).observe(element, { subtree: true, characterData: true, childList: true });
}"""


def row_of(page: Page, name: str) -> Locator:
    """Find a row by its name."""
    return page.locator("tr.row").filter(has=page.get_by_role("link", name=name, exact=True))


def seen(page: Page) -> list[str]:
    """Tell what was noted, each change once."""
    texts: list[str] = page.evaluate("seen")
    return [text for at, text in enumerate(texts) if at == 0 or text != texts[at - 1]]


def test_a_bucket_is_told_from_a_semaphore_and_its_tokens_come_back(server: SetServer, visit: Visit) -> None:
    there = server({"gpu": 1}, {"api": TEN_SEC})
    page = visit(there.url).page
    row = row_of(page, "api")
    expect(row.locator(".called")).to_have_text("apibucket")
    expect(row_of(page, "gpu").locator(".called")).to_have_text("gpu")
    expect(row.locator("td.held")).to_have_text("0/10")
    expect(row.locator("td.level")).to_have_text("10 in 10 s")
    expect(page.locator(".found")).to_have_text("2 names")
    row.locator("td.held").evaluate(RECORD)
    there.take("api", 5)
    there.hold("worker", "api", 2)
    expect(row.locator("td.held")).not_to_have_text("0/10")
    expect(row.locator("td.held")).to_have_text("0/10")
    spent = [int(text.split("/")[0]) for text in seen(page)]
    most = max(spent)
    assert most >= 5
    last = len(spent) - 1 - spent[::-1].index(most)
    assert spent[last:] == list(range(most, -1, -1)), "each is seen when it comes back, and none twice"


def test_closed_and_reserved_are_said(server: SetServer, visit: Visit) -> None:
    there = server({"gpu": 1}, {"api": TEN_SEC, "crawl": PACED, "other": TEN_SEC})
    for _ in range(3):
        there.take("crawl")
    there.throttled("api", "10m")
    page = visit(there.url).page
    expect(row_of(page, "crawl").locator("td.state .badge")).to_have_text(["no tokens", "2 reserved"])
    expect(page.get_by_role("button", name=re.compile("^Full"))).to_have_text(re.compile("Full\\s+1"))
    expect(row_of(page, "crawl").locator("td.level")).to_have_text("1 in 1 min")
    expect(row_of(page, "api").locator("td.state")).to_have_text(re.compile(r"^⊘ closed for (10 min 00|9 min \d\d) s$"))
    there.throttled("other", "8s")
    expect(row_of(page, "other").locator("td.state")).to_have_text(re.compile("closed for [1-8] s"))
    page.get_by_role("button", name=re.compile("^Closed")).click()
    expect(page.locator("tr.row th a")).to_have_text(["api", "other"])
    expect(page.locator("tr.row th a")).to_have_text(["api"])
    expect(page).to_have_url(re.compile(r"#/\?only=closed$"))
    page.get_by_role("link", name="api", exact=True).click()
    figures = page.locator(".figures > div")
    expect(figures.filter(has_text="Closed").locator("dd")).to_contain_text("for 9 min")
    page.goto(f"{there.url}#/semaphore/crawl")
    expect(figures.filter(has_text="Reserved").locator("dd")).to_have_text("2")
    expect(figures.filter(has_text="Tokens spent").locator("dd")).to_have_text("1 of 1")
    expect(figures.filter(has_text="All back in").locator("dd")).to_have_text(re.compile("s$"))


def test_permits_and_who_waits_for_tokens(server: SetServer, visit: Visit) -> None:
    there = server({}, {"api": {"capacity": 10, "refill": 2, "every": "2s"}})
    page = visit(f"{there.url}#/semaphore/api").page
    expect(page.locator(".head .kind-of")).to_have_text("bucket")
    expect(page.get_by_role("region", name="Holders")).to_contain_text("Nobody has a permit in use.")
    there.hold("alice", "api", 10)
    there.wait("bob", "api", 6)
    figures = page.locator(".figures > div")
    expect(figures.filter(has_text="Rate").locator("dd")).to_have_text("2 in 2 s")
    expect(figures.filter(has_text="Permits in use").locator("dd")).to_have_text("10")
    expect(page.get_by_role("region", name="Queue").locator("tbody th")).to_have_text(["bob"])
    expect(page.locator(".chart .u-legend")).to_contain_text("Permits in use")
    expect(page.locator(".chart .u-legend")).not_to_contain_text("Max")
    expect(page.get_by_role("region", name="Holders").locator("tbody th")).to_have_text(["alice", "bob"])
    expect(figures.filter(has_text="Permits in use").locator("dd")).to_have_text("16")
    expect(figures.filter(has_text="Available").locator("dd")).to_have_text("10")
    expect(figures.filter(has_text="All back in").locator("dd")).to_have_text("–")


def test_operators_change_the_capacity_and_pause(server: SetServer, visit: Visit) -> None:
    there = server({}, {"api": {"capacity": 10, "refill": 1, "every": "1h"}})
    there.hold("alice", "api", 4)
    page = visit(f"{there.url}#/semaphore/api").page
    expect(page.get_by_role("region", name="Holders").locator("tbody th")).to_have_text(["alice"])
    dialog = ask(page, "Change")
    expect(dialog.locator("#field-level")).to_have_count(0)
    dialog.get_by_label("Capacity").fill("3")
    expect(dialog.locator(".impact")).to_contain_text("1 permit of 1 peer, 4 of 10 tokens spent; nobody waits.")
    expect(dialog.locator(".impact")).to_contain_text("4 tokens are spent, 1 more than that")
    confirm(dialog, capacity="20")
    told(page, "api: capacity 10 → 20.")
    expect(page.locator(".head .badge.differs")).to_have_text("≠ differs from the file: capacity 10")
    expect(page.locator(".figures > div").filter(has_text="Tokens spent").locator("dd")).to_have_text("4 of 20")
    confirm(ask(page, "Pause"))
    told(page, "api is paused.")
    dialog = ask(page, "Resume")
    expect(dialog.locator(".impact")).to_contain_text("16 can be granted at once")
    confirm(dialog)
    told(page, "api grants again.")
    confirm(ask(page, "Free all"))
    told(page, "1 permit on api was taken away.")
    expect(page.locator(".figures > div").filter(has_text="Tokens spent").locator("dd")).to_have_text("4 of 20")
    confirm(ask(page, "Delete"))
    told(page, "api is gone.")


def test_more_was_used_than_there_was(standin: StandIn, visit: Visit) -> None:
    def fill(model: Model) -> None:
        rate = {"refill": 1, "every_ms": 60_000.0, "full_at_ms": now_ms() + 12 * 60_000 + 30_000}
        model.semaphores["api"] = Semaphore(10, bucket=rate)

    standin.change(fill)
    page = visit(standin.url).page
    expect(page.locator("td.held")).to_have_text("13/10")
    expect(page.locator("td.state")).to_have_text("no tokens")
    expect(page.get_by_role("button", name=re.compile("^Over-committed"))).to_have_text(re.compile("0$"))
    page.goto(f"{standin.url}#/semaphore/api")
    expect(page.locator(".figures > div").filter(has_text="Available").locator("dd")).to_have_text("−3")


def test_patterns_show_their_keys_and_are_never_full(standin: StandIn, visit: Visit) -> None:
    standin.change(scenes.buckets)
    page = visit(standin.url).page
    row = row_of(page, "tenant/*")
    expect(row.locator("td.use")).to_have_text("12 keys × 4")
    expect(row.locator("td.held")).to_have_text("7")
    expect(row.locator("td.state")).to_be_empty()
    expect(row_of(page, "tenant/*/api").locator(".called")).to_have_text("tenant/*/apibuckets")
    expect(row_of(page, "[dynamic]").locator("td.use")).to_have_text("3 keys")
    row.get_by_role("link").click()
    expect(page.locator("main")).to_contain_text("The max is that of each key")
    expect(page.locator(".figures > div").filter(has_text="Keys").locator("dd")).to_have_text("12")
    page.goto(f"{standin.url}#/semaphore/%5Bdynamic%5D")
    expect(page.locator("main")).to_contain_text("clients have declared themselves")
    expect(page.get_by_role("button", name="Change")).to_have_count(0)


def test_a_pattern_does_not_say_that_nobody_holds_it(server: SetServer, visit: Visit) -> None:
    there = server({"tenant/*": 4, "A": 1})
    there.hold("alice", "tenant/7", 2)
    page = visit(f"{there.url}#/semaphore/tenant%2F*").page
    expect(page.locator(".figures > div").filter(has_text="Held of all").locator("dd")).to_have_text("2")
    expect(page.locator(".chart canvas")).to_be_visible()
    page.wait_for_timeout(1_000)
    expect(page.get_by_role("region", name="Holders")).to_have_count(0)
