"""The rules for Prometheus: they are valid, tested, and ask for what the server has."""

import re
import string
from collections.abc import Iterator
from typing import Any

import yaml

from conftest import DEPLOY, Tool
from promql import Exposition, problems

PROMETHEUS = DEPLOY / "prometheus"


def _alerts() -> list[dict[str, Any]]:
    groups = yaml.safe_load((PROMETHEUS / "alerts.yml").read_text(encoding="utf-8"))["groups"]
    return [rule for group in groups for rule in group["rules"]]


def test_the_configuration_is_valid(promtool: Tool) -> None:
    promtool("check", "config", PROMETHEUS / "prometheus.yml")


def test_the_rules_are_valid(promtool: Tool) -> None:
    assert f"{len(_alerts())} rules found" in promtool("check", "rules", PROMETHEUS / "alerts.yml")


def test_alerts_go_off_when_they_should(promtool: Tool) -> None:
    promtool("test", "rules", PROMETHEUS / "alerts_test.yml")


def test_each_alert_is_seen_going_off() -> None:
    tests = yaml.safe_load((PROMETHEUS / "alerts_test.yml").read_text(encoding="utf-8"))["tests"]
    firing = {
        (name, severity)
        for test in tests
        for check in test["promql_expr_test"]
        for sample in check["exp_samples"]
        for name, severity in re.findall(r'alertname="(\w+)", severity="(\w+)"', sample["labels"])
    }
    assert firing == {(alert["alert"], alert["labels"]["severity"]) for alert in _alerts()}


def test_alerts_ask_for_what_there_is(metrics: Exposition) -> None:
    found = {alert["alert"]: problems(alert["expr"], metrics) for alert in _alerts()}
    assert {name: wrong for name, wrong in found.items() if wrong} == {}


def test_alerts_say_what_is_wrong_and_what_to_do(metrics: Exposition) -> None:
    for alert in _alerts():
        assert alert["labels"].keys() == {"severity"}
        assert alert["labels"]["severity"] in {"critical", "warning"}
        assert alert["annotations"].keys() == {"summary", "description"}
        assert len(alert["annotations"]["description"].split(".")) > 2, alert["alert"]
        named = list(_named(" ".join(alert["annotations"].values())))
        # A label that the expression loses would be empty in the text.
        assert problems(alert["expr"], metrics, " ".join(f"{{{{{label}}}}}" for label in named)) == [], alert["alert"]


def test_the_rules_look_for_the_job_of_the_configuration() -> None:
    jobs = yaml.safe_load((PROMETHEUS / "prometheus.yml").read_text(encoding="utf-8"))["scrape_configs"]
    asked = {job for alert in _alerts() for job in re.findall(r'job="(\w+)"', alert["expr"])}
    assert asked == {job["job_name"] for job in jobs}


def _named(text: str) -> Iterator[str]:
    for expression in re.findall(r"\{\{(.*?)\}\}", text):
        for word in re.findall(r"\$labels\.(\w+)", expression):
            yield word.strip(string.whitespace)
