"""Compares this client with PyPI self-limiters on a local Redis, side by side: `limiters.py --server PROGRAM`.

The workload is that of self-limiters' own benchmark: 100 tasks at once go through a semaphore of capacity 1 and of 10,
and through a token bucket that has enough for all of them, with a new limiter each time. Both servers are started here,
on free ports of the loopback address, and both clients in processes of their own; they take turns. It needs the program
redis-server, and from PyPI self-limiters==0.4.0.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack, ExitStack, contextmanager
from pathlib import Path
from statistics import median
from typing import Any
from uuid import uuid4

from self_limiters import Semaphore, TokenBucket

import throttle_client
from throttle_client import aio

LOOPBACK = "127.0.0.1"
TASKS = 100
WARM_UP = 3
# What one leaves behind, such as a hundred connections that are closed, is over before the other one is measured.
SETTLE_SEC = 0.05
SEMAPHORES = {"one": 1, "ten": 10}
# So large, and full again so soon, that nobody has to wait for tokens: theirs makes even the first wait for a refill.
BUCKET, TOKENS, REFILL_SEC = "bucket", 1_000_000, 0.0001
TITLES = {"one": "semaphore of 1", "ten": "semaphore of 10", BUCKET: "token bucket"}
CONFIGURATION = f"""
[semaphores]
one = 1
ten = 10
many = 1000000
[buckets]
{BUCKET} = {{ capacity = {TOKENS}, refill = {TOKENS}, every = "1ms" }}
[logging.stderr]
level = "ERROR"
"""


def main() -> None:
    """Run it all and print what came out."""
    if sys.argv[1:2] == ["--worker"]:
        asyncio.run(work(*sys.argv[2:]))
        return
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--server", type=Path, required=True, metavar="PROGRAM", help="the throttle server")
    parser.add_argument("--rounds", type=int, default=50, help="how often each is measured (default: %(default)s)")
    parser.add_argument("--seconds", type=float, default=2, help="how long per second is measured (%(default)s)")
    arguments = parser.parse_args()
    with ExitStack() as stack:
        url = stack.enter_context(throttle(arguments.server))
        redis_url = stack.enter_context(redis())
        compare(url, redis_url, arguments.rounds)
        asyncio.run(uncontended(url, arguments.seconds))
        for threads in (1, 4, 16):
            blocking(url, threads, arguments.seconds)


# --- Side by side


def compare(url: str, redis_url: str, rounds: int) -> None:
    """Measure both in turns, and tell how long 100 tasks take. Each has a process of its own, as programs have."""
    with worker("ours", url) as we, worker("theirs", redis_url) as they:
        for name, title in TITLES.items():
            times = [(we(name), they(name)) for _ in range(WARM_UP + rounds)]
            report(title, *zip(*times[WARM_UP:], strict=True))


@contextmanager
def worker(name: str, url: str) -> Iterator[Callable[[str], float]]:
    """Start a process that measures one round at a time."""
    command = [sys.executable, __file__, "--worker", name, url]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:

        def measure(limiter: str) -> float:
            time.sleep(SETTLE_SEC)
            assert process.stdin is not None
            assert process.stdout is not None
            print(limiter, file=process.stdin, flush=True)
            return float(process.stdout.readline())

        yield measure


async def work(name: str, url: str) -> None:
    """Be a worker: read the names of limiters, write seconds."""
    async with AsyncExitStack() as stack:
        if name == "ours":
            client = await stack.enter_async_context(aio.connect(url))
        for line in sys.stdin:
            limiter = line.strip()
            print(await timed(ours(client, limiter) if name == "ours" else theirs(url, limiter)), flush=True)


def ours(client: aio.Throttle, name: str) -> Any:
    """Make a limiter of ours."""
    return client.bucket(name).take() if name == BUCKET else client.lock(name)


def theirs(url: str, name: str) -> Any:
    """Make a limiter of theirs, a new one each time."""
    new = uuid4().hex
    if name == BUCKET:
        return TokenBucket(new, TOKENS, REFILL_SEC, TOKENS, redis_url=url, max_sleep=60)
    return Semaphore(new, SEMAPHORES[name], max_sleep=60, redis_url=url)


async def timed(limiter: Any) -> float:
    """Tell how many seconds it takes 100 tasks to go through."""

    async def one() -> None:
        async with limiter:
            pass

    gc.collect()
    start = time.perf_counter()
    await asyncio.gather(*(one() for _ in range(TASKS)))
    return time.perf_counter() - start


def report(title: str, ours: tuple[float, ...], theirs: tuple[float, ...]) -> None:
    """Print the medians, per task, and how they compare."""
    ours_us, theirs_us = (median(times) / TASKS * 1e6 for times in (ours, theirs))
    ratio = median(one / other for one, other in zip(ours, theirs, strict=True))
    print(
        f"{title:15}, {TASKS} tasks at once: {ours_us:6.0f} us per task, "
        f"self-limiters {theirs_us:6.0f} us, ratio {ratio:.2f}"
    )


# --- By itself


async def uncontended(url: str, seconds: float) -> None:
    """Tell how often per second one task goes through `async with`."""
    async with aio.connect(url) as client:
        count, end = 0, time.perf_counter() + seconds
        while time.perf_counter() < end:
            async with client.lock("many"):
                count += 1
    print(f"async with, uncontended, one task: {count / seconds:,.0f} per second")


def blocking(url: str, threads: int, seconds: float) -> None:
    """Tell how often per second so many threads go through `with`, all together."""
    counts = [0] * threads
    with throttle_client.connect(url) as client:
        end = time.perf_counter() + seconds

        def work(number: int) -> None:
            while time.perf_counter() < end:
                with client.lock("many"):
                    counts[number] += 1

        workers = [threading.Thread(target=work, args=(number,)) for number in range(threads)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
    print(f"with, uncontended, {threads:2} threads: {sum(counts) / seconds:,.0f} per second")


# --- Servers


@contextmanager
def throttle(program: Path) -> Iterator[str]:
    """Run the throttle server."""
    port = free_port()
    with tempfile.TemporaryDirectory() as directory:
        configuration = Path(directory) / "throttle.toml"
        configuration.write_text(CONFIGURATION, encoding="utf-8")
        with running([str(program), "--port", str(port), "-c", str(configuration)], port):
            yield f"ws://{LOOPBACK}:{port}"


@contextmanager
def redis() -> Iterator[str]:
    """Run a Redis that writes nothing to disk."""
    port = free_port()
    with tempfile.TemporaryDirectory() as directory:
        command = ["redis-server", "--port", str(port), "--bind", LOOPBACK, "--dir", directory]
        with running([*command, "--save", "", "--appendonly", "no", "--loglevel", "warning"], port):
            yield f"redis://{LOOPBACK}:{port}"


@contextmanager
def running(command: list[str], port: int) -> Iterator[None]:
    """Run a server, from when it accepts connections to the end of the block."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 10
        while process.poll() is None and time.monotonic() < deadline:
            try:
                socket.create_connection((LOOPBACK, port), timeout=1).close()
                break
            except OSError:
                time.sleep(0.01)
        yield
    finally:
        process.terminate()
        process.wait(10)


def free_port() -> int:
    """Find a port that nobody uses."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        number: int = probe.getsockname()[1]
    return number


if __name__ == "__main__":
    main()
