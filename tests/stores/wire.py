"""A wire to a server that can be held: what is sent from then on arrives when it is let go."""

import socket
import threading
from contextlib import ExitStack, suppress
from typing import Self


class Wire:
    """Forwards one TCP port to another. ``hold_after`` lets so many pieces of requests pass."""

    def __init__(self, port: int) -> None:
        self._target = port
        self._pass = threading.Event()
        self._pass.set()
        self._left: int | None = None
        self._counting = threading.Lock()
        self.passed = 0

    def __enter__(self) -> Self:
        """Listen."""
        self._stack = ExitStack()
        self._server = self._stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        self.port: int = self._server.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        """Cut every connection."""
        self._pass.set()
        self._stack.close()

    def hold_after(self, pieces: int) -> None:
        """Hold everything after so many pieces more have passed to the server."""
        with self._counting:
            self._left = pieces
            if pieces == 0:
                self._pass.clear()

    def let_go(self) -> None:
        """Let pass what was held, and all that follows."""
        with self._counting:
            self._left = None
        self._pass.set()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._server.accept()
                far = socket.create_connection(("127.0.0.1", self._target))
                for one in (near, far):
                    self._stack.enter_context(one)
                for source, sink, counted in ((near, far, True), (far, near, False)):
                    threading.Thread(
                        target=self._forward, args=(source, sink, counted), daemon=True
                    ).start()

    def _forward(self, source: socket.socket, sink: socket.socket, counted: bool) -> None:  # noqa: FBT001
        with suppress(OSError):
            while data := source.recv(65536):
                if counted:
                    self._count()
                self._pass.wait()
                sink.sendall(data)
            sink.shutdown(socket.SHUT_RDWR)

    def _count(self) -> None:
        self._pass.wait()
        with self._counting:
            self.passed += 1
            if self._left is not None:
                self._left -= 1
                if self._left < 0:
                    self._pass.clear()
