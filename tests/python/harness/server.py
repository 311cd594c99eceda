"""The real server program, as a process that a test can kill and bring back."""

import os
import subprocess
import time
import urllib.request
from pathlib import Path

from .port import LOOPBACK, Port

DEADLINE_SEC = 20


class Server:
    """
    A server with its configuration and its port.

    Its log goes to the standard error stream, which pytest shows with a test that fails.
    """

    def __init__(self, program: Path, configuration: Path, port: Port) -> None:
        self._port = str(port.number)
        self._command = [str(program), "--address", LOOPBACK, "--port", self._port, "-c", str(configuration)]
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where it is, without a slash at the end."""
        return f"http://{LOOPBACK}:{self._port}"

    def start(self) -> subprocess.Popen[bytes]:
        """Start it and wait until it answers. What an earlier process knew is lost."""
        environment = {name: value for name, value in os.environ.items() if not name.startswith("THROTTLE_")}
        self._process = subprocess.Popen(self._command, stdin=subprocess.DEVNULL, env=environment)
        try:
            self._wait_for_health(self._process)
        except BaseException:
            self.kill()
            raise
        return self._process

    def kill(self) -> None:
        """End it as a crash would."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def stop(self) -> None:
        """End it as an operator would, unless it is gone already. It has to take leave properly."""
        process, self._process = self._process, None
        if process is None or process.poll() is not None:
            return
        process.terminate()
        try:
            code = process.wait(DEADLINE_SEC)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise
        assert code == 0, f"the server ended with {code} when it was asked to end"

    def _wait_for_health(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + DEADLINE_SEC
        while process.poll() is None:
            try:
                with urllib.request.urlopen(f"{self.url}/health", timeout=1):  # noqa: S310  the scheme is http
                    return
            except OSError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.005)
        message = f"the server ended at its start, with code {process.returncode}"
        raise RuntimeError(message)
