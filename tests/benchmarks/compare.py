"""CPU that comparing changed records takes, in microseconds each.

Each record has 20 properties, three associations and one difference of each sort: a value, an
association to make, and one of ours that is no longer declared.

python tests/benchmarks/compare.py [RECORDS]
"""

import sys
import time
from collections.abc import Iterator
from statistics import median

from reconcile.planning.compare import Document, differences

BATCH = 100


def pair(number: int) -> tuple[Document, Document]:
    """Return one record as it is and as declared; no two records are alike."""
    values = {f"property_{at:02}": f"value {at} of {number}" for at in range(20)}
    ends = [str(number * 10 + at) for at in range(4)]
    types = [{end: {"HUBSPOT_DEFINED": {"507": True}}} for end in ends]
    return (
        {"properties": values, "associations": {"contact": types[0] | types[1] | types[2]}},
        {
            "properties": values | {"property_07": "another value"},
            "associations": {"contact": types[0] | types[1] | types[3]},
        },
    )


def costs(records: int) -> Iterator[float]:
    """Yield the CPU microseconds a record of each batch."""
    for start in range(0, records, BATCH):
        pairs = [pair(number) for number in range(start, min(start + BATCH, records))]
        begun = time.process_time()
        for actual, desired in pairs:
            assert len(differences(actual, desired)) == 3
        yield (time.process_time() - begun) * 1_000_000 / len(pairs)


def main() -> None:
    """Compare so many records, after one that imports deepdiff."""
    records = int(sys.argv[1]) if len(sys.argv) > 1 else 20_000
    differences(*pair(0))
    print(f"{records:,} changed records: {median(costs(records)):.0f} µs each (median)")


if __name__ == "__main__":
    main()
