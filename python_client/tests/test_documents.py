"""The examples of the documents run as they stand, against a server with the configuration that they show."""

from __future__ import annotations

import ast
import asyncio
import inspect
import re
from pathlib import Path
from types import CodeType

import pytest

from conftest import Serve
from support import websocket_url

ROOT = Path(__file__).parent.parent


def blocks(name: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", (ROOT / name).read_text("utf-8"), re.DOTALL)


EXAMPLES = [
    pytest.param(code, id=f"{name}-{number}")
    for name in ("README.md", "MIGRATING.md")
    for number, code in enumerate(blocks(name, "python"), 1)
]


@pytest.mark.parametrize("code", EXAMPLES)
def test_an_example_runs(serve: Serve, code: str) -> None:
    (configuration,) = blocks("README.md", "toml")
    semaphores, buckets = configuration.split("[semaphores]")[1].split("[buckets]")
    server = serve(semaphores, buckets=buckets)
    code = code.replace("ws://localhost:8000", websocket_url(server)).replace("http://localhost:8000", server.url)
    flags = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
    compiled = compile(code, "example", "exec", flags=flags)
    if compiled.co_flags & inspect.CO_COROUTINE:
        asyncio.run(run(compiled))
    else:
        exec(compiled, names())  # noqa: S102  our own documents


async def run(compiled: CodeType) -> None:
    await eval(compiled, names())  # noqa: S307  our own documents


def names() -> dict[str, object]:
    """Make what the examples take for granted."""

    def work(*_: object, **__: object) -> None: ...

    async def work_async(*_: object, **__: object) -> None: ...

    blocking: dict[str, object] = {"work": work, "write": work, "data": b""}
    return blocking | {"work_async": work_async, "write_async": work_async, "long_work": work_async}


def test_there_are_examples() -> None:
    assert len(EXAMPLES) >= 9
