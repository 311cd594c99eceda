"""The asyncio interface against a real server: locks, their errors, waiting, and what is told about it."""

from __future__ import annotations

import asyncio
import pickle
import socket
from datetime import timedelta
from typing import Any

import pytest

from conftest import Serve
from support import busy, eventually, peers, remainder, waiting, websocket_url
from throttle_client import (
    AcquireTimeout,
    CountExceedsMax,
    HierarchyViolation,
    Progress,
    ServerUnavailable,
    ThrottleError,
    UnknownSemaphore,
    aio,
)

LEVELS = "A = { max = 2, level = 1 }\nB = 3"


async def test_a_lock_is_held_inside_its_block_only(serve: Serve) -> None:
    server = serve()
    async with aio.connect(websocket_url(server), label="worker-7") as throttle:
        async with throttle.lock("A") as lease:
            assert remainder(server, "A") == 0
            assert not lease.lost.is_set()
            assert 0 < lease.safe_for <= 24
        await eventually(lambda: remainder(server, "A") == 1, "the lock is released")
        assert lease.safe_for == 0
        assert not lease.lost.is_set()
    assert peers(server) == []


async def test_fences_grow(serve: Serve) -> None:
    async with aio.connect(websocket_url(serve())) as throttle:
        fences: list[int] = []
        for _ in range(3):
            async with throttle.lock("A") as lease:
                fences.append(lease.fence)
        assert fences == sorted(set(fences))


async def test_several_semaphores_are_granted_as_one(serve: Serve) -> None:
    server = serve(LEVELS)
    async with aio.connect(websocket_url(server)) as throttle, throttle.lock({"A": 2, "B": 1}) as lease:
        assert (remainder(server, "A"), remainder(server, "B")) == (0, 2)
        assert lease.counts == {"A": 2, "B": 1}
        assert lease.fences.keys() == {"A", "B"}
        with pytest.raises(ValueError, match="2 semaphores"):
            _ = lease.fence


async def test_nested_locks_share_a_peer_and_the_outer_one_stays(serve: Serve) -> None:
    server = serve(LEVELS)
    async with aio.connect(websocket_url(server)) as throttle:
        async with throttle.lock("A"):
            async with throttle.lock("B", count=3):
                assert [sorted(peer["locks"]) for peer in busy(server)] == [["A", "B"]]
            await eventually(lambda: remainder(server, "B") == 3, "the inner lock is released")
            assert remainder(server, "A") == 1


async def test_the_hierarchy_is_enforced_within_a_task_and_not_between_tasks(serve: Serve) -> None:
    async with aio.connect(websocket_url(serve(LEVELS))) as throttle, throttle.lock("B"):
        with pytest.raises(HierarchyViolation) as refused:
            async with throttle.lock("A"):
                pytest.fail("upwards")
        assert (refused.value.code, refused.value.semaphore) == ("hierarchy", "A")
        assert isinstance(refused.value, ValueError)

        async def other() -> None:
            async with throttle.lock("A"):
                pass

        await asyncio.create_task(other())


async def test_a_lock_does_not_nest_within_itself(serve: Serve) -> None:
    server = serve("A = 5")
    async with aio.connect(websocket_url(server)) as throttle, throttle.lock("A", count=3):
        for count in (1, 3, 4):
            with pytest.raises(HierarchyViolation, match="holds 'A' already"):
                await throttle.acquire("A", count)
        assert remainder(server, "A") == 2


@pytest.mark.parametrize(
    ("want", "kind", "code"),
    [
        ({"C": 1}, UnknownSemaphore, "unknown_semaphore"),
        ({"A": 2}, CountExceedsMax, "never"),
        ({"A": 1, "C": 1}, UnknownSemaphore, "unknown_semaphore"),
    ],
)
async def test_what_can_never_be_had_is_refused(
    serve: Serve, want: dict[str, int], kind: type[ThrottleError], code: str
) -> None:
    server = serve()
    async with aio.connect(websocket_url(server)) as throttle:
        with pytest.raises(kind) as refused:
            await throttle.acquire(want)
        assert refused.value.code == code
        assert refused.value.semaphore in want
        copy = pickle.loads(pickle.dumps(refused.value))  # noqa: S301  our own
        assert (type(copy), copy.code, copy.semaphore, str(copy)) == (
            kind,
            code,
            refused.value.semaphore,
            str(refused.value),
        )
        async with throttle.lock("A", timeout=0):
            pass


@pytest.mark.parametrize("timeout", [0, 0.05, timedelta(milliseconds=50)])
async def test_a_timeout_leaves_nothing_behind(serve: Serve, timeout: Any) -> None:
    server = serve()
    async with aio.connect(websocket_url(server), label="holder") as throttle, throttle.lock("A"):

        async def other() -> None:
            with pytest.raises(AcquireTimeout) as late:
                await throttle.acquire("A", timeout=timeout)
            assert isinstance(late.value, TimeoutError)
            assert (late.value.code, late.value.semaphore) == ("timeout", "A")

        await asyncio.create_task(other())
        assert waiting(server) == 0


async def test_a_timeout_says_who_is_in_the_way(serve: Serve) -> None:
    async with aio.connect(websocket_url(serve()), label="holder") as throttle, throttle.lock("A"):
        with pytest.raises(
            AcquireTimeout, match=r"'A' was not granted within 0.05 s \(place 1 in line, held by 'holder'"
        ):
            await asyncio.create_task(throttle.acquire("A", timeout=0.05))


async def test_first_come_first_served_but_for_priority(serve: Serve) -> None:
    server, order = serve(), list[int]()
    async with aio.connect(websocket_url(server)) as throttle:

        async def one(number: int, priority: int) -> None:
            async with throttle.lock("A", priority=priority):
                order.append(number)

        async with asyncio.TaskGroup() as tasks, throttle.lock("A"):
            for number, priority in enumerate([0, 0, 5]):
                tasks.create_task(one(number, priority))
            await eventually(lambda: waiting(server) == 3, "all stand in line")
    assert order == [2, 0, 1]


async def test_limit_decorates_coroutines(serve: Serve) -> None:
    server = serve()
    async with aio.connect(websocket_url(server)) as throttle:

        @throttle.limit("A", timeout=20)
        async def job(value: int) -> int:
            """Say what is left."""
            return value + remainder(server, "A")

        assert job.__doc__ == "Say what is left."
        assert await asyncio.gather(*(job(value) for value in range(5))) == [0, 1, 2, 3, 4]
        with pytest.raises(TypeError, match="no coroutine function"):
            throttle.limit("A")(lambda: None)  # type: ignore[arg-type,return-value]  # pyright: ignore[reportArgumentType, reportUnknownMemberType]


async def test_progress_is_told(serve: Serve) -> None:
    server, seen = serve(), list[Progress]()
    async with aio.connect(websocket_url(server), label="worker-7") as throttle:
        lease = await throttle.acquire("A")
        waits = asyncio.create_task(throttle.acquire("A", progress=seen.append))
        await eventually(lambda: bool(seen), "progress is told")
        await lease.release()
        await (await waits).release()
    assert (seen[0].position, seen[0].held_by, seen[0].eta) == (1, ("worker-7",), None)
    assert seen[0].waited >= 0


async def test_a_progress_that_fails_ends_the_wait(serve: Serve) -> None:
    server = serve()

    def fail(_: Progress) -> None:
        raise LookupError

    async with aio.connect(websocket_url(server)) as throttle, throttle.lock("A"):
        with pytest.raises(LookupError):
            await asyncio.create_task(throttle.acquire("A", progress=fail))
        await eventually(lambda: waiting(server) == 0, "nobody waits")


async def test_progress_shows_a_bar(serve: Serve, capsys: pytest.CaptureFixture[str]) -> None:
    server = serve()
    async with aio.connect(websocket_url(server), label="worker-7") as throttle, throttle.lock("A"):
        with pytest.raises(AcquireTimeout):
            await asyncio.create_task(throttle.acquire("A", progress=True, timeout=0.3))
    assert "waiting for A" in capsys.readouterr().err


async def test_acquire_and_release_without_a_block(serve: Serve) -> None:
    server = serve()
    async with aio.connect(websocket_url(server)) as throttle:
        lease = await throttle.acquire("A")
        assert "held" in repr(lease)
        lease.check()
        await lease.release()
        await lease.release()
        assert "released" in repr(lease)
        async with throttle.lock("A", timeout=20) as second:
            with pytest.raises(ThrottleError, match="the lease of 'A' was released") as over:
                lease.check()
        assert (type(over.value), over.value.code, over.value.semaphore) == (ThrottleError, "released", "A")
        with pytest.raises(ThrottleError, match="released"):
            second.check()


async def test_what_is_acquired_can_be_used_with_a_block(serve: Serve) -> None:
    server = serve()
    async with aio.connect(websocket_url(server)) as throttle:
        lease = await throttle.acquire("A")
        with pytest.raises(LookupError):
            async with lease as same:
                assert same is lease
                raise LookupError
        assert "released" in repr(lease)
        assert repr(throttle.lock("A", 2)) == "<lock on A (2), to be entered with `async with`>"
        async with throttle.lock("A", timeout=20):
            pass


async def test_errors_about_several_semaphores_name_them_all(serve: Serve) -> None:
    want = {"A": 1, "B": 1, "C": 1}
    async with aio.connect(websocket_url(serve("A = 1\nB = 1\nC = 1"))) as throttle:
        async with throttle.lock(want) as lease:
            for timeout, words in ((0, "are not all free"), (0.05, "were not granted within")):
                with pytest.raises(AcquireTimeout, match=f"^'A', 'B' and 'C' {words}") as late:
                    await asyncio.create_task(throttle.acquire(want, timeout=timeout))
                assert late.value.semaphore is None
            with pytest.raises(HierarchyViolation, match="holds 'A' and 'B' already") as twice:
                await throttle.acquire({"B": 1, "A": 1})
            assert twice.value.semaphore == "A"
        with pytest.raises(ThrottleError, match="the lease of 'A', 'B' and 'C' was released") as over:
            lease.check()
        assert over.value.semaphore is None


async def test_a_lock_can_be_entered_often_and_by_many(serve: Serve) -> None:
    async with aio.connect(websocket_url(serve("A = 3"))) as throttle:
        lock = throttle.lock("A")

        async def some() -> None:
            for _ in range(5):
                async with lock:
                    await asyncio.sleep(0)

        await asyncio.gather(*(some() for _ in range(10)))


async def test_a_block_may_end_in_another_task(serve: Serve) -> None:
    server = serve()
    async with aio.connect(websocket_url(server)) as throttle:
        lock = throttle.lock("A")
        await asyncio.create_task(lock.__aenter__())
        await asyncio.create_task(lock.__aexit__(None, None, None))
        await eventually(lambda: remainder(server, "A") == 1, "the lock is released")


async def test_without_with_it_connects_when_it_is_needed(serve: Serve) -> None:
    throttle = aio.connect(websocket_url(serve()))
    async with throttle.lock("A"):
        pass
    await throttle.close()
    await throttle.close()
    with pytest.raises(ThrottleError, match="closed") as refused:
        await throttle.acquire("A")
    assert refused.value.code == "closed"


async def test_close_ends_waits_and_gives_leases_back(serve: Serve) -> None:
    server = serve()
    throttle = aio.connect(websocket_url(server))
    lease = await throttle.acquire("A")
    waits = asyncio.create_task(throttle.acquire("A"))
    await eventually(lambda: waiting(server) == 1, "somebody waits")
    await throttle.close()
    with pytest.raises(ThrottleError, match="closed"):
        await waits
    assert (lease.lost.is_set(), lease.reason) == (True, "closed")
    await eventually(lambda: peers(server) == [], "nobody is left")


async def test_it_survives_pickling_by_connecting_again(serve: Serve) -> None:
    server = serve()
    async with aio.connect(websocket_url(server), label="one", on_lost="cancel") as throttle:
        lease = await throttle.acquire("A")
        with pytest.raises(TypeError, match="cannot be pickled"):
            pickle.dumps(lease)
        lock = pickle.loads(pickle.dumps(throttle.lock("A", timeout=0)))  # noqa: S301  our own
        with pytest.raises(AcquireTimeout):
            await lock.__aenter__()
        await lease.release()
        await lock._throttle.close()


async def test_a_client_belongs_to_one_loop(serve: Serve) -> None:
    async with aio.connect(websocket_url(serve())) as throttle:

        async def elsewhere() -> None:
            with pytest.raises(RuntimeError, match="another event loop"):
                await throttle.acquire("A")

        await asyncio.to_thread(asyncio.run, elsewhere())


async def test_no_server_is_said_after_a_while() -> None:
    with pytest.raises(
        ServerUnavailable, match=r"^no connection to ws://127.0.0.1:1/ws: Connection refused$"
    ) as refused:
        async with aio.connect("ws://127.0.0.1:1", patience=1):
            pytest.fail("there is no server")
    assert isinstance(refused.value, ConnectionError)
    throttle = aio.connect("ws://127.0.0.1:1", patience=0.2)
    with pytest.raises(ServerUnavailable):
        await throttle.acquire("A")
    with pytest.raises(ServerUnavailable):
        await throttle.acquire("A", timeout=0)
    with pytest.raises(ServerUnavailable):
        await throttle.acquire("A", timeout=0.05)
    await throttle.close()


async def test_what_is_no_throttle_server_is_said_at_once(serve: Serve) -> None:
    server = serve()
    with pytest.raises(ServerUnavailable, match=r"no connection to ws://.*/elsewhere/ws: the server answered 404"):
        async with aio.connect(f"{websocket_url(server)}/elsewhere", patience=None):
            pytest.fail("there is no session to be had")


async def test_who_mistakes_tls_is_told(serve: Serve) -> None:
    url = websocket_url(serve()).replace("ws://", "wss://")
    with pytest.raises(ServerUnavailable, match=f"no connection to {url}/ws: .*SSL.*its URL begins with 'ws://'"):
        async with aio.connect(url, patience=2):
            pytest.fail("it has no TLS")

    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        # What a server with TLS says: an alert that this is no handshake.
        writer.write(bytes.fromhex("15030100020246"))
        writer.close()

    async with await asyncio.start_server(refuse, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(ServerUnavailable, match="its URL begins with 'wss://'"):
            async with aio.connect(f"ws://127.0.0.1:{port}", patience=2):
                pytest.fail("it has TLS")


async def test_a_server_that_says_nothing_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"ws://127.0.0.1:{server.getsockname()[1]}"
        with pytest.raises(ServerUnavailable, match=f"no connection to {url}/ws: no answer yet"):
            async with aio.connect(url, patience=0.2):
                pytest.fail("it says nothing")
