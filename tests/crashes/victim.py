"""The real program, killed with SIGKILL, or stopped with SIGSTOP, at a chosen point.

``CRASH_AT`` or ``STOP_AT`` says where, as ``WHAT:NUMBER:WHEN``: at which ``append`` to the journal, ``write`` of
the store or ``call`` to HubSpot, counted from 1, and whether right ``before`` or right ``after``
it. A call's ``after`` is when HubSpot has answered and nobody has read the answer. ``STOP_FILE`` is
made right before stopping.
"""

import os
import signal
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from reconcile.cli import main
from reconcile.hubspot._http import Connection
from reconcile.stores.local import LocalStore

POINTS: dict[str, tuple[type, str]] = {
    "append": (LocalStore, "append"),
    "write": (LocalStore, "write"),
    "call": (Connection, "send"),
}


def die() -> None:
    """End, as power cuts do."""
    os.kill(os.getpid(), signal.SIGKILL)


def stop() -> None:
    """Stand still, as laptops do that are closed."""
    Path(os.environ["STOP_FILE"]).touch()
    os.kill(os.getpid(), signal.SIGSTOP)


def at(point: str, act: Callable[[], None]) -> None:
    """Have something done when the process gets there."""
    what, count_to, when = point.split(":")
    number = int(count_to)
    owner, name = POINTS[what]
    original: Callable[..., Any] = getattr(owner, name)
    counting = threading.Lock()
    count = 0

    def counted(*args: Any, **named: Any) -> Any:
        nonlocal count
        with counting:
            count += 1
            mine = count == number
        if mine and when == "before":
            act()
        result = original(*args, **named)
        if mine and when == "after":
            act()
        return result

    setattr(owner, name, counted)


if __name__ == "__main__":
    if point := os.environ.pop("CRASH_AT", ""):
        at(point, die)
    if point := os.environ.pop("STOP_AT", ""):
        at(point, stop)
    main()
