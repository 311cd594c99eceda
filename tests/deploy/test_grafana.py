"""The dashboard for Grafana: every expression is valid, and asks for what the server has."""

import itertools
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from conftest import DEPLOY, Tool
from promql import Exposition, problems

DASHBOARD: dict[str, Any] = json.loads((DEPLOY / "grafana" / "throttle.json").read_text(encoding="utf-8"))
VARIABLES = {variable["name"]: variable for variable in DASHBOARD["templating"]["list"]}
COLUMNS = 24


def _panels() -> list[dict[str, Any]]:
    return [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]


def _expressions() -> Iterator[tuple[str, str, str]]:
    """All expressions, each with where it is and its legend; with something in place of the variables."""
    for panel in _panels():
        for target in panel["targets"]:
            yield f"{panel['title']} {target['refId']}", _filled(target["expr"]), target["legendFormat"]
    for annotation in DASHBOARD["annotations"]["list"]:
        yield annotation["name"], _filled(annotation["expr"]), ""
    for name, variable in VARIABLES.items():
        if variable["type"] == "query":
            match = re.fullmatch(r"label_values\((.+), (\w+)\)", variable["query"]["query"])
            assert match, variable
            assert variable["definition"] == match[0]
            yield f"${name}", _filled(match[1]), f"{{{{{match[2]}}}}}"


def _filled(expression: str) -> str:
    filled = expression.replace("$__rate_interval", "5m")
    for name in VARIABLES:
        filled = re.sub(rf"\${name}\b", ".+", filled)
    assert "$" not in filled, f"there is no such variable: {expression}"
    return filled


def test_expressions_ask_for_what_there_is(metrics: Exposition) -> None:
    found = {where: problems(expression, metrics, legend) for where, expression, legend in _expressions()}
    assert len(found) > 30
    assert {where: wrong for where, wrong in found.items() if wrong} == {}


def test_expressions_are_valid(promtool: Tool, tmp_path: Path) -> None:
    rules = [{"record": f"panel:{at}", "expr": expression} for at, (_, expression, _) in enumerate(_expressions())]
    file = tmp_path / "rules.yml"
    # JSON is YAML.
    file.write_text(json.dumps({"groups": [{"name": "dashboard", "rules": rules}]}), encoding="utf-8")
    assert f"{len(rules)} rules found" in promtool("check", "rules", file)


def test_everything_comes_from_the_data_source_that_is_chosen() -> None:
    assert VARIABLES["datasource"]["type"] == "datasource"
    chosen = {"type": "prometheus", "uid": "${datasource}"}
    places = [*_panels(), *(target for panel in _panels() for target in panel["targets"])]
    places += [*DASHBOARD["annotations"]["list"], *(it for it in VARIABLES.values() if it["type"] == "query")]
    for place in places:
        assert place["datasource"] == chosen, place


def test_panels_have_ids_and_places_of_their_own() -> None:
    ids = [panel["id"] for panel in DASHBOARD["panels"]]
    assert len(set(ids)) == len(ids)
    for panel in DASHBOARD["panels"]:
        assert panel["gridPos"]["x"] + panel["gridPos"]["w"] <= COLUMNS, panel["title"]
    for one, other in itertools.combinations(DASHBOARD["panels"], 2):
        assert not _overlap(one["gridPos"], other["gridPos"]), (one["title"], other["title"])


def test_the_rows_are_there() -> None:
    rows = [panel["title"] for panel in DASHBOARD["panels"] if panel["type"] == "row"]
    assert rows == ["Overview", "Leases", "Rates", "Waiting and holding", "HTTP", "Process"]


def _overlap(one: dict[str, int], other: dict[str, int]) -> bool:
    return all(
        one[start] < other[start] + other[size] and other[start] < one[start] + one[size]
        for start, size in (("x", "w"), ("y", "h"))
    )
