"""Nested locks: allowed from higher levels down to lower ones, and never the other way round."""

import pytest
from throttle_client import Client, lock

from conftest import Serve

VIOLATION = r"^Lock hierachy violation\."

THREE_LEVELS = """
coarse = { max = 1, level = 23 }
middle = { max = 4, level = 17 }
fine = 1
"""


def test_locks_nest_from_high_levels_to_low_ones(serve: Serve) -> None:
    url = serve(THREE_LEVELS).url
    client = Client(url)

    def remainders() -> list[int]:
        return [client.remainder(name) for name in ("coarse", "middle", "fine")]

    with lock(url, "coarse") as outer:
        with lock(url, "middle", count=3) as inner:
            assert inner is outer
            with lock(url, "fine"):
                assert remainders() == [0, 1, 0]
            assert remainders() == [0, 1, 1]
        assert remainders() == [0, 4, 1]
    assert remainders() == [1, 4, 1]


def test_the_wrong_order_is_refused_and_names_both_levels(serve: Serve) -> None:
    url = serve(THREE_LEVELS).url
    client = Client(url)
    with lock(url, "middle"):
        with pytest.raises(ValueError, match=VIOLATION) as refused, lock(url, "coarse"):
            pytest.fail("a lock of a higher level was acquired")
        assert "17" in str(refused.value)
        assert "23" in str(refused.value)
        assert client.remainder("middle") == 3
        with lock(url, "fine"):
            assert client.remainder("fine") == 0
    assert client.remainder("middle") == 4


def test_two_locks_of_one_level_do_not_nest(serve: Serve) -> None:
    url = serve("A = 1\nB = 1").url
    with lock(url, "A"), pytest.raises(ValueError, match=VIOLATION), lock(url, "B"):
        pytest.fail("a lock of the same level was acquired")


def test_the_lowest_level_held_decides(serve: Serve) -> None:
    url = serve(THREE_LEVELS).url
    refused = pytest.raises(ValueError, match=VIOLATION)
    with lock(url, "coarse"), lock(url, "fine"), refused, lock(url, "middle"):
        pytest.fail("a level between those that are held was acquired")
