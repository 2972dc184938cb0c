"""Install reconcile with its test tools into ``.venv`` and run the tests. Needs only Python 3.11+.

Runs everything that needs nothing but Python, and ends with a list of what it left out.
Arguments go to pytest: ``python3 tests/run.py -k plan``.
"""

import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / ".ci"))
from bootstrap import environment  # noqa: E402  (found through the line above)

WORKERS = str(max(4, os.cpu_count() or 1))
"""Processes that run tests. Many tests wait: a small machine has time for more than its cores."""

ELSEWHERE = (
    "lint, format and strict types (ruff, mypy)",
    "the example workflow's checks (actionlint, zizmor)",
    "the lowest versions that pyproject.toml allows, and the newest Python",
    "mutants, random damage, and hundreds of random crashes (tests/long.py)",
    "benchmarks (tests/benchmarks/README.md)",
)


def main() -> int:
    """Run pytest, then say what was left out."""
    python = environment("test")
    pytest = [str(python), "-m", "pytest"]
    done = subprocess.run(
        [*pytest, "-n", WORKERS, "-m", "not servers", *sys.argv[1:]], cwd=ROOT, check=False
    )
    found = subprocess.run(
        [*pytest, "--collect-only", "-q", "-m", "servers"],
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
    )
    files = Counter(line.split("::")[0] for line in found.stdout.splitlines() if "::" in line)
    servers = [f"{name}: {many} tests" for name, many in sorted(files.items())]
    sys.stdout.write("\nLeft out here, run by .ci/run:\n")
    for what in (*servers, *ELSEWHERE):
        sys.stdout.write(f"  - {what}\n")
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())
