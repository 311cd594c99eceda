"""The numbers of what a lease has: shown, said again after a reconnect, given back by a server that is restarted."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from harness.patience import eventually
from harness.server import Server

import throttle_client
from conftest import Serve
from machine import Machine, kinds
from proxy import Proxy
from support import eventually as eventually_async
from support import websocket_url
from throttle_client import aio
from throttle_client._machine.state import Stage

ProxyOf = Callable[[Server], Proxy]
NUMBERED = "gpu = { max = 4, slots = true }\nA = { max = 2, level = 1 }"


# --- The machine


def test_what_is_granted_has_numbers_where_there_are_some() -> None:
    machine = Machine()
    machine.slots = {"gpu": [0, 3]}
    assert machine.hold({"gpu": 2, "A": 1}).slots == {"gpu": (0, 3)}


def test_they_are_told_beside_what_is_held() -> None:
    machine = Machine()
    machine.slots = {"gpu": [0, 3]}
    machine.hold({"gpu": 2, "A": 1})
    machine.drop()
    opening = machine.connect()[0]
    assert (opening["held"], opening["slots"]) == ({"gpu": 2, "A": 1}, {"gpu": [0, 3]})


def test_who_has_none_says_nothing_about_them() -> None:
    machine = Machine()
    machine.hold()
    machine.drop()
    assert "slots" not in machine.connect()[0]


def test_what_is_not_claimed_has_no_numbers_to_be_told() -> None:
    machine = Machine()
    machine.slots = {"gpu": [0, 3]}
    hold = machine.hold({"gpu": 2})
    machine.drop()
    machine.session.release(machine.now, hold)
    ticket = machine.ask("A")
    sent = machine.connect()
    assert all("slots" not in message for message in sent if message["type"] == "open")
    assert ticket.stage is Stage.WAITING


def test_more_numbers_than_a_frame_takes_are_not_told() -> None:
    machine = Machine()
    machine.slots = {"gpu": list(range(7000))}
    machine.hold({"gpu": 7000})
    machine.drop()
    opening = machine.connect()[0]
    assert (opening["held"], "slots" in opening) == ({"gpu": 7000}, False)


@pytest.mark.parametrize("numbers", [{"gpu": [1, 2]}, {}])
def test_other_numbers_than_before_are_taken(numbers: dict[str, list[int]]) -> None:
    machine = Machine()
    machine.slots = {"gpu": [0, 3]}
    hold = machine.hold({"gpu": 2})
    machine.drop()
    machine.answer(machine.connect(epoch="e2"), restored=True, held=machine.locks({"gpu": 2}, numbers))
    assert (hold.lost, hold.slots) == (None, {name: tuple(value) for name, value in numbers.items()})
    assert kinds(machine.sent()) == []


# --- Both interfaces


def test_a_lease_shows_its_numbers(serve: Serve) -> None:
    with throttle_client.connect(websocket_url(serve(NUMBERED))) as throttle:
        with throttle.lock("A"), throttle.lock("gpu", count=2) as lease:
            assert lease.slots == (0, 1)
            assert lease.slots_by_name == {"gpu": (0, 1)}
        with throttle.lock({"gpu": 3, "A": 1}) as both:
            assert both.slots_by_name == {"gpu": (0, 1, 2), "A": ()}
            with pytest.raises(ValueError, match="slots_by_name"):
                _ = both.slots
        with throttle.lock("A") as lease:
            assert (lease.slots, lease.slots_by_name) == ((), {"A": ()})


async def test_no_two_leases_have_the_same(serve: Serve) -> None:
    async with aio.connect(websocket_url(serve(NUMBERED))) as throttle:
        async with throttle.lock("gpu", count=2) as one:
            other = await asyncio.create_task(throttle.acquire("gpu", 2))
            assert sorted(one.slots + other.slots) == [0, 1, 2, 3]
            await other.release()
        async with throttle.lock({"gpu": 1, "A": 1}) as both:
            assert both.slots_by_name == {"gpu": (0,), "A": ()}


def test_a_server_that_is_restarted_gives_them_back(serve: Serve) -> None:
    server = serve(NUMBERED)
    with throttle_client.connect(websocket_url(server)) as throttle, ThreadPoolExecutor(2) as pool:
        first = pool.submit(throttle.acquire, "gpu", 2).result()
        with throttle.lock({"gpu": 2, "A": 1}) as lease:
            before, slots = lease.fences, lease.slots_by_name
            assert slots == {"gpu": (2, 3), "A": ()}
            first.release()
            server.kill()
            server.start()
            eventually(lambda: lease.fences["gpu"] > before["gpu"], "the lease is brought back")
            assert (lease.slots_by_name, lease.lost.is_set()) == (slots, False)


async def test_who_comes_too_late_has_others_after_a_restart(serve: Serve, proxy_of: ProxyOf) -> None:
    server = serve(NUMBERED)
    proxy = proxy_of(server)
    async with aio.connect(proxy.url) as throttle, throttle.lock("gpu", 2) as lease:
        before = lease.fence
        proxy.refuse()
        proxy.cut()
        server.kill()
        server.start()
        async with aio.connect(websocket_url(server)) as other, other.lock("gpu") as early:
            assert early.slots == (0,)
            proxy.refuse(refusing=False)
            await eventually_async(lambda: lease.fence > before, "the lease is brought back")
            assert lease.slots == (1, 2)
