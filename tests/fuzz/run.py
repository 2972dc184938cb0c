"""Damage files at random and run commands on them, many times: the long form of test_fuzz.

    .venv/bin/python tests/fuzz/run.py --minutes 15
    .venv/bin/python tests/fuzz/run.py --part plans --only 4711   # one case again

Every part gets the same time. The exit code is 1 where a case showed a fault; each of its faults is
printed once, with the number to repeat it by.
"""

import argparse
import json
import sys
import time
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory

sys.path[:0] = [
    str(Path(__file__).parent),
    str(Path(__file__).parent.parent / "crashes"),
    str(Path(__file__).parent.parent),
]

from fuzzing import PARTS, Fuzzer  # noqa: E402  (found through the line above)
from world import seed  # noqa: E402

from reconcile.sandbox import Sandbox  # noqa: E402


def main() -> int:
    """Run them and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--minutes", type=float, default=15)
    parser.add_argument("--part", choices=tuple(PARTS), action="append")
    parser.add_argument("--first", type=int, default=1_000_000, help="number of the first case")
    parser.add_argument("--only", type=int, help="run this case alone")
    asked = parser.parse_args()
    parts = asked.part or list(PARTS)
    wrong = 0
    with TemporaryDirectory() as text:
        template = Path(text) / "template.sqlite"
        (Path(text) / "seed.json").write_text(json.dumps(seed()), encoding="utf-8")
        with Sandbox(template, seed=Path(text) / "seed.json"):
            pass
        (Path(text) / "outer").mkdir()
        with Fuzzer(Path(text) / "outer", template) as fuzzer:
            if asked.only is not None:
                case = fuzzer.case(parts[0], asked.only)
                damaged = "\n".join(f"{n}: {data[:3000]!r}" for n, data in case.damaged.items())
                said = f"{case}\n{case.out}\nexit code {case.code}\n{damaged}\n"
                sys.stdout.write(said)
                return 1 if case.faults else 0
            for part in parts:
                wrong += _part(fuzzer, part, asked.first, 60 * asked.minutes / len(parts))
    return 1 if wrong else 0


def _part(fuzzer: Fuzzer, part: str, first: int, seconds: float) -> int:
    codes: Counter[int | None] = Counter()
    seen: Counter[str] = Counter()
    begun = time.monotonic()
    number = first
    while time.monotonic() - begun < seconds:
        case = fuzzer.case(part, number)
        codes[case.code] += 1
        number += 1
        if case.faults:
            lines = [one for one in case.err.splitlines() if one.startswith("  File ")]
            what = (lines or case.faults)[-1] + case.faults[0]
            seen[what] += 1
            if seen[what] == 1:
                sys.stdout.write(f"{case}\n\n")
                sys.stdout.flush()
    ends = ", ".join(f"{n} x {code}" for code, n in sorted(codes.items(), key=str))
    sys.stdout.write(
        f"| {part} | {number - first} cases | {sum(seen.values())} wrong | exit codes: {ends} |\n"
    )
    sys.stdout.flush()
    return sum(seen.values())


if __name__ == "__main__":
    sys.exit(main())
