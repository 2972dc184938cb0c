"""A virtual environment with the project in it, made with nothing but Python.

Used by ``examples/demo.py`` and ``tests/run.py``, so that a fresh clone needs no other step.
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


def environment(extra: str = "") -> Path:
    """The environment's Python, with the project and its optional dependencies ``extra`` in it.

    Every version is the one in .ci/constraints.txt.
    """
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
    stamp = HOME / f"installed-{extra or 'reconcile'}"
    pins = (ROOT / "pyproject.toml").read_bytes() + CONSTRAINTS.read_bytes()
    if not stamp.exists() or stamp.read_bytes() != pins:
        _say("installing reconcile" + (f" with its {extra} tools" if extra else ""))
        _install(python, f"{ROOT}[{extra}]" if extra else str(ROOT))
        stamp.write_bytes(pins)
    return python


def _install(python: Path, what: str) -> None:
    with TemporaryDirectory() as folder:
        # pip cannot check hashes of a project in a folder, so only the versions are taken here;
        # .ci/run installs with the hashes.
        pinned = Path(folder) / "constraints.txt"
        lines = CONSTRAINTS.read_text(encoding="utf-8").splitlines()
        pins = [line.rstrip(" \\") for line in lines if line[:1].isalnum()]
        pinned.write_text("\n".join(pins), encoding="utf-8")
        command = [str(python), "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
        done = subprocess.run(  # noqa: S603
            [*command, "--editable", what],
            env=os.environ | {"PIP_CONSTRAINT": str(pinned)},
            check=False,
        )
    if done.returncode:
        sys.exit("installing failed; the lines above say why")


def _say(text: str) -> None:
    sys.stderr.write(f"{text} ...\n")
