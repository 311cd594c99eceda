"""What there is to see: a server at work, for screenshots, and one with very many semaphores."""

import random

from .model import POINTS, Model, Peer, Semaphore, now_ms

NASTY = [
    "<img src=x onerror=alert(1)>",
    "\"quotes\" & 'more' </th>",
    "two\nlines",
    "right\u202eto left\u202c",
    "zero\u200bwidth",
    "שלום עולם",
    "${alert(1)}",
    "../../etc/passwd?x=1#y%41",
    "x" * 128,
]

# Name, maximum, level, how much of it is usually held (1: all), how many usually wait.
FLEET = [
    ("backup/nightly", 2, 0, 0.4, 0), ("billing/invoice-run", 1, 2, 1.0, 3), ("build/linux-arm64", 8, 0, 0.7, 0),
    ("build/linux-x86", 24, 0, 1.0, 11), ("build/macos", 4, 0, 1.0, 6), ("cache/warm-up", 3, 0, 0.2, 0),
    ("crawler/example.org", 2, 0, 0.9, 1), ("crawler/partners", 16, 0, 0.5, 0), ("database/migrations", 1, 3, 0.1, 0),
    ("database/primary", 40, 1, 0.8, 0), ("database/replica-1", 60, 1, 0.35, 0), ("database/replica-2", 60, 1, 0.4, 0),
    ("deploy/production", 1, 4, 0.5, 0), ("deploy/staging", 3, 4, 0.3, 0), ("export/datalake", 6, 0, 0.9, 2),
    ("gpu/a100", 8, 0, 1.0, 9), ("gpu/l4", 32, 0, 0.85, 0), ("gpu/t4", 16, 0, 0.3, 0), ("licence/cad", 5, 0, 1.0, 2),
    ("licence/simulation", 12, 0, 0.75, 0), ("mail/outbound", 20, 0, 0.25, 0), ("ocr/pages", 64, 0, 0.6, 0),
    ("payments/provider-api", 10, 1, 0.7, 0), ("printer/labels", 1, 0, 0.6, 0), ("render/frames", 48, 0, 0.95, 0),
    ("report/monthly", 2, 2, 0.2, 0), ("search/reindex", 1, 0, 1.0, 1), ("sms/gateway", 5, 0, 0.5, 0),
    ("transcode/4k", 6, 0, 1.0, 4), ("transcode/hd", 20, 0, 0.55, 0),
]  # fmt: skip

TEAMS = ["runner", "worker", "etl", "api", "trainer", "batch"]


def fleet(model: Model, seed: int = 7) -> None:
    """Fill a model with a company's semaphores, 15 minutes into an ordinary morning."""
    dice = random.Random(seed)
    for name, most, level, use, waits in FLEET:
        model.semaphores[name] = semaphore = Semaphore(most, level)
        held, waiting = most * use, float(waits)
        for _ in range(POINTS):
            held = min(most, max(0, held + dice.gauss(0, most * 0.06) + (most * use - held) * 0.1))
            waiting = max(0, waiting + dice.gauss(0, 0.5) + (waits - waiting) * 0.06) if waits else 0
            # Who waits, waits because all of it is held.
            semaphore.held_past.append(most if round(waiting) else round(held))
            semaphore.waiting_past.append(round(waiting))
        while semaphore.held < round(most * use) if use < 1 else semaphore.held < most:
            count = 1 if most < 16 or dice.random() < 0.7 else 2
            count = min(count, most - semaphore.held)
            model.grant(someone(model, dice), name, count, at=now_ms() - dice.randrange(2_000, 900_000))
        for _ in range(waits):
            model.wait(someone(model, dice), {name: 1}, since=now_ms() - dice.randrange(1_000, 400_000))
    model.semaphores["build/macos"].paused = True
    model.grant(someone(model, dice), "licence/cad", 2, at=now_ms() - 700_000, kind="restored")
    line = model.semaphores["gpu/a100"].queue
    line.sort(key=lambda peer: (model.peers[peer].waiting or {})["since_ms"])
    events = sorted(model.events, key=lambda event: event["at_ms"])
    for number, event in enumerate(events, 1):
        event["n"] = number
    model.events.clear()
    model.events.extend(events)
    for _ in range(40):
        work(model, dice)
    model.counters = {"grants": 128_402, "releases": 128_079, "expirations": 17}
    spread(model)


def buckets(model: Model) -> None:
    """Add names with a rate, in every state that there is, and names that stand for many."""
    now = now_ms()
    told = list(model.events)
    model.semaphores |= {
        "api/geocoder": Semaphore(50, bucket={"refill": 60, "every_ms": 60_000.0, "full_at_ms": now + 25_000}),
        "api/partner": Semaphore(
            10,
            bucket={"refill": 10, "every_ms": 60_000.0, "full_at_ms": now + 45_000, "closed_until_ms": now + 28_000},
        ),
        "api/translate": Semaphore(
            200_000, bucket={"refill": 200_000, "every_ms": 60_000.0, "full_at_ms": now + 71_000, "reserved": 4_000}
        ),
        "crawler/example.net": Semaphore(
            1, bucket={"refill": 1, "every_ms": 60_000.0, "full_at_ms": now + 56_000, "reserved": 2}
        ),
        "mail/bulk": Semaphore(
            100, bucket={"refill": 100, "every_ms": 3_600_000.0}, configured={"max": 50, "level": 0}
        ),
        "tenant/*": Semaphore(4, keys=12),
        "tenant/*/api": Semaphore(20, bucket={"refill": 20, "every_ms": 1_000.0}, keys=1_204),
        "[dynamic]": Semaphore(0, keys=3),
    }
    for number, name in enumerate(["api/geocoder"] * 3 + ["tenant/*"] * 7 + ["[dynamic]"] * 2):
        model.grant(model.peer(f"sb{number}", label=f"caller-{number:02}"), name, at=now - 1_000 * number)
    for number in range(3):
        peer = model.peer(f"sw{number}", label=f"crawler-{number:02}")
        model.wait(peer, {"crawler/example.net": 1}, since=now - 4_000 + 1_000 * number)
    # They have come long ago, as far as the log is concerned.
    model.events.clear()
    model.events.extend(told)
    for name in ("api/geocoder", "api/partner", "api/translate", "crawler/example.net", "tenant/*"):
        it = model.semaphores[name]
        it.held_past.extend((point // 7 + len(name)) % 5 for point in range(POINTS))
        it.waiting_past.extend(max(0, point % 40 - 30) for point in range(POINTS))


def expired(model: Model) -> None:
    """Let peers have expired whose programs may still be at work."""
    now = now_ms()
    cards = model.semaphores["gpu/l4"]
    cards.manners = {"max_pending": 40, "max_hold_ms": 7_200_000, "lock_delay_ms": 600_000, "slots": True}
    number = 0
    for lock in cards.holders.values():
        lock["slots"] = list(range(number, number + lock["count"]))
        number += lock["count"]
    cards.blocked = [
        {"count": 2, "fence": 1, "slots": [number, number + 1], "until_ms": now + 310_000},
        {"count": 1, "fence": 2, "slots": [number + 3], "until_ms": now + 120_000},
    ]
    model.semaphores["licence/scan"] = Semaphore(
        2, manners={"lock_delay_ms": 30_000}, blocked=[{"count": 2, "fence": 3, "until_ms": now + 29_000}]
    )


def operated(model: Model) -> None:
    """Let operators have been at work."""
    model.semaphores["build/macos"].configured = {"max": 6, "level": 0}
    model.semaphores["gpu/a100"].configured = {"max": 12, "level": 1}
    model.semaphores["gpu/a100"].paused = True
    model.semaphores["mail/outbound"].configured = None
    before, after = {"max": 12, "level": 0, "paused": False}, {"max": 8, "level": 0, "paused": False}
    model.tell("change", None, "gpu/a100", by="anna", why="two cards are away for repair", before=before, after=after)
    model.tell("pause", None, "gpu/a100", by="anna", before=after, after={**after, "paused": True})
    peer, lock = next(iter(model.semaphores["gpu/a100"].holders.items()))
    lock["revoked_ms"] = now_ms() + 272_000
    model.tell("revoke", model.peers[peer], "gpu/a100", by="anna", why="does not answer", locks=1)


def spread(model: Model) -> None:
    """Make the last events a few seconds apart, as they would have been."""
    at = now_ms() - 1_200
    for event in reversed(model.events):
        event["at_ms"] = at
        at -= 700 + (event["n"] * 7919) % 4_000


def crowd(model: Model, size: int = 1_000, seed: int = 3) -> None:
    """Fill a model with very many semaphores."""
    dice = random.Random(seed)
    for number in range(size):
        name = f"pool-{number}"
        most = dice.choice([1, 2, 5, 10, 100])
        model.semaphores[name] = semaphore = Semaphore(most, number % 3)
        semaphore.held_past.extend(dice.randrange(most + 1) for _ in range(POINTS))
        semaphore.waiting_past.extend(dice.randrange(3) for _ in range(POINTS))
        for _ in range(min(most, dice.randrange(4))):
            model.grant(someone(model, dice), name)


def work(model: Model, dice: random.Random) -> None:
    """Let one thing happen, as it would."""
    names = list(model.semaphores)
    name = dice.choice(names)
    semaphore = model.semaphores[name]
    if semaphore.holders and (dice.random() < 0.5 or semaphore.held >= semaphore.max):
        peer = model.peers[dice.choice(list(semaphore.holders))]
        model.release(peer, name, "expired" if dice.random() < 0.06 else "released")
        if semaphore.queue or dice.random() < 0.5:
            model.acquire(someone(model, dice), name)
    elif semaphore.held < semaphore.max and not semaphore.queue:
        model.grant(someone(model, dice), name)


def holder(model: Model) -> str:
    """Name somebody who holds something."""
    return next(iter(model.semaphores["database/primary"].holders))


def someone(model: Model, dice: random.Random) -> Peer:
    """Make a peer."""
    number = len(model.peers) + 1
    if dice.random() < 0.15:
        return model.peer(
            str(9_000_000_000 + number * 7919), transport="rest", remote=f"10.0.4.{number % 250}:51{number % 900:03}"
        )
    label = f"{dice.choice(TEAMS)}-{number:03}"
    return model.peer(f"s{number}", label=label, remote=f"10.0.{number % 4}.{number % 97 + 2}:4{number % 9000:04}")
