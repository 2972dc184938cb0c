"""How long an apply takes that HubSpot's limit holds back: 190 calls in 10 seconds, enforced.

    .venv/bin/python tests/benchmarks/apply.py [RECORDS]

Creates RECORDS orders (default 100,000) in a sandbox of a Professional account, in real time, and
compares with the least that so many calls can take: the first 190 at once, then 19 a second.
"""

import re
import sys

from stage import staged

LIMIT = 190
"""Calls in 10 seconds (reference §3)."""


def main() -> None:
    """Apply once; print the ratio."""
    records = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    with staged(records, lines=False, rate_limit=LIMIT, plan="pro") as stage:
        plan = stage.run("plan", "--out", str(stage.project / "plan.bin"))
        print(f"plan: {plan.cpu:.1f} CPU s, {plan.seconds:.1f} s, {plan.memory:.0f} MB")
        made = stage.run("apply", str(stage.project / "plan.bin"), "--accept-local-store")
    print("\n".join((made.out + made.err).splitlines()[-12:]))
    took = re.search(r"([\d,]+) calls", made.out + made.err)
    assert took is not None
    calls = int(took[1].replace(",", ""))
    least = (calls - LIMIT) / (LIMIT / 10)
    print(
        f"apply of {records:,} creations: {calls:,} calls, {made.seconds:.1f} s of at least "
        f"{least:.1f} s ({made.seconds / least:.3f}); {made.cpu:.1f} CPU s, {made.memory:.0f} MB"
    )


if __name__ == "__main__":
    main()
