"""Real processes of the program that need not import it: most of their time would go into that.

A process that has imported everything forks for each of them. What is forked has a pid, an exit
status and output of its own, and is killed and stopped like any other.
"""

import atexit
import json
import os
import pkgutil
import select
import signal
import socket
import struct
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import NoReturn

_MESSAGE = 1 << 20
_NUMBER = struct.Struct("i")


class Program:
    """The program of ``victim.py``, running. ``out`` and ``err`` are read when it has ended."""

    def __init__(self, *args: str, cwd: Path, environ: Mapping[str, str]) -> None:
        self.returncode: int | None = None
        self._files = ExitStack()
        self._out = self._files.enter_context(tempfile.TemporaryFile())  # noqa: SIM115
        self._err = self._files.enter_context(tempfile.TemporaryFile())  # noqa: SIM115
        self._status, status = os.pipe()
        message = json.dumps([args, str(cwd), dict(environ)]).encode()
        files = [self._out.fileno(), self._err.fileno(), status]
        socket.send_fds(_forking(), [message], files)
        os.close(status)
        self.pid = self._number()

    def poll(self) -> int | None:
        """Return how it ended, and None as long as it has not."""
        return self._ended(0)

    def communicate(self, timeout: float) -> tuple[str, str]:
        """Wait for its end; what it printed."""
        if self._ended(timeout) is None:
            raise subprocess.TimeoutExpired(str(self.pid), timeout)
        texts: list[str] = []
        for file in (self._out, self._err):
            file.seek(0)
            texts.append(file.read().decode())
        return texts[0], texts[1]

    def send_signal(self, number: signal.Signals) -> None:
        """Send it a signal, if it has not ended."""
        if self.poll() is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def close(self) -> None:
        """Kill it, and forget what it printed."""
        self.send_signal(signal.SIGKILL)
        self._ended(60)
        self._files.close()

    def _ended(self, timeout: float) -> int | None:
        if self.returncode is None and select.select([self._status], [], [], timeout)[0]:
            self.returncode = os.waitstatus_to_exitcode(self._number())
            os.close(self._status)
        return self.returncode

    def _number(self) -> int:
        (number,) = _NUMBER.unpack(os.read(self._status, _NUMBER.size))
        return int(number)


@cache
def _forking() -> socket.socket:
    """Start the process that forks; it ends with this one."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with theirs:
        process = subprocess.Popen(
            [sys.executable, __file__, str(theirs.fileno())],
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
        )

    def end() -> None:
        ours.close()
        process.wait()

    atexit.register(end)
    return ours


def _serve(asked: socket.socket) -> None:
    import victim  # noqa: PLC0415  (the tests' own processes have no use for it)

    _import_everything()
    while True:
        message, files, *_ = socket.recv_fds(asked, _MESSAGE, 3)
        if not message:
            return
        if os.fork():
            for file in files:
                os.close(file)
            with suppress(ChildProcessError):
                while os.waitpid(-1, os.WNOHANG)[0]:
                    pass
            continue
        asked.close()
        out, err, status = files
        if pid := os.fork():
            _report(pid, status)
        args, cwd, environ = json.loads(message)
        os.dup2(out, 1)
        os.dup2(err, 2)
        for file in files:
            os.close(file)
        os.chdir(cwd)
        os.environ.clear()
        os.environ.update(environ)
        sys.argv = ["reconcile", *args]
        victim.run()


def _import_everything() -> None:
    from reconcile import cli  # noqa: PLC0415

    for module in pkgutil.walk_packages(cli.__path__, f"{cli.__name__}."):
        import_module(module.name)


def _report(pid: int, status: int) -> NoReturn:
    """Say which process it is, and how it ended."""
    os.write(status, _NUMBER.pack(pid))
    _, ended = os.waitpid(pid, 0)
    os.write(status, _NUMBER.pack(ended))
    os._exit(0)


if __name__ == "__main__":
    _serve(socket.socket(fileno=int(sys.argv[1])))
