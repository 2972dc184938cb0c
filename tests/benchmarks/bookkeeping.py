"""What the journal, the state and the audit log cost: CPU a record, flat as records grow.

    .venv/bin/python tests/benchmarks/bookkeeping.py [RECORDS ...]

Applies RECORDS creations (default 1,000, 10,000 and 100,000) of orders with two line items each,
and adds up the CPU time of the threads while they are in the bookkeeping, wherever it is called.
"""

import json
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))

from world import World, line, order, seed

from reconcile.applying import commit
from reconcile.applying.audit_writer import AuditWriter
from reconcile.applying.journal import Journal
from reconcile.state.relocation import EntryFinder
from reconcile.state.state import State
from reconcile.workflow import apply_steps

PARTS: list[tuple[Any, str, str]] = [
    *(
        (Journal, name, "journal and audit")
        for name in ("intend", "answered", "decided", "not_applied")
    ),
    (AuditWriter, "write", "journal and audit"),
    *((State, name, "state") for name in ("begin", "put", "flush", "release", "drop", "unit")),
    (EntryFinder, "find", "state"),
    (commit, "drop_entries", "state"),
    (apply_steps, "begin", "run and plan"),
    (apply_steps, "end", "report"),
]
"""Where bookkeeping is called, and what it is counted as."""


class Clock:
    """CPU seconds by part; what one part calls of another counts for the outer one."""

    def __init__(self) -> None:
        self.spent: Counter[str] = Counter()
        self._lock = threading.Lock()
        self._inside = threading.local()

    def timed(self, original: Callable[..., Any], part: str) -> Callable[..., Any]:
        """The same function, on the clock."""

        @wraps(original)
        def counted(*args: Any, **named: Any) -> Any:
            if getattr(self._inside, "now", False):
                return original(*args, **named)
            self._inside.now, begun = True, time.thread_time()
            try:
                return original(*args, **named)
            finally:
                self._inside.now, took = False, time.thread_time() - begun
                with self._lock:
                    self.spent[part] += took  # type: ignore[assignment]

        return counted


def main() -> None:
    """Apply each number of records; print a table."""
    clock = Clock()
    for owner, name, part in PARTS:
        setattr(owner, name, clock.timed(getattr(owner, name), part))
    parts = list(dict.fromkeys(part for _, _, part in PARTS))
    print("| records | " + " | ".join(parts) + " | together |\n|" + "---|" * (len(parts) + 2))
    for records in [int(text) for text in sys.argv[1:]] or [1_000, 10_000, 100_000]:
        clock.spent.clear()
        _apply(records)
        costs = [1000 * clock.spent[part] / records for part in parts]
        row = " | ".join(f"{cost:.3f} ms" for cost in [*costs, sum(costs)])
        print(f"| {records:,} | {row} |", flush=True)


def _apply(records: int) -> None:
    with TemporaryDirectory() as folder:
        (Path(folder) / "seed.json").write_text(json.dumps(seed()), encoding="utf-8")
        with World(Path(folder), seed=Path(folder) / "seed.json") as world:
            world.declare(
                *(
                    order(
                        f"B-{n:06}",
                        [line(f"B-{n:06}:{i}", name="thing", price="1.50") for i in (1, 2)],
                        memo=f"order {n}",
                        hs_currency_code="USD",
                    )
                    for n in range(records // 3)
                )
            )
            report = world.apply()
            assert all(outcome.status.value == "done" for outcome in report.outcomes)


if __name__ == "__main__":
    main()
