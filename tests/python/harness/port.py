"""Ports that nobody else gets, so that a server can come back to the one that it had."""

import socket
import sys

LOOPBACK = "127.0.0.1"


class Port:
    """
    A TCP port on the loopback address, reserved while this object lives.

    On Linux a socket that is bound but does not listen keeps the system from handing the port out, to a listener or to
    an outgoing connection. A server that sets `SO_REUSEADDR` can listen there all the same. Elsewhere the port is just
    one that was free.
    """

    def __init__(self) -> None:
        self._socket = socket.socket()
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._socket.bind((LOOPBACK, 0))
        self.number: int = self._socket.getsockname()[1]
        if sys.platform != "linux":
            self._socket.close()

    def close(self) -> None:
        """Give the port back."""
        self._socket.close()
