"""How long 10,000 orders with two lines each take to load, and how much memory they keep.

    python tests/manifests/bench_load.py

Fails above 2 s of CPU time or 60 MiB.
"""

import sys
import tempfile
import time
from pathlib import Path

from reconcile.manifests import load

ORDERS, FILES = 10_000, 10

ORDER = """\
---
kind: order
key: NW-{n}
properties:
  hs_order_name: Vins et alcools Chevalier {n}, 4 July 1996
  hs_currency_code: USD
  hs_subtotal_price: {n}.00
  hs_shipping_cost: 32.38
  hs_total_price: {n}.38
  hs_pipeline: Order Pipeline
  hs_pipeline_stage: Delivered
  hs_tags: Federal Shipping
  hs_fulfillment_status: Shipped
  hs_external_order_id: {n}
  hs_external_created_date: 1996-07-04T00:00:00Z
  hs_source_store: Northwind
  hs_shipping_address_name: Vins et alcools Chevalier
  hs_shipping_address_street: {n} rue de l'Abbaye
  hs_shipping_address_city: Reims
  hs_shipping_address_postal_code: {n}
  hs_shipping_address_country: France
line_items:
  - key: NW-{n}:11
    properties: {{name: Queso Cabrales, hs_sku: "11", quantity: 12, price: 14.00}}
  - key: NW-{n}:42
    properties: {{name: Singaporean Hokkien Fried Mee, hs_sku: "42", quantity: 10, price: 9.80}}
associations:
  contact: [{{email: paul.{n}@example.com}}]
"""


def resident() -> float:
    """This process's resident memory in MiB (Linux)."""
    pages = Path("/proc/self/statm").read_text(encoding="ascii").split()[1]
    return int(pages) * 4096 / 2**20


def main() -> int:
    """Write, load, measure."""
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        for file in range(FILES):
            numbers = range(10_000 + file, 10_000 + ORDERS, FILES)
            text = "".join(ORDER.format(n=n) for n in numbers)
            (root / f"{file}.yaml").write_text(text, encoding="utf-8")
        del text
        memory, started = resident(), time.process_time()
        units = load([root], root=root)
        seconds, kept = time.process_time() - started, resident() - memory
    sys.stdout.write(f"{len(units):,} units: {seconds:.2f} s CPU, {kept:.0f} MiB\n")
    return int(seconds > 2 or kept > 60)


if __name__ == "__main__":
    sys.exit(main())
