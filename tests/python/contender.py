"""
One of several programs that use a thing which only so many may use at once: `contender.py URL DIRECTORY PLACES ROUNDS`.

The things are files: whoever is in the critical section creates one of as many as there are places, and fails when all
are taken. With one place the number of rounds is counted in a file besides, read and written back without any care.
"""

import sys
import time
from pathlib import Path

from throttle_client import lock


def contend(url: str, directory: Path, places: int, rounds: int) -> None:
    """Go into the critical section so many times."""
    for _ in range(rounds):
        with lock(url, "A"):
            place = take(directory, places)
            if places == 1:
                count_one(directory / "total")
            place.unlink()


def take(directory: Path, places: int) -> Path:
    """Take a free place; fail when there is none."""
    for number in range(places):
        place = directory / f"place-{number}"
        try:
            place.touch(exist_ok=False)
        except FileExistsError:
            continue
        return place
    message = f"more than {places} at once"
    raise RuntimeError(message)


def count_one(total: Path) -> None:
    """Add one, with enough time between reading and writing for others to come in between."""
    before = int(total.read_text()) if total.exists() else 0
    time.sleep(0.001)
    total.write_text(str(before + 1))


if __name__ == "__main__":
    contend(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]))
