"""Apply each committed fault to a copy of the tree and require that its tests notice it.

.venv/bin/python tests/mutants/run.py            # all of them
.venv/bin/python tests/mutants/run.py NAME ...   # some
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
_TEST = "Test: "


def main() -> int:
    """Run the mutants; the exit code is 1 where one survives."""
    chosen = set(sys.argv[1:])
    patches = [one for one in sorted(HERE.glob("*.patch")) if not chosen or one.stem in chosen]
    if missing := chosen - {one.stem for one in patches}:
        sys.stderr.write(f"there is no mutant named {', '.join(sorted(missing))}\n")
        return 1
    tests = sorted({test for patch in patches for test in _tests(patch)})
    with TemporaryDirectory() as folder:
        tree = Path(folder) / "tree"
        _copy(tree)
        if not _passes(tree, tests):
            sys.stderr.write("the tests fail without any mutant\n")
            return 1
        survivors = [patch.stem for patch in patches if not _dies(tree, patch)]
    killed = len(patches) - len(survivors)
    sys.stdout.write(f"{killed} of {len(patches)} mutants died\n")
    return 1 if survivors else 0


def _tests(patch: Path) -> list[str]:
    """The tests that a patch's first lines name."""
    lines = patch.read_text(encoding="utf-8").splitlines()
    return [line.removeprefix(_TEST) for line in lines if line.startswith(_TEST)]


def _copy(tree: Path) -> None:
    """Copy what git tracks, as it is in the working tree."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True)
    for name in listed.stdout.decode().split("\0"):
        if name and (ROOT / name).is_file():
            (tree / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, tree / name)


def _dies(tree: Path, patch: Path) -> bool:
    """Apply a mutant, run its tests, and take it away again."""
    _git_apply(tree, patch)
    try:
        died = not _passes(tree, _tests(patch))
    finally:
        _git_apply(tree, patch, "--reverse")
    sys.stdout.write(f"{patch.stem}: {'died' if died else 'SURVIVED'}\n")
    sys.stdout.flush()
    return died


def _git_apply(tree: Path, patch: Path, *options: str) -> None:
    subprocess.run(["git", "apply", *options, str(patch)], cwd=tree, check=True)


def _passes(tree: Path, tests: list[str]) -> bool:
    """Whether all of these tests pass in the tree; anything but passed or failed is an error."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *tests],
        cwd=tree,
        env=os.environ | {"PYTHONPATH": str(tree), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode not in (0, 1):
        raise RuntimeError(f"pytest could not run {' '.join(tests)}:\n{done.stdout}{done.stderr}")
    return done.returncode == 0


if __name__ == "__main__":
    sys.exit(main())
