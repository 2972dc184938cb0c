"""The main job on the embedded sandbox: plan, apply, and the proof that nothing is left to do.

Needs only Python 3.11+: installs reconcile into ``.venv`` first. Shows each command it runs.
Give the name of another example to run that one: ``python3 examples/demo.py quickstart``.
"""

import subprocess
import sys
from pathlib import Path

EXAMPLES = Path(__file__).resolve().parent
sys.path.insert(0, str(EXAMPLES.parent / ".ci"))
from bootstrap import environment  # noqa: E402  (found through the line above)

STEPS = (
    ("Begin with an empty sandbox: a HubSpot-compatible server on this machine.",
     ("sandbox", "reset", "--auto-approve")),
    ("Make the properties that find records by key.", ("init", "--auto-approve")),
    ("Plan: what would change?", ("plan", "--out", "demo.plan")),
    ("Apply exactly that plan.", ("apply", "demo.plan", "--accept-local-store")),
    ("Plan again: exit code 0 with --detailed-exitcode proves that nothing is left to do.",
     ("plan", "--detailed-exitcode")),
)  # fmt: skip

HEAD, TAIL = 30, 4
"""Lines shown of a long output."""


def main() -> int:
    """Run the example from an empty sandbox to an empty plan."""
    name = sys.argv[1] if len(sys.argv) > 1 else "northwind"
    folder = EXAMPLES / name
    if not (folder / "reconcile.yaml").is_file():
        sys.exit(f"there is no example {name!r} in {EXAMPLES}")
    reconcile = environment().with_name("reconcile")
    target = ("--target", f"{name}-sandbox")
    for title, arguments in STEPS:
        command = ("-C", f"examples/{name}", *arguments, *target)
        sys.stdout.write(f"\n# {title}\n$ reconcile {' '.join(command)}\n")
        sys.stdout.flush()
        done = subprocess.run(  # noqa: S603
            [str(reconcile), *command],
            cwd=EXAMPLES.parent,
            stdout=subprocess.PIPE,
            encoding="utf-8",
            check=False,
        )
        sys.stdout.write(_shortened(done.stdout))
        if done.returncode:
            return done.returncode
    return 0


def _shortened(text: str) -> str:
    lines = text.splitlines(keepends=True)
    if len(lines) <= HEAD + TAIL:
        return text
    left_out = f"\n  ... {len(lines) - HEAD - TAIL:,} more lines ...\n\n"
    return "".join([*lines[:HEAD], left_out, *lines[-TAIL:]])


if __name__ == "__main__":
    sys.exit(main())
