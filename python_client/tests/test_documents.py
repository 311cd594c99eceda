"""The examples of the documents run as they stand, against a server with the configurations that they show."""

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
from throttle_client._shared import close_blocking

ROOT = Path(__file__).parent.parent


def blocks(name: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", (ROOT / name).read_text("utf-8"), re.DOTALL)


EXAMPLES = [
    pytest.param(code, id=f"{name}-{number}")
    for name in ("README.md", "MIGRATING.md")
    for number, code in enumerate(blocks(name, "python"), 1)
]


@pytest.mark.parametrize("code", EXAMPLES)
def test_an_example_runs(serve: Serve, monkeypatch: pytest.MonkeyPatch, code: str) -> None:
    (configuration,), (dynamic,) = blocks("README.md", "toml"), blocks("MIGRATING.md", "toml")
    semaphores, buckets = configuration.split("[semaphores]")[1].split("[buckets]")
    server = serve(semaphores, settings=dynamic, buckets=buckets)
    monkeypatch.setenv("THROTTLE_URL", websocket_url(server))
    code = code.replace("ws://localhost:8000", websocket_url(server)).replace("http://localhost:8000", server.url)
    flags = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
    compiled = compile(code, "example", "exec", flags=flags)
    if compiled.co_flags & inspect.CO_COROUTINE:
        asyncio.run(run(compiled))
    else:
        exec(compiled, names())  # noqa: S102  our own documents
    # What needs no client of one's own shares one, to the end of the program.
    close_blocking()


async def run(compiled: CodeType) -> None:
    await eval(compiled, names())  # noqa: S307  our own documents


def names() -> dict[str, object]:
    """Make what the examples take for granted."""

    def work(*_: object, **__: object) -> None: ...

    async def work_async(*_: object, **__: object) -> None: ...

    blocking: dict[str, object] = {"work": work, "write": work, "data": b""}
    return blocking | {"work_async": work_async, "write_async": work_async, "long_work": work_async}


def test_there_are_examples() -> None:
    assert len(EXAMPLES) >= 15


@pytest.mark.parametrize("name", ["README.md", "MIGRATING.md"])
def test_only_code_of_others_is_not_run(name: str) -> None:
    assert all(code.startswith("# before\n") for code in blocks(name, "py"))
