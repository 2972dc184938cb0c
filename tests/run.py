"""Install reconcile with its test tools into ``.venv`` and run the tests. Needs only Python 3.11+.

    python3 tests/run.py            # what a change must pass: minutes; ends with what was left out
    python3 tests/run.py --fast     # while editing: less than a minute, no process and no server
    python3 tests/run.py --long     # what the first one leaves out, but for servers
    python3 tests/run.py --all      # the first and the third

Other arguments go to pytest: ``python3 tests/run.py -k plan``. tests/README.md says which test is
which.
"""

import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / ".ci"))
from bootstrap import environment  # noqa: E402  (found through the line above)

CORES = os.cpu_count() or 1
WORKERS = max(3, CORES)
"""Processes that run tests. Many tests wait: a small machine has time for more than its cores."""

DEFAULT = "not servers and not long"
FORMS = {
    "--fast": f"fast and {DEFAULT}",
    "--long": "long and not servers",
    "--all": "not servers",
}

ELSEWHERE = (
    "lint, format, strict types, complexity and branch coverage",
    "the workflows' checks (actionlint, zizmor)",
    "the wheel and the sdist, used in clean folders (.ci/package)",
    "the lowest versions that pyproject.toml allows, and the newest Python",
    "mutants, random damage, and hundreds of random crashes (tests/long.py)",
    "benchmarks (tests/benchmarks/README.md)",
)


def main() -> int:
    """Run pytest, then say what was left out."""
    chosen = [FORMS[one] for one in sys.argv[1:] if one in FORMS] or [DEFAULT]
    if len(chosen) > 1:
        sys.exit(f"only one of {', '.join(FORMS)} can be asked for")
    options = [one for one in sys.argv[1:] if one not in FORMS]
    python = environment("test")
    # The programs that tests start need not be compiled anew, whatever this shell's settings say.
    environ = {name: text for name, text in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    pytest = [str(python), "-m", "pytest"]
    workers = CORES if chosen == [FORMS["--fast"]] else WORKERS
    done = subprocess.run(
        [*pytest, "-n", str(workers), "-m", chosen[0], *options],
        cwd=ROOT,
        env=environ,
        check=False,
    )
    if chosen == [DEFAULT]:
        found = subprocess.run(
            [*pytest, "--collect-only", "-q", "-m", f"not ({DEFAULT})"],
            cwd=ROOT,
            env=environ,
            check=False,
            capture_output=True,
            text=True,
        )
        names = (line.partition("::")[0] for line in found.stdout.splitlines() if "::" in line)
        _say_what_is_left(Counter(names))
    return done.returncode


def _say_what_is_left(files: "Counter[str]") -> None:
    tests = [f"{name}: {many} tests" for name, many in sorted(files.items())]
    sys.stdout.write("\nLeft out here, run by .ci/run:\n")
    for what in (*tests, *ELSEWHERE):
        sys.stdout.write(f"  - {what}\n")


if __name__ == "__main__":
    sys.exit(main())
