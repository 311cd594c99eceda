"""The README of deploy/: what it shows is read as it would be where it is used."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from conftest import DEPLOY, ROOT
from promql import Exposition

README = (DEPLOY / "README.md").read_text(encoding="utf-8")


def _documents(key: str) -> Iterator[dict[str, Any]]:
    """All documents in YAML that have this key."""
    for block in re.findall(r"```yaml\n(.*?)```", README, re.DOTALL):
        yield from (document for document in yaml.safe_load_all(block) if key in document)


def _kubernetes(kind: str) -> dict[str, Any]:
    return next(document for document in _documents("kind") if document["kind"] == kind)


def test_links_lead_somewhere() -> None:
    links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", README)
    assert len(links) > 4
    for link in links:
        assert (DEPLOY / link).exists(), link


def test_who_limits_processor_time_is_told_what_else_to_do() -> None:
    for limit in ("`--cpus`", "`limits.cpu`"):
        told = [part for part in re.split(r"\n\n|\n- ", README) if limit in part]
        assert told, limit
        for part in told:
            assert "THROTTLE_BUSY_POLL" in part, part


def test_compose_runs_the_image_of_this_tree() -> None:
    (compose,) = _documents("services")
    service = compose["services"]["throttle"]
    assert (ROOT / service["build"]["dockerfile"]).exists()
    assert service["ports"] == ["127.0.0.1:8000:8000"]


def test_kubernetes_runs_one_and_never_two() -> None:
    deployment = _kubernetes("Deployment")["spec"]
    assert (deployment["replicas"], deployment["strategy"]) == (1, {"type": "Recreate"})
    assert _kubernetes("Service")["spec"]["publishNotReadyAddresses"] is True


@pytest.mark.parametrize(("probe", "path"), [("livenessProbe", "/health"), ("readinessProbe", "/ready")])
def test_kubernetes_asks_what_the_server_answers(probe: str, path: str, metrics: Exposition) -> None:
    (container,) = _kubernetes("Deployment")["spec"]["template"]["spec"]["containers"]
    assert container[probe]["httpGet"]["path"] == path
    assert path in {series["route"] for series in metrics["throttle_http_requests_total"]}


def test_variables_are_known(program: Path) -> None:
    files = [path for path in DEPLOY.rglob("*") if path.is_file()]
    named = {name for path in files for name in re.findall(r"THROTTLE_[A-Z_]+", path.read_text(encoding="utf-8"))}
    told = subprocess.run([program, "--help"], text=True, capture_output=True, check=True).stdout
    known = {f"THROTTLE_{flag.upper().replace('-', '_')}" for flag in re.findall(r"--([a-z-]+)", told)}
    assert len(known) > 20
    # Those of `throttle health`, which are none of the server's.
    asking = {"THROTTLE_SERVER", "THROTTLE_CA"}
    told = subprocess.run([program, "health", "--help"], text=True, capture_output=True, check=True).stdout
    assert asking == {name for name in asking if name in told}
    assert named - known - asking == {"THROTTLE_INSECURE"} - known
