"""What a run is about, and the processes that worked on it, as its journal names them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from reconcile.audit.chain import origin_of
from reconcile.model.audit import Origin

FORMAT = 4
"""Version of the journal's format. Another one is refused, never guessed at."""

LOGS = "runs/"
"""Where the journals are in the store."""


@dataclass(frozen=True, slots=True)
class RunHead:
    """What a run is about.

    ``plan`` and ``content`` are the plan's pinned and content digest (``planning/plan_file``),
    ``since`` the run's start (ISO 8601, UTC). ``total`` counts the plan's records; ``allow`` names
    the guards that were allowed; ``audit`` is the number of the audit log's last entry before the
    run's own.
    """

    run: str
    plan: str
    content: str
    portal_id: int
    who: str
    since: str
    total: int
    allow: tuple[str, ...] = ()
    audit: int = 0


@dataclass(frozen=True, slots=True)
class Process:
    """A process that wrote to the journal, from its ``line`` on.

    ``event`` is ``apply``, ``resume``, or ``recover`` if it resolved in-doubt writes of an earlier
    process; ``resolved_by`` then names the run or the command that did so.
    """

    line: int
    event: str
    origin: Origin
    since: str = ""
    allow: tuple[str, ...] = ()
    resolved_by: str = ""


OPENING: Mapping[str, str] = {"run": "apply", "resumed": "resume", "recovery": "recover"}
"""Kinds of lines with which a process begins, and the event of each in the audit log."""

CLOSING = frozenset({"end", "resolved"})
"""Kinds of lines with which a process ends, unless it is killed."""


def process_of(position: int, entry: Mapping[str, Any]) -> Process:
    """Return the process that begins with a line."""
    return Process(
        position,
        OPENING[entry["about"]],
        origin_of(entry),
        entry["since"],
        tuple(entry.get("allow", ())),
        entry.get("by", ""),
    )
