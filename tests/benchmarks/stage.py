"""What the benchmarks share: a project of many orders, its sandbox in another process, commands."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

RECONCILE = Path(sys.executable).with_name("reconcile")

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
"""

LINES = """line_items:
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
    rate_limit: {rate_limit}
manifests: [orders]
"""


@dataclass(frozen=True)
class Ran:
    """One command: what it printed, its CPU seconds, seconds and peak memory in MB."""

    out: str
    err: str
    cpu: float
    seconds: float
    memory: float


@dataclass(frozen=True)
class Stage:
    """A project folder, ready for commands."""

    project: Path
    url: str
    environ: dict[str, str]

    def run(self, *arguments: str) -> Ran:
        """Run one command of reconcile."""
        return self.measure(str(RECONCILE), "-C", str(self.project), *arguments)

    def measure(self, *command: str) -> Ran:
        """Run a program."""
        begun = time.monotonic()
        with tempfile.TemporaryFile("w+") as err:
            process = subprocess.Popen(
                command,
                env=self.environ,
                stdout=subprocess.PIPE,
                stderr=err,
                text=True,
            )
            assert process.stdout is not None
            out = process.stdout.read()
            _, status, usage = os.wait4(process.pid, 0)
            err.seek(0)
            told = err.read()
        process.returncode = os.waitstatus_to_exitcode(status)
        assert process.returncode == 0, out[-500:] + told[-500:]
        peak = usage.ru_maxrss / (1024 if sys.platform == "linux" else 1024**2)
        cpu = usage.ru_utime + usage.ru_stime
        return Ran(out, told, cpu, time.monotonic() - begun, peak)


@contextmanager
def staged(
    orders: int, *, lines: bool = True, rate_limit: int = 100_000, plan: str = ""
) -> Iterator[Stage]:
    """Write so many orders; serve a sandbox, with the limits of a HubSpot ``plan`` or without."""
    with tempfile.TemporaryDirectory() as folder:
        project = Path(folder)
        (project / "orders").mkdir()
        document = ORDER + (LINES if lines else "")
        for start in range(0, orders, 1000):
            text = "".join(document.format(n=n) for n in range(start, min(start + 1000, orders)))
            (project / "orders" / f"{start:06}.yaml").write_text(text)
        (project / "served").mkdir()
        serve = [RECONCILE, "-C", project / "served", "sandbox", "serve", "--target", "sandbox"]
        with subprocess.Popen(
            [*serve, *(["--plan", plan] if plan else [])],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        ) as server:
            try:
                assert server.stdout is not None
                url = server.stdout.readline().split()[1]
                token = server.stdout.readline().split()[1]
                text = PROJECT.format(url=url, rate_limit=rate_limit)
                (project / "reconcile.yaml").write_text(text)
                stage = Stage(project, url, os.environ | {"BENCH_TOKEN": token})
                stage.run("init", "--auto-approve")
                yield stage
            finally:
                server.terminate()
