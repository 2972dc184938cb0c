"""What planning costs: CPU seconds, memory and calls of our own process, the sandbox in another.

    .venv/bin/python tests/benchmarks/plan.py [ORDERS]

Makes ORDERS orders (default 10,000) with two line items each, applies them once, then plans them
unchanged, three times, and prints each run and the median.
"""

import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

ORDER = """---
kind: order
key: B-{n:06}
properties:
  hs_order_name: Benchmark order {n}
  hs_currency_code: USD
  hs_total_price: {n}.50
  hs_shipping_cost: 4.90
  hs_pipeline: Order Pipeline
  hs_pipeline_stage: Open
  hs_external_order_id: "{n:06}"
  hs_external_created_date: 1996-07-04T00:00:00Z
  hs_shipping_address_city: Reims
  hs_shipping_address_postal_code: 51100
line_items:
  - key: B-{n:06}:1
    properties: {{name: Queso Cabrales, hs_sku: "0011", quantity: 12, price: 14.00}}
  - key: B-{n:06}:2
    properties: {{name: Mozzarella, hs_sku: "0072", quantity: 5, price: 34.80}}
"""

PROJECT = """version: 1
target: bench
targets:
  bench:
    url: {url}
    token: ${{env:BENCH_TOKEN}}
    rate_limit: 100000
manifests: [orders]
"""

RECONCILE = Path(sys.executable).with_name("reconcile")


def main() -> None:
    """Prepare, measure, print."""
    orders = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    with tempfile.TemporaryDirectory() as folder:
        project = Path(folder)
        (project / "orders").mkdir()
        for start in range(0, orders, 1000):
            text = "".join(ORDER.format(n=n) for n in range(start, min(start + 1000, orders)))
            (project / "orders" / f"{start:06}.yaml").write_text(text)
        (project / "served").mkdir()
        with subprocess.Popen(
            [RECONCILE, "-C", project / "served", "sandbox", "serve", "--target", "sandbox"],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        ) as server:
            try:
                assert server.stdout is not None
                url = server.stdout.readline().split()[1]
                token = server.stdout.readline().split()[1]
                (project / "reconcile.yaml").write_text(PROJECT.format(url=url))
                measure(project, orders, os.environ | {"BENCH_TOKEN": token})
            finally:
                server.terminate()


def measure(project: Path, orders: int, environ: dict[str, str]) -> None:
    """Apply once, then plan three times."""
    run(project, environ, "init", "--auto-approve")
    _, cpu, wall, peak = run(project, environ, "apply", "--auto-approve", "--accept-local-store")
    print(f"apply of {orders:,} orders: {cpu:.1f} CPU s, {wall:.1f} s, {peak:.0f} MB")
    costs = []
    for number in range(3):
        text, cpu, wall, peak = run(project, environ, "plan")
        assert re.search(r"No changes", text), text[-300:]
        costs.append((cpu, wall, peak))
        print(f"plan {number + 1}: {cpu:.2f} CPU s, {wall:.2f} s, {peak:.0f} MB")
    cpu, wall, peak = (median(column) for column in zip(*costs, strict=True))
    records = orders * 3
    print(f"median: {cpu:.2f} CPU s, {wall:.2f} s, {peak:.0f} MB for {records:,} records unchanged")


def run(project: Path, environ: dict[str, str], *arguments: str) -> tuple[str, float, float, float]:
    """One command's output, CPU seconds, seconds and peak memory in MB."""
    begun = time.monotonic()
    process = subprocess.Popen(
        [RECONCILE, "-C", project, *arguments],
        env=environ,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    text = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, text[-500:]
    peak = usage.ru_maxrss / (1024 if sys.platform == "linux" else 1024**2)
    return text, usage.ru_utime + usage.ru_stime, time.monotonic() - begun, peak


if __name__ == "__main__":
    main()
