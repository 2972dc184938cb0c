"""What planning costs: CPU seconds, memory and calls of our own process, the sandbox in another.

    .venv/bin/python tests/benchmarks/plan.py [ORDERS]

Makes ORDERS orders (default 10,000) with two line items each, applies them once, then plans them
unchanged, three times, and prints each run and the median.
"""

import re
import sys
from statistics import median

from stage import staged


def main() -> None:
    """Apply once, then plan three times."""
    orders = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    with staged(orders) as stage:
        made = stage.run("apply", "--auto-approve", "--accept-local-store")
        print(f"apply of {orders:,} orders: {made.cpu:.1f} CPU s, {made.seconds:.1f} s")
        runs = [stage.run("plan") for _ in range(3)]
    for number, run in enumerate(runs, 1):
        assert re.search(r"No changes", run.out), run.out[-300:]
        print(f"plan {number}: {run.cpu:.2f} CPU s, {run.seconds:.2f} s, {run.memory:.0f} MB")
    cpu, wall = median(run.cpu for run in runs), median(run.seconds for run in runs)
    print(
        f"median: {cpu:.2f} CPU s, {wall:.2f} s, {median(run.memory for run in runs):.0f} MB "
        f"for {orders * 3:,} records unchanged"
    )


if __name__ == "__main__":
    main()
