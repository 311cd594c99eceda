"""The reader of expressions finds what is wrong with them."""

import pytest

from promql import exposition, problems

METRICS = exposition(
    """\
# HELP waiters How many wait
waiters{semaphore="A"} 3
waiters{semaphore="B, \\"C\\" {}"} 0
releases_total{reason="closed",semaphore="A"} 1e+06
releases_total{reason="expired",semaphore="A"} 1
wait_bucket{semaphore="A",le="+Inf"} 1
peers 7
"""
)


def test_series_are_read_with_their_labels() -> None:
    assert METRICS["peers"] == [{}]
    assert METRICS["waiters"] == [{"semaphore": "A"}, {"semaphore": 'B, \\"C\\" {}'}]


@pytest.mark.parametrize(
    "expression",
    [
        'waiters{semaphore="A"} > 0',
        'up{job="any"} == 0',
        "sum by (semaphore) (rate(releases_total{reason=~'closed|expired'}[5m]))".replace("'", '"'),
        "histogram_quantile(0.9, sum by (le) (rate(wait_bucket[5m])))",
        "min_over_time(waiters[15m]) > 0 unless on (job, instance) peers == 0",
        "1 - 0.5 * peers / on (job) group_left peers offset 5m",
    ],
)
def test_nothing_is_wrong(expression: str) -> None:
    assert problems(expression, METRICS) == []


@pytest.mark.parametrize(
    ("expression", "problem"),
    [
        ("waiter > 0", "there is no metric waiter"),
        ("rate(waiters[5m]) / rate(nothing[5m])", "there is no metric nothing"),
        ('waiters{name="A"}', "waiters has no label name"),
        ('releases_total{reason="expire"}', "releases_total has no reason that is expire"),
        ('releases_total{reason!="expire"}', "releases_total has no reason that is expire"),
        ('releases_total{reason=~"closed|expire"}', "releases_total has no reason that is expire"),
        ("sum by (reason) (waiters)", "no metric in it has the label reason"),
        ("1 + 2", "it asks for no metric"),
    ],
)
def test_what_is_wrong_is_found(expression: str, problem: str) -> None:
    assert problems(expression, METRICS) == [problem]


def test_a_legend_names_labels_that_are_left() -> None:
    assert problems("sum by (semaphore) (waiters)", METRICS, "{{semaphore}}") == []
    assert problems("waiters", METRICS, "{{semaphore}} {{instance}}") == []
    for expression in ("sum by (job) (waiters)", "sum(waiters)", "peers"):
        assert problems(expression, METRICS, "{{semaphore}}") == ["no label semaphore is left for the legend"]
