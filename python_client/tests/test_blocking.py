"""The blocking interface against a real server: what it shares with asyncio is tested there in more depth."""

from __future__ import annotations

import gc
import os
import pickle
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pytest
from harness.patience import eventually
from harness.server import Server

import throttle_client
from conftest import Serve
from pool_work import work
from proxy import Proxy
from support import busy, peers, remainder, waiting, websocket_url
from throttle_client import (
    AcquireTimeout,
    HierarchyViolation,
    Lease,
    LeaseLost,
    Progress,
    ServerUnavailable,
    ThrottleError,
    UnknownSemaphore,
)

ProxyOf = Callable[[Server], Proxy]

LEVELS = "A = { max = 2, level = 1 }\nB = 3"


def test_a_lock_is_held_inside_its_block_only(serve: Serve) -> None:
    server = serve()
    with throttle_client.connect(websocket_url(server), label="worker-7") as throttle:
        with throttle.lock("A") as lease:
            assert remainder(server, "A") == 0
            assert not lease.lost.is_set()
            assert not lease.lost.wait(0)
            assert 0 < lease.safe_for <= 24
            assert lease.fence == lease.fences["A"]
        eventually(lambda: remainder(server, "A") == 1, "the lock is released")
    eventually(lambda: peers(server) == [], "nobody is left")


def test_nested_locks_share_a_peer_and_the_outer_one_stays(serve: Serve) -> None:
    server = serve(LEVELS)
    with throttle_client.connect(websocket_url(server)) as throttle:
        with throttle.lock("A"):
            with throttle.lock("B", count=3):
                assert [sorted(peer["locks"]) for peer in busy(server)] == [["A", "B"]]
            eventually(lambda: remainder(server, "B") == 3, "the inner lock is released")
            assert remainder(server, "A") == 1
        with throttle.lock("B"), pytest.raises(HierarchyViolation), throttle.lock("A"):
            pytest.fail("upwards")


def test_each_thread_is_a_peer_of_its_own(serve: Serve) -> None:
    with throttle_client.connect(websocket_url(serve(LEVELS))) as throttle, ThreadPoolExecutor() as pool:
        with throttle.lock("B"):
            pool.submit(throttle.acquire, "A").result().release()


def test_errors_are_typed(serve: Serve) -> None:
    server = serve()
    with throttle_client.connect(websocket_url(server)) as throttle, ThreadPoolExecutor() as pool:
        with pytest.raises(UnknownSemaphore), throttle.lock("C"):
            pytest.fail("there is none")
        with throttle.lock("A"):
            for timeout in (0, 0.05):
                with pytest.raises(AcquireTimeout):
                    pool.submit(throttle.acquire, "A", timeout=timeout).result()
        assert waiting(server) == 0


def test_limit_decorates_functions(serve: Serve) -> None:
    server = serve()
    with throttle_client.connect(websocket_url(server)) as throttle:

        @throttle.limit("A")
        def job(value: int) -> int:
            return value + remainder(server, "A")

        assert [job(value) for value in range(3)] == [0, 1, 2]

        async def coroutine() -> None: ...

        def generator() -> object:
            yield

        for function, words in ((coroutine, "aio.connect"), (generator, "generator")):
            with pytest.raises(TypeError, match=words):
                throttle.limit("A")(function)


def test_progress_is_told_in_the_thread_that_waits(serve: Serve) -> None:
    server, seen = serve(), list[tuple[Progress, threading.Thread]]()
    with throttle_client.connect(websocket_url(server), label="worker-7") as throttle, ThreadPoolExecutor(1) as pool:
        lease = throttle.acquire("A")
        waits = pool.submit(
            throttle.acquire, "A", progress=lambda told: seen.append((told, threading.current_thread()))
        )
        eventually(lambda: bool(seen), "progress is told")
        lease.release()
        waits.result().release()
        worker = pool.submit(threading.current_thread).result()
    assert (seen[0][0].position, seen[0][0].held_by, seen[0][1]) == (1, ("worker-7",), worker)


def test_it_works_where_an_event_loop_runs(serve: Serve) -> None:
    # As in a notebook.
    import asyncio  # noqa: PLC0415

    async def cell() -> None:
        with throttle_client.connect(websocket_url(serve())) as throttle, throttle.lock("A"):
            pass

    asyncio.run(cell())


def test_close_ends_waits_and_gives_leases_back(serve: Serve) -> None:
    server = serve()
    throttle = throttle_client.connect(websocket_url(server))
    with ThreadPoolExecutor() as pool:
        lease = throttle.acquire("A")
        waits = pool.submit(throttle.acquire, "A")
        eventually(lambda: waiting(server) == 1, "somebody waits")
        throttle.close()
        with pytest.raises(ThrottleError, match="closed"):
            waits.result()
    assert (lease.lost.is_set(), lease.reason) == (True, "closed")
    eventually(lambda: peers(server) == [], "nobody is left")
    throttle.close()
    with pytest.raises(ThrottleError, match="closed"):
        throttle.acquire("A")


def test_who_forgets_to_close_leaves_no_thread_behind(serve: Serve) -> None:
    server = serve()
    throttle = throttle_client.connect(websocket_url(server))
    throttle.acquire("A").release()
    del throttle
    gc.collect()
    eventually(lambda: peers(server) == [], "the connection is closed")


def test_a_lease_keeps_a_client_alive_that_is_forgotten(serve: Serve) -> None:
    server = serve()

    def get() -> Lease:
        return throttle_client.connect(websocket_url(server)).acquire("A", timeout=3600)

    lease = get()
    gc.collect()
    time.sleep(0.1)
    lease.check()
    assert remainder(server, "A") == 0
    lease.release()
    eventually(lambda: remainder(server, "A") == 1, "the lock is released")
    del lease
    gc.collect()
    eventually(lambda: peers(server) == [], "the connection is closed")


def test_no_server_is_said_after_a_while() -> None:
    with pytest.raises(ServerUnavailable), throttle_client.connect("ws://127.0.0.1:1", patience=0.2):
        pytest.fail("there is no server")


def test_what_is_acquired_can_be_used_with_a_block(serve: Serve) -> None:
    server = serve()
    with throttle_client.connect(websocket_url(server)) as throttle:
        with pytest.raises(LookupError), throttle.acquire("A") as lease:
            assert remainder(server, "A") == 0
            raise LookupError
        assert "released" in repr(lease)
        assert repr(throttle.lock({"A": 2, "B": 1})) == "<lock on A (2), B, to be entered with `with`>"
        with throttle.lock("A", timeout=20):
            pass


def test_a_released_lease_says_so_at_once(serve: Serve) -> None:
    with throttle_client.connect(websocket_url(serve("A = 2"))) as throttle:
        for _ in range(20):
            lease = throttle.acquire("A")
            lease.check()
            lease.release()
            assert repr(lease) == "<Lease of {'A': 1}, released>"
            assert lease.safe_for == 0
            with pytest.raises(ThrottleError, match="the lease of 'A' was released") as over:
                lease.check()
            assert (over.value.code, over.value.semaphore) == ("released", "A")
            assert not lease.lost.is_set()
            lease.release()


def test_the_lease_of_a_thread_that_has_ended_is_held_on(serve: Serve) -> None:
    server = serve("A = 1\nB = 1")
    with throttle_client.connect(websocket_url(server), expires_in=0.5) as throttle:
        kept = list[Lease]()

        def work(name: str) -> None:
            kept.append(throttle.acquire(name))

        for name in "AB":
            thread = threading.Thread(target=work, args=(name,))
            thread.start()
            thread.join()
        del kept[1]
        gc.collect()
        time.sleep(1)
        # The one is still in somebody's hands; and with the other one, what it guards may still be in use.
        assert (remainder(server, "A"), remainder(server, "B")) == (0, 0)
        kept[0].check()
        kept[0].release()
        with throttle.lock("A", timeout=20):
            assert remainder(server, "B") == 0
    eventually(lambda: remainder(server, "B") == 1, "the end of the client gives it back")


# --- Losing


def test_a_lease_is_lost_when_the_server_is_out_of_reach(serve: Serve, proxy_of: ProxyOf) -> None:
    server, told = serve(), list[Lease]()
    proxy = proxy_of(server)
    with throttle_client.connect(proxy.url, expires_in=0.5) as throttle:
        with pytest.raises(LeaseLost), throttle.lock("A") as lease:
            proxy.refuse()
            assert lease.lost.wait(20)
            with pytest.raises(LeaseLost):
                lease.check()
        proxy.refuse(refusing=False)
        with throttle.lock("A", timeout=20, on_lost=told.append) as lease:
            proxy.refuse()
            assert lease.lost.wait(20)
        eventually(lambda: told == [lease], "the callback is called")


def test_a_lease_survives_a_broken_connection_and_a_restart(serve: Serve, proxy_of: ProxyOf) -> None:
    server = serve()
    proxy = proxy_of(server)
    with throttle_client.connect(proxy.url) as throttle, throttle.lock("A") as lease:
        proxy.cut()
        eventually(lambda: proxy.connections >= 2, "it connects again")
        server.kill()
        server.start()
        eventually(lambda: remainder(server, "A") == 0, "the lock is back")
        assert not lease.lost.is_set()


def test_a_thread_that_computes_keeps_its_lease(serve: Serve) -> None:
    with throttle_client.connect(websocket_url(serve()), expires_in=3) as throttle, throttle.lock("A") as lease:
        end = time.monotonic() + 3
        while time.monotonic() < end:
            sum(range(1000))
        assert not lease.lost.is_set()


@pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="needs SIGSTOP")
def test_a_program_that_was_stopped_has_lost_its_lease(serve: Serve) -> None:
    program = run_program(
        serve(),
        """
        with throttle_client.connect(url, expires_in=1) as throttle:
            lease = throttle.acquire("A")
            print("held", flush=True)
            input()
            print("lost" if lease.lost.is_set() else "kept", flush=True)
        """,
    )
    assert read(program) == "held"
    program.send_signal(signal.SIGSTOP)
    time.sleep(1.2)
    program.send_signal(signal.SIGCONT)
    assert program.stdin is not None
    print(file=program.stdin, flush=True)
    assert read(program) == "lost"
    finish(program)


# --- Interrupts


def test_an_interrupt_at_every_line_leaves_nothing_behind(serve: Serve) -> None:
    """Ctrl-C comes between any two lines of the calling thread: here it is made to come, one line later each time."""
    server = serve()
    package = str(Path(throttle_client.__file__).parent)
    with throttle_client.connect(websocket_url(server)) as throttle:
        line, interrupted = 0, True
        while interrupted:
            line += 1
            interrupted = interrupt_at(line, package, lambda: throttle.lock("A").__enter__())
            if interrupted:
                with throttle.lock("A", timeout=20):
                    pass
        assert line > 20
    eventually(lambda: peers(server) == [], "nobody is left")


def interrupt_at(line: int, package: str, call: Callable[[], Lease]) -> bool:
    left = line

    def trace(frame: object, event: str, _: object) -> object:
        nonlocal left
        if event == "line" and frame.f_code.co_filename.startswith(package):  # type: ignore[attr-defined]
            left -= 1
            if left == 0:
                raise KeyboardInterrupt
        return trace

    before = sys.gettrace()
    sys.settrace(trace)  # type: ignore[arg-type]
    try:
        lease = call()
    except KeyboardInterrupt:
        return True
    finally:
        sys.settrace(before)
    lease.release()
    return False


def test_ctrl_c_ends_a_wait_and_leaves_nothing_behind(serve: Serve) -> None:
    server = serve()
    with throttle_client.connect(websocket_url(server)) as throttle, throttle.lock("A"):
        program = run_program(
            server,
            """
            with throttle_client.connect(url) as throttle:
                try:
                    throttle.acquire("A")
                except KeyboardInterrupt:
                    print("interrupted", flush=True)
                    input()
            """,
        )
        eventually(lambda: waiting(server) == 1, "it waits")
        program.send_signal(signal.SIGINT)
        assert read(program) == "interrupted"
        eventually(lambda: waiting(server) == 0, "it has left the line")
        finish(program)


def test_a_program_ends_without_waiting_for_the_client(serve: Serve) -> None:
    server = serve()
    program = run_program(
        server,
        """
        throttle = throttle_client.connect(url, expires_in=300)
        lease = throttle.acquire("A")
        """,
    )
    finish(program)
    eventually(lambda: peers(server) == [], "what it held is given back at its end")


# --- Processes


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_forked_child_has_a_connection_of_its_own(serve: Serve) -> None:
    server = serve("A = { max = 1, level = 1 }\nB = 1")
    with throttle_client.connect(websocket_url(server)) as throttle, throttle.lock("A") as lease:
        child = os.fork()
        if child == 0:
            os._exit(child_of_a_fork(throttle, lease))
        _, status = os.waitpid(child, 0)
        assert os.waitstatus_to_exitcode(status) == 0
        assert remainder(server, "A") == 0
        assert not lease.lost.is_set()
        with throttle.lock("B", timeout=20):
            pass


def child_of_a_fork(throttle: throttle_client.Throttle, lease: Lease) -> int:
    try:
        if (lease.reason, lease.lost.is_set()) != ("forked", True):
            return 1
        lease.release()
        with pytest.raises(AcquireTimeout):
            throttle.acquire("A", timeout=0)
        with throttle.lock("B", timeout=20):
            pass
        throttle.close()
    except BaseException:  # noqa: BLE001  the parent is to know
        return 2
    return 0


@pytest.mark.parametrize("method", ["fork", "spawn"])
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_pools_of_processes_take_a_client_along(serve: Serve, method: str) -> None:
    with throttle_client.connect(websocket_url(serve())) as throttle:
        assert work(throttle)
        with get_context(method).Pool(2) as pool:
            fences = pool.map(work, [throttle] * 4)
            pool.close()
            pool.join()
        assert len(set(fences)) == 4


def test_it_survives_pickling_by_connecting_again(serve: Serve) -> None:
    server = serve()
    with throttle_client.connect(websocket_url(server)) as throttle:
        copy = pickle.loads(pickle.dumps(throttle))  # noqa: S301  our own
        lock = pickle.loads(pickle.dumps(throttle.lock("A", timeout=0)))  # noqa: S301  our own
        with copy.lock("A"), pytest.raises(AcquireTimeout), lock:
            pytest.fail("it is held")
        copy.close()
        lock._throttle.close()


# --- Programs


def run_program(server: Server, code: str) -> subprocess.Popen[str]:
    text = f"import throttle_client\nurl = {websocket_url(server)!r}\n{textwrap.dedent(code)}"
    return subprocess.Popen([sys.executable, "-c", text], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def read(program: subprocess.Popen[str]) -> str:
    assert program.stdout is not None
    return program.stdout.readline().strip()


def finish(program: subprocess.Popen[str]) -> None:
    program.communicate("\n", timeout=20)
    assert program.returncode == 0
