"""What pulling and adopting cost: CPU seconds, memory and calls of our own process.

    .venv/bin/python tests/benchmarks/pull.py [ORDERS]

Makes ORDERS orders (default 10,000) with two line items each in a sandbox in another process. A
project that knows nothing of them pulls their manifests, plans that it adopts them, and applies it.
"""

import re
import shutil
import sys
from dataclasses import replace
from pathlib import Path

from stage import staged

PULL = (
    "pull",
    "orders",
    "--all",
    "--properties",
    "hs_order_name,hs_currency_code,hs_total_price,hs_pipeline,hs_pipeline_stage",
    "--lines",
    "hs_sku,name,price",
    "--key",
    "hs_external_order_id",
)


def main() -> None:
    """Pull, plan, apply and plan."""
    orders = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    with staged(orders) as stage:
        stage.run("apply", "--auto-approve", "--accept-local-store")
        fresh = stage.project / "fresh"
        (fresh / "orders").mkdir(parents=True)
        shutil.copy(stage.project / "reconcile.yaml", fresh / "reconcile.yaml")
        other = replace(stage, project=Path(fresh))
        for command in (
            PULL,
            ("plan",),
            ("apply", "--auto-approve", "--accept-local-store"),
            ("plan",),
        ):
            ran = other.run(*command)
            calls = re.search(r"([\d,]+) calls", ran.err + ran.out)
            print(
                f"{command[0]}: {ran.cpu:.2f} CPU s, {ran.seconds:.2f} s, {ran.memory:.0f} MB"
                f"{', ' + calls[0] if calls else ''}"
            )
        print(ran.out.splitlines()[-2])


if __name__ == "__main__":
    main()
