"""What it is all for: never more than allowed at once, over threads and over processes."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from throttle_client import Client

import contender
from conftest import Serve

ROUNDS = 25
CONTENDERS = 4


@pytest.mark.parametrize("places", [1, 2])
def test_threads_never_overlap(serve: Serve, tmp_path: Path, places: int) -> None:
    url = serve(f"A = {places}").url
    with ThreadPoolExecutor() as pool:
        threads = [pool.submit(contender.contend, url, tmp_path, places, ROUNDS) for _ in range(CONTENDERS)]
        for thread in threads:
            thread.result()
    expect_all_rounds(tmp_path, places)
    assert Client(url).remainder("A") == places


@pytest.mark.parametrize("places", [1, 2])
def test_processes_never_overlap(serve: Serve, tmp_path: Path, places: int) -> None:
    url = serve(f"A = {places}").url
    command = [sys.executable, contender.__file__, url, str(tmp_path), str(places), str(ROUNDS)]
    processes = [subprocess.Popen(command) for _ in range(CONTENDERS)]
    assert [process.wait() for process in processes] == [0] * CONTENDERS
    expect_all_rounds(tmp_path, places)
    assert Client(url).remainder("A") == places


def expect_all_rounds(directory: Path, places: int) -> None:
    """See that nobody is inside any more, and that no round was lost."""
    assert not list(directory.glob("place-*"))
    if places == 1:
        assert (directory / "total").read_text() == str(CONTENDERS * ROUNDS)
