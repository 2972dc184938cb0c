"""A virtual environment with the project in it, made with nothing but Python.

Used by ``examples/demo.py``, ``tests/run.py`` and ``.ci/develop``, so that a fresh clone needs no
other step.
"""

import os
import subprocess
import sys
import venv
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).resolve().parent.parent
HOME = ROOT / ".venv"
CONSTRAINTS = ROOT / ".ci" / "constraints.txt"


EVERYTHING = "everything"
"""What an environment has that ``development`` made: it needs nothing else."""


def environment(extra: str = "") -> Path:
    """Return the environment's Python, with the project and its optional dependencies ``extra``.

    Every version is the one in .ci/constraints.txt.
    """
    python = _virtual_environment()
    if not (_installed(EVERYTHING) or _installed(extra or "reconcile")):
        _say("installing reconcile" + (f" with its {extra} tools" if extra else ""))
        _install(python, f"{ROOT}[{extra}]" if extra else str(ROOT))
        _stamp(extra or "reconcile").write_bytes(_pins())
    return python


def development() -> Path:
    """Return the environment's Python, with everything that ``.ci/run`` uses, checked by hash."""
    python = _virtual_environment()
    if not _installed(EVERYTHING):
        _say("installing reconcile with every tool; the first time takes some minutes")
        _pip(python, "--require-hashes", "--requirement", str(CONSTRAINTS))
        _pip(python, "--no-deps", "--no-build-isolation", "--editable", str(ROOT))
        _stamp(EVERYTHING).write_bytes(_pins())
    return python


def _virtual_environment() -> Path:
    if sys.version_info < (3, 11):  # noqa: UP036  (this file runs before pip can refuse)
        sys.exit("reconcile needs Python 3.11 or newer; this is " + sys.version.split()[0])
    python = HOME / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    if not python.exists():
        _say(f"making a virtual environment in {HOME}")
        try:
            venv.create(HOME, with_pip=True, clear=True)
        except (subprocess.CalledProcessError, OSError):
            sys.exit(
                "this Python cannot make virtual environments; "
                "on Debian and Ubuntu: apt-get install python3-venv"
            )
    return python


def _stamp(what: str) -> Path:
    return HOME / f"installed-{what}"


def _pins() -> bytes:
    return (ROOT / "pyproject.toml").read_bytes() + CONSTRAINTS.read_bytes()


def _installed(what: str) -> bool:
    return _stamp(what).exists() and _stamp(what).read_bytes() == _pins()


def _install(python: Path, what: str) -> None:
    with TemporaryDirectory() as folder:
        # pip cannot check hashes of a project in a folder, so only the versions are taken here;
        # ``development`` installs with the hashes.
        pinned = Path(folder) / "constraints.txt"
        lines = CONSTRAINTS.read_text(encoding="utf-8").splitlines()
        pins = [line.rstrip(" \\") for line in lines if line[:1].isalnum()]
        pinned.write_text("\n".join(pins), encoding="utf-8")
        _pip(python, "--editable", what, PIP_CONSTRAINT=str(pinned))


def _pip(python: Path, *arguments: str, **variables: str) -> None:
    command = [str(python), "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
    done = subprocess.run(  # noqa: S603
        [*command, *arguments], env=os.environ | variables, check=False
    )
    if done.returncode:
        sys.exit("installing failed; the lines above say why")


def _say(text: str) -> None:
    sys.stderr.write(f"{text} ...\n")
