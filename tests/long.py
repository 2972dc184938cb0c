"""Run what takes too long for every change: mutants, random damage, and random crashes.

    .venv/bin/python tests/long.py              # all of it
    .venv/bin/python tests/long.py --runs 20 --minutes 2    # fewer crashes, less damage

Needs what ``.ci/run`` installs, PostgreSQL among it. The exit code is 1 where any part failed.
"""

import argparse
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent


def main() -> int:
    """Run every part, even after one has failed, and print how each ended."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--runs", type=int, default=200, help="random crashes for each store")
    parser.add_argument("--minutes", type=float, default=15, help="how long to damage files")
    asked = parser.parse_args()
    runs = ("--runs", str(asked.runs))
    parts = (
        ("mutants/run.py",),
        ("fuzz/run.py", "--minutes", str(asked.minutes)),
        ("crashes/run.py", *runs, "--store", "local"),
        ("crashes/run.py", *runs, "--store", "postgresql"),
    )
    failed = 0
    for script, *options in parts:
        sys.stdout.write(f"\n=== {script} {' '.join(options)}\n")
        sys.stdout.flush()
        begun = time.monotonic()
        done = subprocess.run([sys.executable, str(HERE / script), *options], check=False)
        failed += done.returncode != 0
        how = "passed" if done.returncode == 0 else "FAILED"
        sys.stdout.write(f"{how} in {(time.monotonic() - begun) / 60:.1f} minutes\n")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
