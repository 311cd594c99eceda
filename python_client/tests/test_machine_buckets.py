"""The machine and buckets: permits with peers of their own, reports about them, and what is asked of the server."""

from __future__ import annotations

from typing import Any

import pytest

from machine import Machine, Message, find, kinds
from throttle_client import (
    AcquireTimeout,
    Busy,
    DeclaredOtherwise,
    LeaseLost,
    NotABucket,
    NotHeld,
    ServerUnavailable,
    ThrottleError,
)
from throttle_client._machine.state import Hold, Report, Stage, Ticket


def take(machine: Machine, owner: object = "task", name: str = "api") -> Hold:
    ticket = machine.ask(name, owner, permit=True)
    machine.answer(machine.sent())
    assert ticket.stage is Stage.GRANTED
    assert ticket.hold is not None
    return ticket.hold


def report(machine: Machine, hold: Hold, used: int = 7) -> Report:
    report = Report(hold, "settle", {"used": {"api": used}})
    report.signal = lambda: machine.news.append(report)
    machine.session.report(machine.now, report)
    machine.say()
    return report


def refuse(machine: Machine, request: Message, code: str, **why: Any) -> None:
    machine.say({"type": "error", "id": request["id"], "code": code, "message": code, "retryable": False, **why})


def failure(ticket: Ticket) -> ThrottleError:
    assert ticket.error is not None
    return ticket.error


# --- What is asked for


def test_the_longest_wait_is_told_and_what_is_left_of_it_after_a_reconnect() -> None:
    machine = Machine()
    machine.ask("api", permit=True, max_wait=5, timeout=60)
    sent = machine.sent()
    acquire = find(sent, "acquire")
    assert (acquire["max_wait_ms"], acquire["timeout_ms"]) == (5_000, 60_000)
    machine.now += 2
    machine.drop()
    assert find(machine.connect(), "acquire")["max_wait_ms"] == 3_000


def test_only_now_is_not_asked_for_again() -> None:
    machine = Machine()
    ticket = machine.ask("api", permit=True, max_wait=0)
    assert find(machine.sent(), "acquire")["max_wait_ms"] == 0
    machine.drop()
    assert isinstance(failure(ticket), ServerUnavailable)


def test_a_wait_ends_here_when_the_server_does_not_end_it() -> None:
    machine = Machine()
    ticket = machine.ask("api", permit=True, max_wait=1, timeout=60)
    machine.wait(1.05)
    assert ticket.stage is Stage.WAITING
    machine.wait(0.1)
    assert isinstance(failure(ticket), AcquireTimeout)
    assert "within 1 s" in str(ticket.error)


def test_what_is_declared_is_told() -> None:
    machine = Machine()
    declared = {"api": {"capacity": 10, "refill": 1, "every_ms": 1_000}}
    machine.ask("api", permit=True, declare=declared)
    assert find(machine.sent(), "acquire")["declare"] == declared


def test_without_further_arguments_nothing_is_told() -> None:
    machine = Machine()
    machine.ask('say "é"\\')
    acquire = find(machine.sent(), "acquire")
    assert acquire == {"type": "acquire", "id": acquire["id"], "peer": 1, "want": {'say "é"\\': 1}}


# --- Refusals


def test_a_wait_that_would_be_too_long_says_how_long() -> None:
    machine = Machine()
    ticket = machine.ask("api", permit=True, max_wait=0)
    refuse(machine, find(machine.sent(), "acquire"), "timeout", eta_ms=4_200)
    error = failure(ticket)
    assert isinstance(error, AcquireTimeout)
    assert (error.eta, error.semaphore) == (4.2, "api")
    assert "would take 4.2 s" in str(error)


def test_busy_says_when_to_come_back() -> None:
    machine = Machine()
    ticket = machine.ask("api", permit=True)
    refuse(machine, find(machine.sent(), "acquire"), "busy", semaphore="api", retry_after_ms=1_699)
    error = failure(ticket)
    assert isinstance(error, Busy)
    assert (error.code, error.semaphore, error.retry_after) == ("busy", "api", 1.699)


def test_what_is_declared_otherwise_says_how() -> None:
    machine = Machine()
    ticket = machine.ask("A", declare={"A": {"max": 5}})
    actual = {"max": 6}
    refuse(
        machine,
        find(machine.sent(), "acquire"),
        "declared_otherwise",
        semaphore="A",
        declared={"max": 5},
        actual=actual,
    )
    error = failure(ticket)
    assert isinstance(error, DeclaredOtherwise)
    assert (error.semaphore, error.declared, error.actual) == ("A", {"max": 5}, actual)


# --- A peer of its own


def test_a_permit_inside_another_one_has_another_peer() -> None:
    machine = Machine()
    outer, inner = take(machine), take(machine)
    assert outer.peer is not inner.peer
    machine.session.release(machine.now, inner)
    assert [message["peer"] for message in machine.sent()] == [inner.peer.number]


def test_a_permit_needs_nothing_of_the_lock_around_it() -> None:
    machine = Machine()
    lock = machine.hold("A")
    assert take(machine).peer is not lock.peer


def test_nothing_is_taken_inside_a_block_whose_lease_is_lost() -> None:
    machine = Machine(expires_in=30)
    machine.hold("A")
    machine.drop()
    machine.wait(30)
    assert isinstance(failure(machine.ask("api", permit=True)), LeaseLost)


def test_when_all_peers_are_taken_that_of_the_lock_around_it_serves() -> None:
    machine = Machine(connect=False)
    machine.connect(limits={"max_peers": 1})
    lock = machine.hold("A")
    permit = take(machine)
    assert permit.peer is lock.peer
    machine.session.release(machine.now, permit)
    assert machine.sent() == [{"type": "release", "peer": 1, "names": ["api"]}]


def test_when_all_peers_are_taken_that_of_the_permit_around_it_serves() -> None:
    machine = Machine(connect=False)
    machine.connect(limits={"max_peers": 1})
    outer = take(machine)
    ticket = machine.ask("api", permit=True)
    sent = machine.sent()
    assert kinds(sent) == ["release", "acquire"]
    machine.answer(sent)
    assert ticket.stage is Stage.GRANTED
    assert isinstance(report(machine, outer).error, NotHeld)
    machine.session.release(machine.now, outer)
    assert not machine.sent()
    assert ticket.hold is not None
    machine.session.release(machine.now, ticket.hold)
    assert kinds(machine.sent()) == ["release"]
    assert machine.session.peers == 0


def test_when_all_peers_are_taken_others_wait_for_one() -> None:
    machine = Machine(connect=False)
    machine.connect(limits={"max_peers": 1})
    outer = take(machine)
    ticket = machine.ask("api", "another", permit=True)
    assert not machine.sent()
    machine.session.release(machine.now, outer)
    machine.answer(machine.sent())
    assert ticket.stage is Stage.GRANTED


# --- Tokens that nobody has used


def test_a_permit_that_nobody_has_seen_is_given_back_unused() -> None:
    machine = Machine()
    ticket = machine.ask("api", permit=True)
    machine.answer(machine.sent())
    machine.session.abandon(machine.now, ticket)
    settle, release = machine.sent()
    assert settle == {"type": "settle", "peer": 1, "used": {"api": 0}}
    assert release["type"] == "release"


def test_a_permit_that_may_be_on_its_way_is_given_back_unused() -> None:
    machine = Machine()
    ticket = machine.ask("api", permit=True)
    machine.answer([find(machine.sent(), "open")])
    machine.session.abandon(machine.now, ticket)
    assert kinds(machine.sent()) == ["cancel", "settle", "release"]
    machine.say({"type": "error", "id": None, "code": "not_held", "message": "?", "retryable": False})


# --- Losing what cannot be lost


def test_a_permit_is_not_lost_when_the_server_is_out_of_reach() -> None:
    machine = Machine(expires_in=30, patience=None)
    permit = take(machine)
    machine.drop()
    machine.wait(3_600)
    assert permit.lost is None
    assert not permit.detached
    assert machine.session.is_safe(machine.now, permit)


def test_the_server_is_not_asked_to_take_tokens_again_that_it_may_have_forgotten() -> None:
    machine = Machine(expires_in=30)
    take(machine)
    machine.drop()
    machine.wait(2)
    opening = find(machine.connect(), "open")
    assert opening["held"] == {"api": 1}
    machine.drop()
    machine.wait(60)
    assert "held" not in find(machine.connect(), "open")


def test_a_permit_that_the_server_has_forgotten_goes_on() -> None:
    machine = Machine(expires_in=30)
    permit = take(machine)
    machine.drop()
    machine.wait(60)
    machine.answer(machine.connect(), restored=True)
    assert permit.lost is None
    assert permit.detached
    assert machine.session.is_safe(machine.now, permit)
    assert isinstance(report(machine, permit).error, NotHeld)
    machine.session.release(machine.now, permit)
    assert not machine.sent()
    assert machine.session.peers == 0


@pytest.mark.parametrize("bound", [True, False])
def test_a_permit_that_an_operator_takes_away_goes_on(bound: bool) -> None:  # noqa: FBT001  as the protocol has it
    machine = Machine()
    permit = take(machine)
    machine.say({"type": "lost", "peer": 1, "reason": "revoked", "locks": {}, "bound": bound})
    assert permit.lost is None
    assert permit.detached
    assert kinds(machine.sent()) == (["close"] if bound else [])
    assert permit not in machine.news
    assert take(machine).peer is not permit.peer


def test_a_lease_of_both_is_lost_as_its_lock_is() -> None:
    machine = Machine(expires_in=30)
    lease = machine.hold({"gpu": 1, "api": 5})
    machine.drop()
    machine.wait(30)
    assert lease.lost == "expired"
    assert machine.news[-1] is lease


def test_a_lease_of_both_outlives_a_restart_with_nothing_left_of_its_tokens() -> None:
    machine = Machine()
    lease = machine.hold({"gpu": 1, "api": 5})
    settled = Report(lease, "settle", {"used": {"api": 0}})
    machine.session.report(machine.now, settled)
    machine.say({"type": "settled", "id": find(machine.sent(), "settle")["id"], "peer": 1})
    assert lease.counts == {"gpu": 1, "api": 0}
    machine.drop()
    sent = machine.connect(epoch="e2")
    assert find(sent, "open")["held"] == {"gpu": 1}
    machine.answer(sent, restored=True)
    assert lease.lost is None
    assert lease.fences["gpu"] > lease.fences["api"]


def test_a_permit_whose_release_was_lost_is_not_taken_for_a_new_one() -> None:
    machine = Machine()
    old = take(machine)
    machine.session.release(machine.now, old)
    machine.sent()  # and lost
    ticket = machine.ask("api", "another", permit=True)
    machine.sent()  # and lost as well
    machine.drop()
    opening, acquire = machine.connect()
    machine.answer([opening], held={"api": {"count": 1, "fence": old.fences["api"]}})
    machine.say({"type": "granted", "id": acquire["id"], "peer": 1, "locks": {"api": {"count": 1, "fence": 1}}})
    assert ticket.stage is Stage.WAITING
    again = machine.sent()
    assert kinds(again) == ["cancel", "release", "acquire"]
    machine.answer(again)
    assert ticket.hold is not None
    assert ticket.hold.fences["api"] > old.fences["api"]


def test_a_permit_that_was_granted_during_the_outage_is_taken() -> None:
    machine = Machine()
    ticket = machine.ask("api", permit=True)
    machine.answer([find(machine.sent(), "open")])
    machine.drop()
    opening, acquire = machine.connect()
    machine.answer([opening], held={"api": {"count": 1, "fence": 9}})
    assert not machine.sent()
    machine.say({"type": "granted", "id": acquire["id"], "peer": 1, "locks": {"api": {"count": 1, "fence": 9}}})
    assert ticket.stage is Stage.GRANTED


# --- Reports


def test_a_report_is_sent_and_answered() -> None:
    machine = Machine()
    permit = take(machine)
    settled = report(machine, permit)
    (message,) = machine.sent()
    assert message == {"type": "settle", "peer": 1, "id": message["id"], "used": {"api": 7}}
    machine.say({"type": "settled", "id": message["id"], "peer": 1})
    assert settled.done
    assert settled.error is None
    assert machine.news[-1] is settled
    assert permit.counts == {"api": 7}


def test_a_report_may_be_refused() -> None:
    machine = Machine()
    refused = report(machine, take(machine))
    refuse(machine, find(machine.sent(), "settle"), "not_a_bucket", semaphore="api")
    assert isinstance(refused.error, NotABucket)
    assert refused.error.semaphore == "api"


def test_a_report_about_a_permit_whose_peer_is_gone_says_so() -> None:
    machine = Machine()
    refused = report(machine, take(machine))
    refuse(machine, find(machine.sent(), "settle"), "unknown_peer")
    assert isinstance(refused.error, NotHeld)


def test_a_report_is_sent_again_on_the_next_connection() -> None:
    machine = Machine()
    settled = report(machine, take(machine))
    machine.sent()
    machine.drop()
    sent = machine.connect()
    assert kinds(sent) == ["open", "settle"]
    machine.answer(sent)
    machine.say({"type": "settled", "id": sent[1]["id"], "peer": 1})
    assert settled.done
    assert settled.error is None


def test_a_report_waits_while_the_server_goes_away() -> None:
    machine = Machine()
    settled = report(machine, take(machine))
    refuse(machine, find(machine.sent(), "settle"), "draining")
    assert not settled.done
    machine.drop(1012)
    assert kinds(machine.connect()) == ["open", "settle"]


def test_patience_with_a_report_ends() -> None:
    machine = Machine(patience=10)
    permit = take(machine)
    machine.drop()
    settled = report(machine, permit)
    machine.wait(9)
    assert not settled.done
    machine.wait(2)
    assert isinstance(settled.error, ServerUnavailable)
    assert permit.lost is None


def test_what_was_reported_before_the_release_is_answered_after_it() -> None:
    machine = Machine()
    permit = take(machine)
    settled = report(machine, permit)
    machine.session.release(machine.now, permit)
    sent = machine.sent()
    assert kinds(sent) == ["settle", "release"]
    assert not settled.done
    machine.say({"type": "settled", "id": sent[0]["id"], "peer": 1})
    assert settled.error is None


@pytest.mark.parametrize("sent_before", [True, False])
def test_a_report_ends_when_it_cannot_be_sent_any_more(sent_before: bool) -> None:  # noqa: FBT001  two cases
    machine = Machine()
    permit = take(machine)
    if not sent_before:
        machine.drop()
    settled = report(machine, permit)
    machine.sent()
    machine.session.release(machine.now, permit)
    if sent_before:
        machine.drop()
    assert isinstance(settled.error, NotHeld)
    assert kinds(machine.connect()) == ["open", "close"]


def test_a_report_ends_with_the_client() -> None:
    machine = Machine()
    permit = take(machine)
    settled = report(machine, permit)
    machine.session.close(machine.now)
    assert settled.error is not None
    assert settled.error.code == "closed"
    after = report(machine, permit)
    assert after.done


@pytest.mark.parametrize(("declare", "hint"), [(None, False), ({"A": {"max": 1}}, True), ({"B": {"max": 1}}, False)])
def test_a_name_that_is_declared_in_vain(declare: dict[str, Message] | None, hint: bool) -> None:  # noqa: FBT001  a case
    machine = Machine()
    ticket = machine.ask({"A": 1, "B": 1}, declare=declare)
    refuse(machine, find(machine.sent(), "acquire"), "unknown_semaphore", semaphore="A")
    assert ("[dynamic] allow = true" in str(failure(ticket))) is hint


# --- Is it a bucket?


def test_a_name_that_nobody_has_declared_is_seen_to_once() -> None:
    machine = Machine()
    ticket = machine.ask("api", "one", permit=True, doubtful=True)
    machine.answer(machine.sent())
    settle = find(machine.sent(), "settle")
    assert (ticket.stage, settle["used"]) == (Stage.WAITING, {"api": 1})
    machine.say({"type": "settled", "id": settle["id"], "peer": settle["peer"]})
    assert (ticket.stage, machine.news) == (Stage.GRANTED, [ticket])
    other = machine.ask("api", "two", permit=True, doubtful=True)
    machine.answer(machine.sent())
    assert (other.stage, machine.sent()) == (Stage.GRANTED, [])


def test_a_semaphore_is_no_bucket() -> None:
    machine = Machine()
    ticket = machine.ask("A", permit=True, doubtful=True)
    machine.answer(machine.sent())
    refuse(machine, find(machine.sent(), "settle"), "not_a_bucket", semaphore="A")
    assert isinstance(failure(ticket), NotABucket)
    assert find(machine.sent(), "release")["names"] == ["A"]


def test_what_was_taken_away_at_once_is_a_bucket_all_the_same() -> None:
    machine = Machine()
    ticket = machine.ask("api", permit=True, doubtful=True)
    machine.answer(machine.sent())
    refuse(machine, find(machine.sent(), "settle"), "not_held", semaphore="api")
    assert ticket.stage is Stage.GRANTED


def test_whoever_gives_up_while_it_is_seen_to_leaves_nothing() -> None:
    machine = Machine()
    ticket = machine.ask("api", permit=True, doubtful=True)
    machine.answer(machine.sent())
    settle = find(machine.sent(), "settle")
    machine.session.abandon(machine.now, ticket)
    sent = machine.sent()
    assert (kinds(sent), find(sent, "settle")["used"]) == (["cancel", "settle", "release"], {"api": 0})
    machine.say({"type": "settled", "id": settle["id"], "peer": settle["peer"]})
    assert ticket.stage is Stage.ABANDONED


def test_a_connection_breaks_while_it_is_seen_to() -> None:
    machine = Machine()
    ticket = machine.ask("api", permit=True, doubtful=True)
    machine.answer(machine.sent())
    machine.sent()
    machine.drop()
    machine.answer(machine.connect(), held=machine.locks({"api": 1}))
    sent = machine.sent()
    assert kinds(sent) == ["settle"]
    machine.say({"type": "settled", "id": sent[0]["id"], "peer": sent[0]["peer"]})
    assert ticket.stage is Stage.GRANTED
