"""
What a PromQL expression asks for, compared with what there is.

This reads names and labels only; whether an expression is one, promtool says.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

Labels = Mapping[str, str]
Exposition = Mapping[str, list[Labels]]

# What Prometheus adds to each series, and the series that it makes itself.
TARGET = {"job", "instance"}
OWN: Exposition = {"up": [{}]}

_TOKEN = re.compile(r'"(?:\\.|[^"\\])*"|[A-Za-z_:][\w:]*|[\d.]+\w*|=~|!~|!=|==|>=|<=|\S')
_SERIES = re.compile(r"^([A-Za-z_:][\w:]*)(?:\{(.*)\})? \S+$")
_LABEL = re.compile(r'(\w+)="((?:\\.|[^"\\])*)"')
_GROUPING = {"by", "without", "on", "ignoring", "group_left", "group_right"}
_WORDS = _GROUPING | {"and", "or", "unless", "bool", "offset", "inf", "nan", "atan2"}


def exposition(text: str) -> Exposition:
    """Read Prometheus' text format: the labels of all series, by metric."""
    series: defaultdict[str, list[Labels]] = defaultdict(list)
    for line in text.splitlines():
        if not line.startswith("#") and (match := _SERIES.match(line)):
            series[match[1]].append(dict(_LABEL.findall(match[2] or "")))
    return dict(series)


@dataclass
class Asked:
    """What an expression asks for."""

    # Metric, and its matchers: label, operator, text.
    selectors: list[tuple[str, list[tuple[str, str, str]]]] = field(default_factory=list)
    # Labels that it groups or joins by.
    groupings: set[str] = field(default_factory=set)
    aggregates: bool = False


def asked(expression: str) -> Asked:
    """Read an expression."""
    found = Asked()
    words = _TOKEN.findall(expression)
    following = iter([*words[1:], ""])
    rest = iter(words)
    for word in rest:
        after = next(following)
        if word == "[":
            _skip(rest, following, "]")
        elif word in _GROUPING and after == "(":
            found.groupings |= {word for word in _skip(rest, following, ")") if word.isidentifier()}
        elif word in {"sum", "min", "max", "count", "avg", "topk", "histogram_quantile"} and after in {"(", "by"}:
            found.aggregates = True
        elif re.match(r"[A-Za-z_:]", word) and word not in _WORDS and after != "(":
            inside = _skip(rest, following, "}") if after == "{" else []
            found.selectors.append((word, _matchers(inside)))
    return found


def problems(expression: str, metrics: Exposition, legend: str = "") -> list[str]:
    """Tell what an expression asks for that no server has."""
    known = {**metrics, **OWN}
    wanted = asked(expression)
    said = [] if wanted.selectors else ["it asks for no metric"]
    labels = set(TARGET)
    for metric, matchers in wanted.selectors:
        if metric not in known:
            said.append(f"there is no metric {metric}")
            continue
        labels |= {label for series in known[metric] for label in series}
        for label, operator, text in matchers:
            said += _unmatched(metric, known[metric], label, operator, text)
    said += [f"no metric in it has the label {label}" for label in sorted(wanted.groupings - labels - {"le"})]
    left = wanted.groupings if wanted.aggregates else labels
    said += [
        f"no label {label} is left for the legend"
        for label in re.findall(r"\{\{(\w+)\}\}", legend)
        if label not in left
    ]
    return said


def _unmatched(metric: str, series: list[Labels], label: str, operator: str, text: str) -> Iterator[str]:
    """Tell which part of a matcher matches nothing: it is misspelt."""
    if label in TARGET:
        return
    values = {labels[label] for labels in series if label in labels}
    if not values:
        yield f"{metric} has no label {label}"
    for part in text.split("|") if "~" in operator else [text]:
        pattern = part if "~" in operator else re.escape(part)
        if values and not any(re.fullmatch(pattern, value) for value in values):
            yield f"{metric} has no {label} that is {part}"


def _skip(rest: Iterator[str], following: Iterator[str], end: str) -> list[str]:
    """Take words up to the end of brackets."""
    taken = []
    for word in rest:
        next(following)
        if word == end:
            break
        taken.append(word)
    return taken


def _matchers(inside: list[str]) -> list[tuple[str, str, str]]:
    words = [word for word in inside if word not in {"{", ","}]
    return [(words[at], words[at + 1], words[at + 2].strip('"')) for at in range(0, len(words), 3)]
