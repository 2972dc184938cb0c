"""The connections of the server, so that an answer can end its own.

A server's connections cannot be closed from within an ASGI application, and how uvicorn keeps them
is its own affair. So the listening socket remembers what it accepts, by the client's address.
"""

import socket
import struct
from typing import Any
from weakref import WeakValueDictionary

from starlette.types import ASGIApp, Receive, Scope, Send

_CONNECTION = "reconcile.sandbox.connection"
_BACKLOG = 512


class Listener(socket.socket):
    """A listening socket that knows its open connections."""

    def __init__(self, host: str, port: int) -> None:
        """Listen at an address; a port of 0 is chosen."""
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        # With the protocol named, asyncio turns Nagle's algorithm off; without, answers take 40 ms.
        super().__init__(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        self._accepted: WeakValueDictionary[tuple[str, int], socket.socket] = WeakValueDictionary()
        try:
            self.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self.bind((host, port))
            self.listen(_BACKLOG)
        except OSError:
            self.close()
            raise

    def accept(self) -> tuple[socket.socket, Any]:
        """Accept a connection, and remember it as long as it is open."""
        connection, address = super().accept()
        self._accepted[address[:2]] = connection
        return connection, address

    def known_to(self, app: ASGIApp) -> ASGIApp:
        """Let an application end the connections of its requests by ``end``."""

        async def serve(scope: Scope, receive: Receive, send: Send) -> None:
            scope[_CONNECTION] = self._accepted.get(tuple(scope["client"]))
            await app(scope, receive, send)

        return serve


async def end(scope: Scope, receive: Receive, *, resets: bool) -> None:
    """Close the connection of a request, and let the server notice before it would answer.

    To the server it looks as if the client had hung up. It closes its side then, which sends what
    is left and says that no more comes; with ``resets`` it says that all is lost.
    """
    connection: socket.socket = scope[_CONNECTION]
    if resets:
        # Without lingering, closing is a reset.
        linger = struct.pack("ii", 1, 0)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    connection.shutdown(socket.SHUT_RD)
    while (await receive())["type"] != "http.disconnect":
        pass
