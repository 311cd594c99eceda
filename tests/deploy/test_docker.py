"""The image, as far as it can be checked without building it."""

import json
import os
import re
import shlex
import shutil
import subprocess
import tomllib
from fnmatch import fnmatch
from pathlib import Path

import pytest
from harness.server import Server

from conftest import ROOT

Instruction = tuple[str, str]


def _instructions() -> list[Instruction]:
    text = (ROOT / "deploy" / "Dockerfile").read_text(encoding="utf-8")
    lines = "\n".join(line for line in text.splitlines() if not line.startswith("#"))
    joined = lines.replace("\\\n", " ").splitlines()
    return [(word, " ".join(rest.split())) for word, _, rest in (line.partition(" ") for line in joined) if word]


INSTRUCTIONS = _instructions()


def _all(word: str) -> list[str]:
    return [rest for name, rest in INSTRUCTIONS if name == word]


def _last(word: str) -> str:
    return _all(word)[-1]


def _copied() -> list[str]:
    """Everything that is copied out of the source tree."""
    return [source for rest in _all("COPY") if "--from" not in rest for source in rest.split()[:-1]]


def _environment() -> dict[str, str]:
    return dict(word.split("=", 1) for word in shlex.split(_last("ENV")))


def _is_sent(path: str) -> bool:
    """Tell whether .dockerignore lets it through: the last line that matches decides."""
    sent = True
    for line in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines():
        pattern = line.removeprefix("!")
        if line and not line.startswith("#") and fnmatch(path, pattern):
            sent = line.startswith("!")
    return sent


def test_what_is_copied_is_there_and_sent() -> None:
    assert len(_copied()) >= 6
    for source in _copied():
        assert (ROOT / source).exists(), source
        assert _is_sent(source), f".dockerignore keeps {source} back"
    assert not any(_is_sent(path) for path in (".git", "target", "python_client", "README.md"))
    sent = {path.name for path in ROOT.iterdir() if _is_sent(path.name)}
    assert sent == set(_copied()), "what is sent and not copied makes builds slow"


def test_what_is_copied_is_all_that_cargo_wants(tmp_path: Path) -> None:
    for source in _copied():
        copy = shutil.copytree if (ROOT / source).is_dir() else shutil.copy
        copy(ROOT / source, tmp_path / source)
    command = ["cargo", "metadata", "--locked", "--offline", "--no-deps", "--format-version", "1"]
    ran = subprocess.run(command, cwd=tmp_path, text=True, capture_output=True, check=False)
    assert ran.returncode == 0, ran.stderr
    targets = json.loads(ran.stdout)["packages"][0]["targets"]
    assert ("throttle", ["bin"]) in [(target["name"], target["kind"]) for target in targets]


def test_the_program_is_where_it_is_started() -> None:
    build = _last("RUN")
    assert "cargo build --release --locked --bin throttle" in build
    built = re.search(r"install .*target/release/throttle (\S+)$", build)
    assert built
    installed = next(rest.split() for rest in _all("COPY") if "--from=build" in rest)
    assert installed[1] == built[1]
    assert json.loads(_last("ENTRYPOINT")) == [installed[2]]
    assert _health_check()[0] == installed[2]


def test_it_runs_as_nobody_in_particular() -> None:
    user, group = _last("USER").split(":")
    assert int(user) > 0
    assert int(group) > 0
    assert [name for name, _ in INSTRUCTIONS].index("USER") < [name for name, _ in INSTRUCTIONS].index("ENTRYPOINT")


def test_both_stages_are_of_the_same_debian_and_the_compiler_is_new_enough() -> None:
    build, runtime = _all("FROM")
    assert "bookworm" in build
    assert runtime.endswith("debian12")
    compiler = re.search(r"rust:(\d+)\.(\d+)-", build)
    oldest = tomllib.loads((ROOT / "Cargo.toml").read_text(encoding="utf-8"))["package"]["rust-version"]
    assert compiler
    assert [int(number) for number in compiler.groups()] >= [int(number) for number in oldest.split(".")]


def test_it_is_stopped_gracefully() -> None:
    assert _last("STOPSIGNAL") == "SIGTERM"


def test_the_server_understands_its_environment(program: Path) -> None:
    environment = _environment()
    configuration = environment["THROTTLE_CONFIGURATION"]
    assert f"throttle.toml {configuration}" in _all("COPY")
    assert "THROTTLE_INSECURE" not in environment, "whoever runs it says so, not the image"
    here = environment | {"THROTTLE_CONFIGURATION": str(ROOT / "throttle.toml"), "THROTTLE_INSECURE": "true"}
    checked = subprocess.run([program, "check"], env=os.environ | here, text=True, capture_output=True, check=False)
    assert checked.returncode == 0, checked.stderr
    assert f"to be served on 0.0.0.0:{_last('EXPOSE')}" in checked.stdout


def test_the_health_check_asks_the_server(program: Path, server: Server) -> None:
    assert _environment()["THROTTLE_SERVER"] == f"http://127.0.0.1:{_last('EXPOSE')}"
    command = [str(program), *_health_check()[1:]]

    def ask(url: str) -> subprocess.CompletedProcess[str]:
        surroundings = os.environ | {"THROTTLE_SERVER": url}
        return subprocess.run(command, env=surroundings, text=True, capture_output=True, check=False)

    well = ask(server.url)
    assert (well.returncode, well.stderr) == (0, "")
    ill = ask(f"{server.url}/nothing")
    assert ill.returncode == 1
    assert "404" in ill.stderr


@pytest.mark.parametrize("option", ["--interval", "--start-period", "--retries"])
def test_the_health_check_has_its_times(option: str) -> None:
    assert option in _last("HEALTHCHECK")
    timeout = re.search(r"--timeout=(\d+)s", _last("HEALTHCHECK"))
    # `throttle health` gives up after four seconds, and says so.
    assert timeout
    assert int(timeout[1]) > 4


def _health_check() -> list[str]:
    command: list[str] = json.loads(_last("HEALTHCHECK").partition("CMD ")[2])
    return command
