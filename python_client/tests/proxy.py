"""A TCP proxy that can be told to cut connections, to hold everything back, or to let nobody through."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class Proxy:
    """Between a client and a server; it lives on a thread of its own, until `close`."""

    def __init__(self, port: int) -> None:
        self._target = port
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxy", daemon=True)
        self._thread.start()
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[Any]] = set()
        self._flowing = self._do(self._make_event())
        self._refusing = False
        self.connections = 0
        self._server = self._do(asyncio.start_server(self._serve, "127.0.0.1", 0))
        self.port: int = self._server.sockets[0].getsockname()[1]

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"ws://127.0.0.1:{self.port}"

    def cut(self) -> None:
        """Break all connections; whoever comes next gets through again."""
        self._call(self._cut)

    def refuse(self, *, refusing: bool = True) -> None:
        """Break all connections and let nobody through, or let them through again."""
        self._refusing = refusing
        self._call(self._cut)

    def freeze(self) -> None:
        """Keep connections, and carry nothing any more."""
        self._call(self._flowing.clear)

    def thaw(self) -> None:
        """Carry on with what was held back."""
        self._call(self._flowing.set)

    def close(self) -> None:
        """End it."""
        self._do(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        self._writers.add(writer)
        try:
            if self._refusing:
                return
            there, back = await asyncio.open_connection("127.0.0.1", self._target)
            self._writers.add(back)
            if self._refusing:
                self._cut_one(back)
                return
            await asyncio.wait(
                [asyncio.create_task(self._carry(reader, back)), asyncio.create_task(self._carry(there, writer))],
                return_when=asyncio.FIRST_COMPLETED,
            )
        except (OSError, asyncio.CancelledError):
            return
        finally:
            self._cut_one(writer)
            for other in list(self._writers):
                if other.is_closing():
                    self._writers.discard(other)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(65_536):
                await self._flowing.wait()
                writer.write(data)
        except OSError:
            pass
        finally:
            self._cut_one(writer)

    def _cut(self) -> None:
        for writer in self._writers:
            self._cut_one(writer)
        self._writers.clear()

    def _cut_one(self, writer: asyncio.StreamWriter) -> None:
        writer.transport.abort()

    async def _make_event(self) -> asyncio.Event:
        event = asyncio.Event()
        event.set()
        return event

    async def _close(self) -> None:
        # Whoever is just being let in is shown out; after that, each transport needs a moment to close its socket. The
        # listener is closed last: asyncio leaks what it accepts at that very moment.
        self._refusing = True
        self._flowing.set()
        quiet = 0
        while quiet < 5:
            self._cut()
            await asyncio.sleep(0.001)
            quiet = 0 if asyncio.all_tasks() - {asyncio.current_task()} else quiet + 1
        self._server.close()

    def _do(self, coroutine: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(10)

    def _call(self, function: Callable[[], object]) -> None:
        async def call() -> None:
            function()

        self._do(call())
