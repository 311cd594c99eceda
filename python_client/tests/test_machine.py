"""The machine by itself: what it says when, with a clock that goes as told. Fences, keys and answers are made up."""

from __future__ import annotations

import json

import pytest

from machine import Machine, find, kinds
from throttle_client import (
    AcquireTimeout,
    CountExceedsMax,
    HierarchyViolation,
    LeaseLost,
    ServerUnavailable,
    ThrottleError,
)
from throttle_client._machine.state import Stage, Ticket
from throttle_client._machine.words import SILENCE, lost


def test_the_first_frame_has_everything() -> None:
    machine = Machine(connect=False, label="worker-7", token="secret")  # noqa: S106  not one
    machine.ask({"A": 2}, timeout=2.5, priority=3, progress=True)
    machine.session.begin(machine.now)
    (frame,) = machine.frames()
    hello, opening, acquire = json.loads(frame)
    assert (hello["type"], hello["token"]) == ("hello", "secret")
    assert opening == {"type": "open", "id": 2, "peer": 1, "expires_in_ms": 30_000, "label": "worker-7"}
    expected = {"type": "acquire", "id": 3, "peer": 1, "want": {"A": 2}, "timeout_ms": 2_500, "priority": 3}
    assert acquire == expected | {"progress": True}


def test_who_does_not_fit_into_the_first_frame_waits_for_the_welcome() -> None:
    machine = Machine(connect=False)
    for number in range(1_000):
        machine.ask(owner=number)
    machine.session.begin(machine.now)
    (first,) = machine.frames()
    assert len(first) < 1_024
    machine.ask(owner="late")
    assert machine.frames() == []
    machine.say({"type": "welcome", "id": 1, "epoch": "e", "limits": {"max_frame_bytes": 8_192, "max_peers": 1_024}})
    rest = machine.frames()
    assert max(map(len, rest)) <= 8_192
    assert sum(map(len, rest)) / len(rest) > 7_000
    assert sum(len(json.loads(frame)) for frame in [first, *rest]) == 1 + 2 * 1_001


def test_what_is_asked_in_one_go_is_one_frame() -> None:
    machine = Machine()
    for number in range(100):
        machine.ask(owner=number)
    assert len(machine.frames()) == 1


def test_a_peer_is_kept_for_the_next_one_and_closed_when_nobody_comes() -> None:
    machine = Machine()
    hold = machine.hold(owner="one")
    machine.session.release(machine.now, hold)
    assert machine.sent() == [{"type": "release", "peer": 1, "names": ["A"]}]
    hold = machine.hold(owner="other")
    machine.session.release(machine.now, hold)
    assert kinds(machine.sent()) == ["release"]
    machine.wait(4.9)
    assert machine.sent() == []
    machine.wait(0.2)
    assert machine.sent() == [{"type": "close", "peer": 1}]
    machine.ask(owner="third")
    assert [message["peer"] for message in machine.sent()] == [2, 2]


def test_nested_asks_share_a_peer() -> None:
    machine = Machine()
    outer, inner = machine.hold("A"), machine.hold("B")
    assert inner.peer is outer.peer
    machine.session.release(machine.now, inner)
    assert machine.sent() == [{"type": "release", "peer": 1, "names": ["B"]}]
    machine.session.release(machine.now, inner)
    assert machine.sent() == []


def test_the_same_name_does_not_nest() -> None:
    machine = Machine()
    machine.hold("A")
    ticket = machine.ask({"A": 1, "B": 1})
    assert machine.sent() == []
    assert isinstance(ticket.error, HierarchyViolation)


def test_one_wait_for_each_owner() -> None:
    machine = Machine()
    machine.ask("A")
    ticket = machine.ask("B")
    assert ticket.error is not None
    assert ticket.error.code == "already_pending"


# --- Giving up


def test_who_gives_up_cancels_and_gives_back_what_may_be_on_its_way() -> None:
    machine = Machine()
    ticket = machine.ask("A")
    acquire = find(machine.sent(), "acquire")
    machine.session.abandon(machine.now, ticket)
    assert kinds(machine.sent()) == ["cancel", "release"]
    machine.grant(acquire)
    assert (ticket.stage, machine.session.peers, machine.sent()) == (Stage.ABANDONED, 0, [])


def test_who_gives_up_after_the_grant_gives_back() -> None:
    machine = Machine()
    ticket = machine.ask("A")
    machine.answer(machine.sent())
    machine.session.abandon(machine.now, ticket)
    assert kinds(machine.sent()) == ["release"]
    assert machine.session.peers == 0


def test_who_gives_up_before_there_is_a_connection_is_not_mentioned() -> None:
    machine = Machine(connect=False)
    machine.session.abandon(machine.now, machine.ask("A"))
    assert machine.connect() == []


def test_who_gives_up_inside_a_block_keeps_what_is_around_it() -> None:
    machine = Machine()
    machine.hold("A")
    ticket = machine.ask("B")
    machine.sent()
    machine.session.abandon(machine.now, ticket)
    assert machine.sent() == [{"type": "cancel", "peer": 1}, {"type": "release", "peer": 1, "names": ["B"]}]
    assert machine.session.peers == 1


def test_the_server_judges_a_timeout_and_the_client_when_it_is_late() -> None:
    machine = Machine()
    answered, silent = machine.ask("A", "one", timeout=10), machine.ask("A", "other", timeout=10)
    sent = machine.sent()
    machine.answer([message for message in sent if message["type"] == "open"])
    acquire, other = (message for message in sent if message["type"] == "acquire")
    machine.say({"type": "queued", "id": acquire["id"], "peer": 1, "position": 2, "blocked_by": ["worker"]})
    machine.say({"type": "queued", "id": other["id"], "peer": 2, "position": 3})
    machine.wait(7.5)
    machine.answer(machine.sent())
    machine.wait(2.5)
    assert (answered.stage, silent.stage) == (Stage.WAITING, Stage.WAITING)
    machine.say({"type": "error", "id": acquire["id"], "peer": 1, "code": "timeout", "message": "no"})
    assert isinstance(answered.error, AcquireTimeout)
    assert "place 2 in line, held by 'worker'" in str(answered.error)
    machine.sent()
    machine.wait(0.2)
    assert isinstance(silent.error, AcquireTimeout)
    assert kinds(machine.sent()) == ["cancel", "release"]


@pytest.mark.parametrize(
    ("code", "kind"), [("hierarchy", HierarchyViolation), ("never", CountExceedsMax), ("bad_message", ThrottleError)]
)
def test_refusals_have_their_types(code: str, kind: type[ThrottleError]) -> None:
    machine = Machine()
    ticket = machine.ask("A")
    acquire = find(machine.sent(), "acquire")
    machine.say({"type": "error", "id": acquire["id"], "code": code, "message": "because", "semaphore": "A"})
    assert ticket.error is not None
    assert type(ticket.error) is kind
    assert (ticket.error.code, ticket.error.semaphore, str(ticket.error)) == (code, "A", "because")


def test_progress_is_told_when_it_was_asked_for() -> None:
    machine = Machine()
    quiet, curious = machine.ask("A", "one"), machine.ask("A", "other", progress=True)
    acquires = [message["id"] for message in machine.sent() if message["type"] == "acquire"]
    for place in (3, 2):
        machine.wait(1)
        machine.say(*({"type": "queued", "id": i, "position": place} for i in acquires))
    assert machine.news == [curious, curious]
    assert quiet.place is not None
    assert (quiet.place.position, quiet.place.first_position) == (2, 3)


# --- The deadline


def test_a_lease_is_certain_for_its_lifetime_since_the_last_message_that_was_answered() -> None:
    machine = Machine(expires_in=10)
    hold = machine.hold()
    granted = machine.now
    assert machine.session.safe_until(hold) == granted + 8
    machine.wait(2.5)
    (ping,) = machine.sent()
    asked = machine.now
    machine.wait(1)
    assert machine.session.safe_until(hold) == granted + 8
    machine.say({"type": "pong", "id": ping["id"]})
    assert machine.session.safe_until(hold) == asked + 8


def test_it_is_lost_at_that_instant_and_stays_lost() -> None:
    machine = Machine(expires_in=10, patience=None)
    hold = machine.hold()
    machine.drop()
    machine.wait(7.999)
    assert machine.session.is_safe(machine.now, hold)
    assert machine.news[-1] is not hold
    machine.wait(0.001)
    assert not machine.session.is_safe(machine.now, hold)
    assert (machine.news[-1], hold.lost) == (hold, "expired")


def test_a_sign_of_life_that_is_found_too_late_does_not_bring_it_back() -> None:
    machine = Machine(expires_in=10)
    hold = machine.hold()
    machine.wait(2.5)
    (ping,) = machine.sent()
    # Blocked: nothing was read, and no timer ran.
    machine.now += 8
    assert not machine.session.is_safe(machine.now, hold)
    machine.session.forfeit(machine.now, hold)
    machine.say({"type": "pong", "id": ping["id"]})
    assert hold.lost == "expired"
    assert kinds(machine.sent()) == ["close"]


def test_what_the_server_pushes_is_no_sign_of_life() -> None:
    machine = Machine(expires_in=10)
    hold = machine.hold()
    before = machine.session.safe_until(hold)
    machine.wait(1)
    machine.say({"type": "state"}, {"type": "granted", "peer": 1, "locks": {}, "waited_ms": 0}, {"type": "pong"})
    assert machine.session.safe_until(hold) == before


def test_to_be_told_the_place_in_line_is_a_sign_of_life_and_the_grant_later_is_none() -> None:
    machine = Machine(expires_in=10)
    hold = machine.hold()
    machine.wait(1)
    asked = machine.now
    machine.ask("B")
    acquire = find(machine.sent(), "acquire")
    machine.say({"type": "queued", "id": acquire["id"], "position": 1})
    assert machine.session.safe_until(hold) == asked + 8
    machine.wait(2)
    machine.grant(acquire)
    assert machine.session.safe_until(hold) == asked + 8


def test_pings_come_while_something_is_held_or_waited_for_only() -> None:
    machine = Machine(expires_in=40)
    hold = machine.hold()
    machine.session.release(machine.now, hold)
    machine.sent()
    machine.wait(4)
    assert machine.sent() == []
    machine.ask()
    machine.answer(machine.sent())
    machine.wait(9.9)
    assert machine.sent() == []
    machine.wait(0.2)
    assert kinds(machine.sent()) == ["ping"]


def test_the_servers_heartbeat_is_the_most_between_pings() -> None:
    machine = Machine(connect=False, expires_in=300)
    machine.connect(heartbeat_ms=3_000)
    machine.hold()
    machine.wait(3)
    assert kinds(machine.sent()) == ["ping"]


def test_a_connection_without_answers_is_dead() -> None:
    machine = Machine(expires_in=10)
    machine.hold()
    assert not machine.wait(4.9)
    assert machine.wait(0.2)


def test_an_idle_connection_is_left_alone() -> None:
    machine = Machine(expires_in=10)
    assert not machine.wait(1_000)
    assert machine.sent() == []


# --- Connecting again


def test_what_is_held_and_waited_for_is_said_again() -> None:
    machine = Machine()
    hold = machine.hold({"A": 2})
    waits = machine.ask("B", timeout=10)
    machine.sent()
    machine.wait(4)
    machine.drop()
    sent = machine.connect()
    assert kinds(sent) == ["open", "acquire"]
    assert (sent[0]["resume"], sent[0]["held"]) == ("key-1", {"A": 2})
    assert (sent[1]["want"], sent[1]["timeout_ms"]) == ({"B": 1}, 6_000)
    machine.answer(sent)
    assert waits.stage is Stage.GRANTED
    assert hold.lost is None
    assert machine.session.safe_until(hold) == machine.now + 24


def test_who_holds_comes_before_who_waits() -> None:
    machine = Machine()
    machine.ask("A", "waits")
    machine.sent()
    machine.hold("B", "holds")
    machine.drop()
    opens = [message for message in machine.connect() if message["type"] == "open"]
    assert ["held" in message for message in opens] == [True, False]


def test_what_was_released_meanwhile_is_said() -> None:
    machine = Machine()
    machine.hold("A")
    inner, gives_up = machine.hold("B"), machine.ask("C")
    machine.drop()
    machine.session.release(machine.now, inner)
    machine.session.abandon(machine.now, gives_up)
    sent = machine.connect()
    assert kinds(sent) == ["open", "cancel", "release"]
    assert (sent[0]["held"], sent[2]["names"]) == ({"A": 1}, ["B", "C"])


def test_a_peer_that_is_not_used_any_more_is_resumed_to_be_closed() -> None:
    machine = Machine()
    hold = machine.hold("A")
    machine.drop()
    machine.session.release(machine.now, hold)
    sent = machine.connect()
    assert kinds(sent) == ["open", "close"]
    assert (sent[0]["resume"], "held" in sent[0]) == ("key-1", False)


def test_after_a_restart_the_fences_are_new() -> None:
    machine = Machine()
    hold = machine.hold("A")
    machine.drop()
    machine.answer(machine.connect(epoch="e2"), restored=True)
    assert (hold.lost, hold.fences) == (None, {"A": machine.fence})


def test_after_a_restart_it_is_told_what_was_declared_of_what_is_held() -> None:
    machine = Machine()
    limits = {name: {"max": most} for most, name in enumerate(("A", "B", "C"), 2)}
    tickets: list[Ticket] = []
    for names in ("AB", "C"):
        tickets.append(machine.ask(dict.fromkeys(names, 1), declare={name: limits[name] for name in names}))
        machine.answer(machine.sent())
    machine.hold("D")
    assert tickets[1].hold is not None
    machine.session.release(machine.now, tickets[1].hold)
    machine.ask("E", declare={"E": {"max": 1}})
    machine.sent()
    machine.drop()
    sent = machine.connect(epoch="e2")
    assert find(sent, "open")["held"] == {"A": 1, "B": 1, "D": 1}
    assert find(sent, "open")["declare"] == {"A": {"max": 2}, "B": {"max": 3}}
    assert find(sent, "acquire")["declare"] == {"E": {"max": 1}}


def test_what_was_not_declared_is_not_told() -> None:
    machine = Machine()
    machine.hold("A")
    machine.drop()
    assert "declare" not in find(machine.connect(epoch="e2"), "open")


def test_a_server_that_has_forgotten_it_is_the_reason() -> None:
    machine = Machine()
    hold = machine.hold("A")
    machine.drop()
    opening = find(machine.connect(epoch="e2"), "open")
    message = "there is no semaphore 'A'"
    machine.say({"type": "error", "id": opening["id"], "code": "unknown_semaphore", "message": message})
    assert (hold.lost, machine.news[-1]) == ("unknown_semaphore", hold)
    why = "the server has lost its memory, and does not take it back"
    assert lost(hold) == f"was lost: {why}: {message} (unknown_semaphore)"


def test_silence_is_the_reason() -> None:
    machine = Machine()
    hold = machine.hold("A")
    machine.drop()
    machine.wait(60)
    assert lost(hold) == f"was lost: {SILENCE} (expired)"


def test_who_is_restored_by_a_server_with_its_memory_had_expired() -> None:
    machine = Machine()
    hold = machine.hold("A")
    machine.drop()
    machine.answer(machine.connect(), restored=True)
    assert hold.lost == "expired"
    assert kinds(machine.sent()) == ["close"]


def test_what_the_server_does_not_have_is_lost() -> None:
    machine = Machine()
    hold = machine.hold("A")
    machine.drop()
    machine.answer(machine.connect(), held={})
    assert hold.lost == "expired"


def test_what_the_server_has_and_nobody_wants_is_given_back() -> None:
    machine = Machine()
    machine.hold("A")
    machine.drop()
    machine.answer(machine.connect(), held=machine.locks({"A": 1, "B": 1}))
    assert machine.sent() == [{"type": "release", "peer": 1, "names": ["B"]}]


def test_a_release_that_got_lost_is_repeated_before_something_else_is_waited_for() -> None:
    machine = Machine()
    ticket = machine.ask({"A": 1, "B": 1})
    opening = find(machine.sent(), "open")
    machine.answer([opening])
    machine.drop()
    sent = machine.connect()
    machine.answer([find(sent, "open")], held=machine.locks({"A": 1}))
    repeated = machine.sent()
    assert kinds(repeated) == ["cancel", "release", "acquire"]
    assert repeated[1]["names"] == ["A"]
    machine.grant(find(sent, "acquire"))
    assert machine.news == []
    machine.answer(repeated)
    assert ticket.stage is Stage.GRANTED


def test_what_was_granted_meanwhile_is_not_given_back() -> None:
    machine = Machine()
    ticket = machine.ask({"A": 1, "B": 1})
    machine.answer([find(machine.sent(), "open")])
    machine.drop()
    sent = machine.connect()
    machine.answer(sent, held=machine.locks({"A": 1, "B": 1}))
    assert ticket.stage is Stage.GRANTED
    assert machine.sent() == []


def test_a_spare_peer_of_which_the_server_may_not_know_is_closed_later() -> None:
    machine = Machine()
    early, late = machine.hold("A", "one"), machine.hold("B", "other")
    machine.session.release(machine.now, early)
    machine.wait(1)
    machine.ask("C", "third")
    machine.answer(machine.sent())
    machine.wait(1)
    machine.session.release(machine.now, late)
    machine.drop()
    closed = [message["peer"] for message in machine.connect() if message["type"] == "close"]
    assert closed == [late.peer.number]


@pytest.mark.parametrize("code", ["restore_conflict", "revoked"])
def test_who_is_refused_to_be_resumed_has_lost_what_it_holds(code: str) -> None:
    machine = Machine()
    hold = machine.hold("A")
    machine.drop()
    opening = find(machine.connect(), "open")
    machine.say({"type": "error", "id": opening["id"], "peer": 1, "code": code, "message": "no"})
    assert hold.lost == code


@pytest.mark.parametrize("code", ["forbidden", "revoked"])
def test_who_is_refused_to_be_resumed_and_only_waits_begins_anew(code: str) -> None:
    machine = Machine()
    ticket = machine.ask("A")
    opening = find(machine.sent(), "open")
    machine.say({"type": "opened", "id": opening["id"], "peer": 1, "resume": "k", "held": {}, "restored": False})
    machine.drop()
    opening = find(machine.connect(), "open")
    machine.say({"type": "error", "id": opening["id"], "peer": 1, "code": code, "message": "no"})
    sent = machine.sent()
    assert (kinds(sent), sent[0]["peer"], "resume" in sent[0]) == (["open", "acquire"], 2, False)
    machine.answer(sent)
    assert ticket.stage is Stage.GRANTED


def test_who_gets_a_spare_peer_that_is_about_to_be_revoked_begins_anew() -> None:
    machine = Machine()
    machine.session.release(machine.now, machine.hold("A"))
    machine.sent()
    ticket = machine.ask("B")
    acquire = find(machine.sent(), "acquire")
    machine.say({"type": "error", "id": acquire["id"], "peer": 1, "code": "revoked", "message": "no"})
    sent = machine.sent()
    assert [(message["type"], message["peer"]) for message in sent] == [("close", 1), ("open", 2), ("acquire", 2)]
    machine.answer(sent)
    assert ticket.stage is Stage.GRANTED


def test_a_lease_that_is_lost_during_the_outage_is_not_claimed() -> None:
    machine = Machine(expires_in=10)
    hold = machine.hold("A")
    machine.drop()
    machine.wait(9)
    assert hold.lost == "expired"
    sent = machine.connect()
    assert (kinds(sent), "held" in sent[0]) == (["open", "close"], False)
    machine.session.release(machine.now, hold)
    assert (machine.sent(), machine.session.peers) == ([], 0)


def test_a_lease_that_is_lost_while_it_is_resumed_is_closed() -> None:
    machine = Machine(expires_in=10)
    hold = machine.hold("A")
    machine.drop()
    machine.wait(7)
    sent = machine.connect()
    machine.wait(1.5)
    assert hold.lost == "expired"
    machine.answer(sent)
    assert "close" in kinds(machine.sent())
    assert hold.lost == "expired"


@pytest.mark.parametrize("reason", ["superseded", "revoked"])
def test_what_the_server_takes_away_is_lost(reason: str) -> None:
    machine = Machine()
    hold = machine.hold("A")
    machine.say({"type": "lost", "peer": 1, "reason": reason, "locks": {}})
    assert (hold.lost, machine.news[-1], machine.sent()) == (reason, hold, [])
    nested = machine.ask("B")
    assert isinstance(nested.error, LeaseLost)
    machine.session.release(machine.now, hold)
    machine.ask("A")
    assert [message["peer"] for message in machine.sent()] == [2, 2]


def test_a_lock_that_an_operator_takes_ends_all_that_its_peer_holds() -> None:
    machine = Machine()
    hold = machine.hold("A")
    locks = {"A": {"count": 1, "fence": 1}}
    machine.say({"type": "lost", "peer": 1, "reason": "revoked", "bound": True, "locks": locks, "message": "why"})
    assert (hold.lost, machine.news[-1]) == ("revoked", hold)
    assert kinds(machine.sent()) == ["close"]


def test_a_spare_peer_that_is_taken_away_is_not_used() -> None:
    machine = Machine()
    machine.session.release(machine.now, machine.hold("A"))
    machine.say({"type": "lost", "peer": 1, "reason": "revoked", "locks": {}})
    machine.ask("A")
    assert kinds(machine.sent()) == ["release", "open", "acquire"]


def test_a_server_that_goes_away_is_asked_again_later() -> None:
    machine = Machine()
    hold, waits = machine.hold("A", "one"), machine.ask("B", "other")
    acquire = find(machine.sent(), "acquire")
    machine.say({"type": "draining", "reconnect_in_ms": 1_234})
    machine.say({"type": "error", "id": acquire["id"], "code": "draining", "message": "the server is going away"})
    machine.ask("C", "late")
    machine.session.release(machine.now, hold)
    assert machine.sent() == []
    assert machine.drop(1012) == 1.234
    assert sorted(kinds(machine.connect())) == ["acquire", "acquire", "close", "open", "open", "open"]
    assert waits.stage is Stage.WAITING


@pytest.mark.parametrize("code", [None, 1000, 1001, 1011, 1012, 1013, 4408, 4429])
def test_after_most_ends_it_connects_again_with_full_jitter(code: int | None) -> None:
    for chance in (0.0, 0.5, 1.0):
        machine = Machine(chance=chance)
        delays = [machine.drop(code) for _ in range(10)]
        least = 2.0 if code == 4429 else 0.0
        bounds = [max(min(10.0, 0.25 * 2**n), least) for n in range(10)]
        assert delays == [least + chance * bound for bound in bounds]


def test_who_holds_something_hurries() -> None:
    machine = Machine(chance=1.0, expires_in=5)
    machine.hold()
    assert max(machine.drop() or 0 for _ in range(10)) == 0.5


def test_a_connection_that_lasted_makes_the_next_attempt_soon() -> None:
    machine = Machine(chance=1.0)
    for _ in range(5):
        machine.drop()
    machine.connect()
    machine.wait(6)
    assert machine.drop() == 0.25


@pytest.mark.parametrize("code", [1002, 1003, 1007, 1009, 4400, 4401, 4403])
def test_after_some_ends_it_does_not_connect_again(code: int) -> None:
    machine = Machine()
    hold, waits = machine.hold("A", "one"), machine.ask("B", "other")
    assert machine.drop(code) is None
    assert hold.lost == "expired"
    assert waits.error is not None
    later = machine.ask("C", "late")
    assert later.error is not None
    assert later.error.code == waits.error.code != "error"
    assert later.error is not waits.error


# --- Without a connection


def test_patience_is_limited() -> None:
    machine = Machine(connect=False, patience=10)
    early = machine.ask("A", "early")
    machine.drop()
    machine.wait(5)
    late = machine.ask("A", "late")
    machine.wait(4.9)
    assert early.stage is Stage.WAITING
    machine.wait(0.1)
    assert isinstance(early.error, ServerUnavailable)
    assert "it broke" in str(early.error)
    machine.wait(4.9)
    assert late.stage is Stage.WAITING
    machine.wait(0.2)
    assert isinstance(late.error, ServerUnavailable)


def test_patience_may_be_endless() -> None:
    machine = Machine(connect=False, patience=None)
    ticket = machine.ask()
    machine.drop()
    machine.wait(1e6)
    assert ticket.stage is Stage.WAITING


def test_patience_goes_on_while_connections_break_before_the_welcome() -> None:
    machine = Machine(connect=False, patience=10)
    ticket = machine.ask()
    for _ in range(11):
        machine.drop()
        machine.wait(1)
        machine.session.begin(machine.now)
        machine.sent()
    machine.wait(0.1)
    assert isinstance(ticket.error, ServerUnavailable)


def test_who_tries_once_does_not_wait_for_another_connection() -> None:
    machine = Machine(connect=False)
    first = machine.ask(timeout=0)
    assert first.stage is Stage.WAITING
    machine.drop()
    assert isinstance(first.error, ServerUnavailable)
    assert isinstance(machine.ask(timeout=0).error, ServerUnavailable)


# --- More than a connection carries


def test_who_is_too_many_waits_for_a_peer() -> None:
    machine = Machine(connect=False)
    machine.connect(limits={"max_frame_bytes": 65_536, "max_peers": 2})
    holds = [machine.hold(owner=number) for number in range(2)]
    third, fourth = machine.ask(owner=3), machine.ask(owner=4)
    tries = machine.ask(owner=5, timeout=0)
    assert machine.sent() == []
    assert isinstance(tries.error, AcquireTimeout)
    machine.session.abandon(machine.now, third)
    machine.session.release(machine.now, holds[0])
    assert kinds(machine.sent()) == ["release", "acquire"]
    assert fourth.peer is holds[0].peer


def test_who_was_too_early_for_the_limit_waits_for_a_peer() -> None:
    machine = Machine(connect=False)
    tickets = [machine.ask({"A" * 100: 1}, owner=number) for number in range(50)]
    sent = machine.connect(limits={"max_frame_bytes": 65_536, "max_peers": 10})
    assert len([message for message in sent if message["type"] == "open"]) == 10
    while any(ticket.stage is Stage.WAITING for ticket in tickets):
        machine.answer(sent)
        for ticket in tickets:
            if ticket.stage is Stage.GRANTED and ticket.hold is not None:
                machine.session.release(machine.now, ticket.hold)
        sent = machine.sent()
    assert [ticket.error for ticket in tickets] == [None] * 50


def test_who_is_too_many_for_the_server_waits_for_the_peer_of_somebody_else() -> None:
    machine = Machine()
    hold = machine.hold("A", "one")
    refused = machine.ask("B", "other")
    opening = find(machine.sent(), "open")
    machine.say({"type": "error", "id": opening["id"], "peer": 2, "code": "limit_exceeded", "message": "too many"})
    assert refused.stage is Stage.WAITING
    machine.session.release(machine.now, hold)
    sent = machine.sent()
    assert (kinds(sent), sent[1]["peer"]) == (["release", "acquire"], 1)


def test_who_is_too_many_and_alone_is_refused() -> None:
    machine = Machine()
    refused = machine.ask("B", "other")
    opening = find(machine.sent(), "open")
    machine.say({"type": "error", "id": opening["id"], "peer": 1, "code": "limit_exceeded", "message": "too many"})
    assert refused.error is not None
    assert refused.error.code == "limit_exceeded"


# --- The end


def test_close_gives_everything_back() -> None:
    machine = Machine()
    hold, spare = machine.hold("A", "one"), machine.hold("C", "spare")
    machine.session.release(machine.now, spare)
    machine.ask("D", "third")
    waits = machine.ask("B", "other")
    machine.sent()
    machine.session.close(machine.now)
    closed = [message["peer"] for message in machine.sent() if message["type"] == "close"]
    assert sorted(closed) == [1, 2, 3]
    assert (hold.lost, waits.stage) == ("closed", Stage.FAILED)
    late = machine.ask("A")
    assert late.error is not None
    assert late.error.code == "closed"


def test_what_is_not_understood_is_ignored() -> None:
    machine = Machine()
    hold = machine.hold("A")
    machine.say({}, {"type": None}, {"type": "news", "id": 4}, {"type": "granted", "id": "x"}, {"type": "lost"})
    machine.say({"type": "error", "id": None, "code": "unknown_peer", "message": "no"})
    assert hold.lost is None
