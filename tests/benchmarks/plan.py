"""What planning costs: CPU seconds, memory and calls of our own process, the sandbox in another.

    .venv/bin/python tests/benchmarks/plan.py [ORDERS]

Makes ORDERS orders (default 10,000) with two line items each, applies them once, then plans them
unchanged, three times, and prints each run, the median, and how many times the floor that is:
a bare loop over the same files and calls (``floor.py``). Machines differ in CPU seconds by a factor
of two, in this ratio little.
"""

import re
import sys
from pathlib import Path
from statistics import median

from stage import staged


def main() -> None:
    """Apply once, then plan three times."""
    orders = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    with staged(orders) as stage:
        made = stage.run("apply", "--auto-approve", "--accept-local-store")
        print(f"apply of {orders:,} orders: {made.cpu:.1f} CPU s, {made.seconds:.1f} s")
        runs, floors = [], []
        for _ in range(3):
            runs.append(stage.run("plan"))
            floor = str(Path(__file__).with_name("floor.py"))
            floors.append(stage.measure(sys.executable, floor, str(stage.project), stage.url))
    for number, run in enumerate(runs, 1):
        assert re.search(r"No changes", run.out), run.out[-300:]
        print(f"plan {number}: {run.cpu:.2f} CPU s, {run.seconds:.2f} s, {run.memory:.0f} MB")
    cpu, wall = median(run.cpu for run in runs), median(run.seconds for run in runs)
    print(
        f"median: {cpu:.2f} CPU s, {wall:.2f} s, {median(run.memory for run in runs):.0f} MB "
        f"for {orders * 3:,} records unchanged"
    )
    bare = median(run.cpu for run in floors)
    print(f"floor: {bare:.2f} CPU s; planning takes {cpu / bare:.1f} times as much")


if __name__ == "__main__":
    main()
