"""The unit for systemd."""

import shlex
import subprocess
import urllib.request
from pathlib import Path

from harness.port import Port
from harness.server import Server

from conftest import DEPLOY, ROOT, Tool

UNIT = DEPLOY / "throttle.service"

# Of 10, and 10 is without any protection; what is left is the network, and that it is not in a root of its own.
MOST_EXPOSED = "1.6"


def _settings() -> list[tuple[str, str]]:
    lines = UNIT.read_text(encoding="utf-8").splitlines()
    return [(name, value) for name, mark, value in (line.partition("=") for line in lines) if mark and name.isalnum()]


def _value(name: str) -> str:
    values = [value for key, value in _settings() if key == name]
    assert len(values) == 1, f"{name} is there {len(values)} times"
    return values[0]


def _as_installed(program: Path, tmp_path: Path) -> Path:
    """Write the unit with the path of a program that is there."""
    path, _, _ = _value("ExecStart").partition(" ")
    unit = tmp_path / UNIT.name
    unit.write_text(UNIT.read_text(encoding="utf-8").replace(path, str(program)), encoding="utf-8")
    return unit


def test_systemd_understands_all_of_it(systemd_analyze: Tool, program: Path, tmp_path: Path) -> None:
    # What it does not know, it only warns about.
    assert systemd_analyze("verify", "--man=no", _as_installed(program, tmp_path)) == ""


def test_it_is_shut_in(systemd_analyze: Tool, program: Path, tmp_path: Path) -> None:
    threshold = MOST_EXPOSED.replace(".", "")
    systemd_analyze("security", "--offline=true", f"--threshold={threshold}", _as_installed(program, tmp_path))
    assert _value("DynamicUser") == "yes"
    assert _value("ProtectSystem") == "strict"
    assert _value("NoNewPrivileges") == "yes"


def test_it_waits_for_what_the_server_tells() -> None:
    assert _value("Type") == "notify"
    assert int(_value("WatchdogSec").removesuffix("s")) >= 10


def test_a_reload_does_not_end_the_server(program: Path) -> None:
    port = Port()
    server = Server(program, ROOT / "throttle.toml", port)
    process = server.start()
    subprocess.run(shlex.split(_value("ExecReload").replace("$MAINPID", str(process.pid))), check=True)
    with urllib.request.urlopen(f"{server.url}/health", timeout=20) as answer:  # noqa: S310  the scheme is http
        assert answer.status == 200
    assert process.poll() is None
    server.stop()
    port.close()


def test_a_wrong_configuration_is_not_tried_again(program: Path, tmp_path: Path) -> None:
    wrong = tmp_path / "throttle.toml"
    wrong.write_text("prot = 8000\n", encoding="utf-8")
    ended = subprocess.run([program, "-c", wrong], capture_output=True, check=False)
    assert ended.returncode == int(_value("RestartPreventExitStatus"))
