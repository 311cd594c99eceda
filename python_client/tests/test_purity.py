"""Rules about the code that no linter knows."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import throttle_client

PACKAGE = Path(throttle_client.__file__).parent

FILES = sorted(PACKAGE.rglob("*.py"))

# What a pure machine has no use for. `random` is where the default for jitter comes from; tests give their own.
FORBIDDEN = {"asyncio", "socket", "threading", "time", "logging", "websockets", "requests", "os", "datetime"}


@pytest.mark.parametrize("file", sorted((PACKAGE / "_machine").glob("*.py")), ids=lambda file: file.name)
def test_the_machine_is_pure(file: Path) -> None:
    imported = {name.split(".")[0] for name in imports(ast.parse(file.read_text("utf-8")))}
    assert not imported & FORBIDDEN


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(PACKAGE)))
def test_files_and_functions_are_small(file: Path) -> None:
    text = file.read_text("utf-8")
    assert text.startswith('"""'), "a module says what it is for"
    assert len(text.splitlines()) <= 300
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            documented = isinstance(node.body[0], ast.Expr) and isinstance(node.body[0].value, ast.Constant)
            first = node.body[min(documented, len(node.body) - 1)]
            assert (node.end_lineno or 0) - first.lineno < 40, f"{node.name} is too long"


def imports(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            yield node.module
