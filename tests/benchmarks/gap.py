"""How old a re-check is when its write leaves: the time in which an edit of others is overwritten.

    .venv/bin/python tests/benchmarks/gap.py [RECORDS] [RATE_LIMIT]

Updates RECORDS orders (default 3,000) in a sandbox in another process, in real time, with
RATE_LIMIT calls in 10 seconds (default 20, so that nearly every call has to wait for a slot).
"""

import contextlib
import os
import sys
from pathlib import Path

from stage import Stage, staged

from reconcile.cli import main as reconcile
from reconcile.hubspot.write_freshness import MAX_AGE, Stale, WriteFreshness

PLENTY = 100_000


def main() -> None:
    """Create, then update; print how the ages are spread."""
    records = int(sys.argv[1]) if len(sys.argv) > 1 else 3000
    rate_limit = int(sys.argv[2]) if len(sys.argv) > 2 else 20
    with staged(records, lines=False, rate_limit=PLENTY) as stage:
        stage.run("apply", "--auto-approve", "--accept-local-store")
        replace(stage.project / "reconcile.yaml", f": {PLENTY}", f": {rate_limit}")
        for file in sorted((stage.project / "orders").iterdir()):
            replace(file, "hs_shipping_cost: 4.90", "hs_shipping_cost: 5.90")
        ages, refused = measured(stage)
    ages.sort()
    shown = ", ".join(f"{name} {at(ages, share) * 1000:.0f} ms" for name, share in SHARES)
    print(f"{len(ages)} writes of {records:,} records at {rate_limit} calls in 10 s")
    print(f"age of the re-check when the write left: {shown}")
    print(f"{refused} re-checked once more, {sum(age > MAX_AGE for age in ages)} left late")


SHARES = (("median", 0.5), ("95 %", 0.95), ("99 %", 0.99), ("longest", 1.0))


def at(ages: list[float], share: float) -> float:
    """The age that this share of the writes does not exceed."""
    return ages[min(int(len(ages) * share), len(ages) - 1)]


def measured(stage: Stage) -> tuple[list[float], int]:
    """Apply in this process; the ages of what was sent, and how often a write was too old."""
    ages: list[float] = []
    refused: list[float] = []
    check, sending = WriteFreshness.check, WriteFreshness.sending

    def checked(self: WriteFreshness, now: float) -> None:
        try:
            check(self, now)
        except Stale:
            refused.append(now - self.read_at)
            raise

    def sent(self: WriteFreshness, now: float) -> None:
        sending(self, now)
        ages.append(now - self.read_at)

    WriteFreshness.check = checked  # type: ignore[method-assign]
    WriteFreshness.sending = sent  # type: ignore[method-assign]
    os.environ.update(stage.environ)
    command = ["-C", str(stage.project), "apply", "--auto-approve", "--accept-local-store"]
    sys.argv = ["reconcile", *command]
    with contextlib.suppress(SystemExit), contextlib.redirect_stdout(sys.stderr):
        reconcile()
    return ages, len(refused)


def replace(file: Path, old: str, new: str) -> None:
    """Edit a file."""
    file.write_text(file.read_text().replace(old, new))


if __name__ == "__main__":
    main()
