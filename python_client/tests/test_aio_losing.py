"""Leases that are lost, and those that survive: broken connections, restarts, an event loop that was blocked."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable

import pytest
from harness.server import Server

from conftest import Serve
from proxy import Proxy
from support import busy, eventually, peers, remainder, waiting, websocket_url
from throttle_client import AcquireTimeout, LeaseLost, ServerUnavailable, aio

ProxyOf = Callable[[Server], Proxy]


async def test_a_broken_connection_is_replaced_and_nothing_is_lost(serve: Serve, proxy_of: ProxyOf) -> None:
    server = serve("A = { max = 1, level = 1 }\nB = 1")
    proxy = proxy_of(server)
    async with aio.connect(proxy.url) as throttle, throttle.lock("A") as lease:
        fence = lease.fence
        # Known to the client, too: a connection that breaks before that leaves a peer which has to expire.
        queued = asyncio.Event()
        waits = asyncio.create_task(throttle.acquire("A", progress=lambda _: queued.set()))
        await queued.wait()
        for connections in (2, 3, 4):
            proxy.cut()
            await eventually(lambda n=connections: proxy.connections >= n, "it connects again")  # type: ignore[misc]
        async with throttle.lock("B", timeout=20):
            assert len(peers(server)) == 2
        assert not lease.lost.is_set()
        assert lease.fence == fence
        await lease.release()
        await (await waits).release()


async def test_a_wait_survives_a_broken_connection_in_its_place(serve: Serve, proxy_of: ProxyOf) -> None:
    server, order = serve(), list[str]()
    proxy = proxy_of(server)
    async with aio.connect(websocket_url(server)) as direct, aio.connect(proxy.url) as throttle:
        in_line = {name: asyncio.Event() for name in ("first", "second")}

        async def one(name: str, client: aio.Throttle) -> None:
            async with client.lock("A", progress=lambda _: in_line[name].set()):
                order.append(name)

        async with asyncio.TaskGroup() as tasks, direct.lock("A"):
            tasks.create_task(one("first", throttle))
            await in_line["first"].wait()
            tasks.create_task(one("second", direct))
            await in_line["second"].wait()
            proxy.cut()
            await eventually(lambda: proxy.connections == 2, "it connects again")
    assert order == ["first", "second"]


async def test_a_server_that_comes_back_is_told_what_is_held(serve: Serve) -> None:
    server = serve("A = 2")
    async with aio.connect(websocket_url(server)) as throttle, throttle.lock("A", count=2) as lease:
        fence = lease.fence
        waits = asyncio.create_task(throttle.acquire("A"))
        await eventually(lambda: waiting(server) == 1, "somebody waits")
        server.kill()
        server.start()
        await eventually(lambda: remainder(server, "A") == 0 and waiting(server) == 1, "all are back")
        assert not lease.lost.is_set()
        assert lease.fence > fence
        await lease.release()
        await (await waits).release()


async def test_a_frozen_connection_is_given_up_and_replaced(serve: Serve, proxy_of: ProxyOf) -> None:
    server = serve()
    proxy = proxy_of(server)
    async with aio.connect(proxy.url, expires_in=6) as throttle, throttle.lock("A") as lease:
        proxy.freeze()
        await eventually(lambda: proxy.connections >= 2, "it gives the frozen connection up")
        proxy.thaw()
        await eventually(lambda: lease.safe_for > 2, "the server vouches for the lease again")
        assert not lease.lost.is_set()


async def test_a_lease_is_lost_before_others_get_it(serve: Serve, proxy_of: ProxyOf) -> None:
    server = serve()
    proxy = proxy_of(server)
    async with aio.connect(proxy.url, expires_in=5) as throttle, aio.connect(websocket_url(server)) as other:
        lease = await throttle.acquire("A")
        proxy.refuse()
        next_one = asyncio.create_task(other.acquire("A"))
        await lease.lost.wait()
        assert not next_one.done()
        assert (lease.reason, lease.safe_for) == ("expired", 0.0)
        with pytest.raises(LeaseLost):
            lease.check()
        await (await next_one).release()
        with pytest.raises(LeaseLost) as lost:
            await lease.release()
        assert (lost.value.code, lost.value.semaphore) == ("expired", "A")
        proxy.refuse(refusing=False)
        async with throttle.lock("A", timeout=20):
            pass
    await eventually(lambda: busy(server) == [], "nothing is left")


async def test_a_lost_lease_is_released_on_the_server_once_it_is_reached(serve: Serve, proxy_of: ProxyOf) -> None:
    server = serve()
    proxy = proxy_of(server)
    async with aio.connect(proxy.url, expires_in=4) as throttle:
        lease = await throttle.acquire("A")
        proxy.refuse()
        await lease.lost.wait()
        assert remainder(server, "A") == 0
        proxy.refuse(refusing=False)
        await eventually(lambda: remainder(server, "A") == 1, "the lock is free before its block ends")
        assert lease.lost.is_set()
        with pytest.raises(LeaseLost):
            await lease.release()


async def test_the_block_is_told_at_its_end(serve: Serve, proxy_of: ProxyOf) -> None:
    proxy = proxy_of(serve())
    async with aio.connect(proxy.url, expires_in=0.5) as throttle:
        with pytest.raises(LeaseLost):
            async with throttle.lock("A") as lease:
                proxy.refuse()
                await lease.lost.wait()
                await asyncio.sleep(0)


async def test_an_error_of_the_block_stays_and_has_a_note(serve: Serve, proxy_of: ProxyOf) -> None:
    proxy = proxy_of(serve())
    async with aio.connect(proxy.url, expires_in=0.5) as throttle:
        with pytest.raises(LookupError) as failed:
            async with throttle.lock("A") as lease:
                proxy.refuse()
                await lease.lost.wait()
                raise LookupError
        assert "the lease of 'A' was lost" in failed.value.__notes__[0]


async def test_cancel_ends_the_block_at_once(serve: Serve, proxy_of: ProxyOf) -> None:
    proxy = proxy_of(serve())
    task = asyncio.current_task()
    assert task is not None
    async with aio.connect(proxy.url, expires_in=0.5, on_lost="cancel") as throttle:
        with pytest.raises(LeaseLost):
            async with throttle.lock("A"):
                proxy.refuse()
                await asyncio.Event().wait()
        assert task.cancelling() == 0
        await asyncio.sleep(0)


async def test_cancel_does_not_swallow_the_cancellation_of_somebody_else(serve: Serve, proxy_of: ProxyOf) -> None:
    proxy = proxy_of(serve())

    async def hold(throttle: aio.Throttle) -> None:
        async with throttle.lock("A") as lease:
            proxy.refuse()
            while not lease.lost.is_set():  # noqa: ASYNC110  it is the moment itself that matters
                await asyncio.sleep(0)
            asyncio.get_running_loop().call_soon(task.cancel)
            await asyncio.Event().wait()

    async with aio.connect(proxy.url, expires_in=0.5, on_lost="cancel") as throttle:
        task = asyncio.create_task(hold(throttle))
        with pytest.raises((asyncio.CancelledError, LeaseLost)):
            await task


async def test_cancel_when_the_event_loop_was_blocked(serve: Serve) -> None:
    task = asyncio.current_task()
    assert task is not None
    async with aio.connect(websocket_url(serve()), expires_in=0.5, on_lost="cancel") as throttle:
        with pytest.raises(LeaseLost):
            async with throttle.lock("A"):
                time.sleep(0.6)  # noqa: ASYNC251  that is what it is about
        assert task.cancelling() == 0
        await asyncio.sleep(0)


async def test_a_callback_is_called_once_and_nothing_is_raised(serve: Serve, proxy_of: ProxyOf) -> None:
    proxy, told = proxy_of(serve()), list[aio.Lease]()
    async with aio.connect(proxy.url, expires_in=0.5) as throttle:
        async with throttle.lock("A", on_lost=told.append) as lease:
            proxy.refuse()
            await lease.lost.wait()
        assert told == [lease]


async def test_an_event_loop_that_was_blocked_too_long_has_lost_its_leases(serve: Serve) -> None:
    server = serve()
    async with aio.connect(websocket_url(server), expires_in=1) as throttle:
        with pytest.raises(LeaseLost):
            async with throttle.lock("A") as lease:
                time.sleep(1)  # noqa: ASYNC251  that is what it is about
                assert lease.lost.is_set()
                await asyncio.sleep(0.3)
                assert lease.lost.is_set()
        async with throttle.lock("A", timeout=20):
            pass


async def test_at_the_end_of_the_block_the_clock_is_asked(serve: Serve) -> None:
    async with aio.connect(websocket_url(serve()), expires_in=1) as throttle:
        with pytest.raises(LeaseLost):
            async with throttle.lock("A"):
                time.sleep(1)  # noqa: ASYNC251  that is what it is about


async def test_a_busy_event_loop_keeps_its_leases(serve: Serve) -> None:
    async with aio.connect(websocket_url(serve()), expires_in=2) as throttle, throttle.lock("A") as lease:
        for _ in range(30):
            time.sleep(0.1)  # noqa: ASYNC251  that is what it is about
            await asyncio.sleep(0.001)
        assert not lease.lost.is_set()


async def test_inside_a_lost_block_nothing_is_acquired(serve: Serve, proxy_of: ProxyOf) -> None:
    server = serve("A = { max = 1, level = 1 }\nB = 1")
    proxy = proxy_of(server)
    async with aio.connect(proxy.url, expires_in=0.5) as throttle:
        with pytest.raises(LeaseLost):
            async with throttle.lock("A") as lease:
                proxy.refuse()
                await lease.lost.wait()
                proxy.refuse(refusing=False)
                await throttle.acquire("B")
        async with throttle.lock("B", timeout=20):
            pass


async def test_a_nested_wait_ends_with_the_lease_around_it(serve: Serve, proxy_of: ProxyOf) -> None:
    server = serve("A = { max = 1, level = 1 }\nB = 1")
    proxy = proxy_of(server)
    async with aio.connect(websocket_url(server)) as other, other.lock("B"):
        async with aio.connect(proxy.url, expires_in=0.5) as throttle:

            async def nest() -> None:
                async with throttle.lock("A"), throttle.lock("B"):
                    pytest.fail("B is held")

            task = asyncio.create_task(nest())
            await eventually(lambda: waiting(server) == 1, "it waits for B")
            proxy.refuse()
            with pytest.raises(LeaseLost):
                await task


async def test_a_server_that_is_away_too_long_is_unavailable_to_those_who_wait(serve: Serve, proxy_of: ProxyOf) -> None:
    server = serve()
    proxy = proxy_of(server)
    async with aio.connect(websocket_url(server)) as other, other.lock("A"):
        async with aio.connect(proxy.url, patience=0.2) as throttle:
            waits = asyncio.create_task(throttle.acquire("A"))
            await eventually(lambda: waiting(server) == 1, "it waits")
            proxy.refuse()
            with pytest.raises(ServerUnavailable):
                await waits
            with pytest.raises(ServerUnavailable):
                await throttle.acquire("A", timeout=0)
            proxy.refuse(refusing=False)
            await eventually(lambda: waiting(server) == 0, "its place in line is given up")
            with pytest.raises(AcquireTimeout):
                await throttle.acquire("A", timeout=0.1)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
async def test_a_forked_child_has_a_connection_of_its_own(serve: Serve) -> None:
    server = serve("A = 1\nB = 1")
    async with aio.connect(websocket_url(server)) as throttle:
        async with throttle.lock("A") as lease:
            child = os.fork()
            if child == 0:
                os._exit(child_of_a_fork(throttle, lease))
            status = await asyncio.to_thread(os.waitpid, child, 0)
            assert os.waitstatus_to_exitcode(status[1]) == 0
            assert remainder(server, "A") == 0
            assert not lease.lost.is_set()
        async with throttle.lock("B", timeout=20):
            pass


def child_of_a_fork(throttle: aio.Throttle, lease: aio.Lease) -> int:
    async def work() -> None:
        assert (lease.reason, lease.lost.is_set()) == ("forked", True)
        await lease.release()
        with pytest.raises(AcquireTimeout):
            await throttle.acquire("A", timeout=0)
        async with throttle.lock("B", timeout=20):
            pass
        await throttle.close()

    try:
        asyncio.run(work())
    except BaseException:  # noqa: BLE001  the parent is to know
        return 1
    return 0


async def test_the_end_of_the_server_is_survived(serve: Serve) -> None:
    server = serve()
    async with aio.connect(websocket_url(server)) as throttle, throttle.lock("A") as lease:
        server.stop()
        server.start()
        await eventually(lambda: remainder(server, "A") == 0, "the lock is back")
        assert not lease.lost.is_set()
