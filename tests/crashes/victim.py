"""The real program, killed with SIGKILL at a chosen point.

``CRASH_AT`` says where, as ``WHAT:NUMBER:WHEN``: at which ``append`` to the journal, ``write`` of
the store or ``call`` to HubSpot, counted from 1, and whether right ``before`` or right ``after``
it. A call's ``after`` is when HubSpot has answered and nobody has read the answer.
"""

import os
import signal
import threading
from collections.abc import Callable
from typing import Any

from reconcile.cli import main
from reconcile.hubspot._http import Connection
from reconcile.stores.local import LocalStore

POINTS: dict[str, tuple[type, str]] = {
    "append": (LocalStore, "append"),
    "write": (LocalStore, "write"),
    "call": (Connection, "send"),
}


def die_at(what: str, number: int, when: str) -> None:
    """Have the process killed when it gets there."""
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
            os.kill(os.getpid(), signal.SIGKILL)
        result = original(*args, **named)
        if mine:
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    setattr(owner, name, counted)


if __name__ == "__main__":
    if point := os.environ.pop("CRASH_AT", ""):
        what, number, when = point.split(":")
        die_at(what, int(number), when)
    main()
