"""Ask git for the author, the commit that is checked out, and the files of that commit.

Git is started with fixed arguments, and a repository must not be able to start another program:
only commands without hooks, filters, pager or transport are used, and what could start one
regardless is switched off. Git gets the environment variables that decide the author and where its
settings are, but none that points at another repository, and no token.

Git may be missing, refuse a repository of another owner, or not answer in time. Then
GitUnavailable is raised, and git's files are not read instead.
"""

import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

TIMEOUT = 10.0
"""Seconds that git may take. It reads local files only."""

_SWITCHED_OFF = (
    "--no-pager",
    "-c",
    "core.fsmonitor=",
    "-c",
    f"core.hooksPath={os.devnull}",
    # A folder in the tree that looks like a bare repository could bring settings of its own.
    "-c",
    "safe.bareRepository=explicit",
    # Attributes name what is run on files; the user's apply everywhere.
    "-c",
    f"core.attributesFile={os.devnull}",
)
_KEPT = re.compile(r"HOME|XDG_CONFIG_HOME|PATH|SUDO_UID|GIT_CONFIG(_.+)?")
"""Variables that git gets. GIT_CONFIG_… says where the user's settings are."""
_SET = {
    "LC_ALL": "C",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_NO_REPLACE_OBJECTS": "1",
    # A partial clone would fetch missing objects with a program that its settings name.
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_ALLOW_PROTOCOL": "",
}
_ALONE = {
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_ATTR_NOSYSTEM": "1",
}
"""Set for a bare repository of our own: no settings and attributes but those of ``git_dir``."""
_COMMIT = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?")
_NAMES = ("user.name", "user.email", "author.name", "author.email")


class GitUnavailable(Exception):
    """Git is missing, refuses, or does not answer in time."""


def is_commit(text: str) -> bool:
    """Return whether a text is a full commit hash."""
    return bool(_COMMIT.fullmatch(text))


def commit(root: Path, environ: Mapping[str, str]) -> str:
    """Return the commit that is checked out at ``root``.

    It is empty outside a repository, and in one without a commit. Raise GitUnavailable.
    """
    code, out = run(root, environ, "rev-parse", "--verify", "--quiet", "HEAD")
    found = out.decode("ascii", "replace").strip()
    if code == 0 and is_commit(found):
        return found
    if code == 1 or _top(root) is None:
        return ""
    raise GitUnavailable("git refuses the repository")


def identity(root: Path, environ: Mapping[str, str]) -> str:
    """Return ``Ana <ana@example.com>``, as git would sign a commit made here, or ``""``.

    Raise GitUnavailable.
    """
    commit(root, environ)  # git ignores the settings of a repository that it refuses
    code, out = run(
        root, environ, "config", "--null", "--get-regexp", r"^(user|author)\.(name|email)$"
    )
    if code not in (0, 1):
        raise GitUnavailable("git cannot read its settings")
    found = dict.fromkeys(_NAMES, "")
    for setting in out.decode(errors="replace").split("\0"):
        name, _, value = setting.partition("\n")  # the last value of a name counts
        if name in found:
            found[name] = value.strip()
    name = environ.get("GIT_AUTHOR_NAME") or found["author.name"] or found["user.name"]
    email = environ.get("GIT_AUTHOR_EMAIL") or found["author.email"] or found["user.email"]
    return f"{name} <{email}>" if name and email else name or email


def top(root: Path, environ: Mapping[str, str]) -> Path:
    """Return the top folder of the repository around ``root``. Raise GitUnavailable."""
    code, out = run(root, environ, "rev-parse", "--show-toplevel")
    if code != 0:
        raise GitUnavailable("git does not say where the repository begins")
    return Path(os.fsdecode(out.removesuffix(b"\n"))).resolve()


def prefix(root: Path, environ: Mapping[str, str]) -> str:
    """Return the path of ``root`` in its repository, with a slash at its end; empty at the top.

    Raise GitUnavailable.
    """
    return os.fsdecode(_answer(root, environ, "--show-prefix"))


def objects_folder(root: Path, environ: Mapping[str, str]) -> Path:
    """Return the absolute path of the repository's objects. Raise GitUnavailable."""
    found = _answer(root, environ, "--path-format=absolute", "--git-path", "objects")
    return Path(os.fsdecode(found))


def _answer(root: Path, environ: Mapping[str, str], *asked: str) -> bytes:
    code, out = run(root, environ, "rev-parse", *asked)
    if code != 0:
        raise GitUnavailable("git does not say where the repository is")
    return out.removesuffix(b"\n")


def is_repository(root: Path) -> bool:
    """Return whether ``root`` is in a repository, whether or not git accepts that one."""
    return _top(root) is not None


def resolve(root: Path, ref: str, environ: Mapping[str, str]) -> str:
    """Return the commit that a name stands for; empty if there is none. Raise GitUnavailable."""
    commit(root, environ)  # raises if git refuses the repository
    if not ref or ref.startswith("-"):
        return ""
    _, out = run(root, environ, "rev-parse", "--verify", "--quiet", f"{ref}^{{commit}}")
    found = out.decode("ascii", "replace").strip()
    return found if is_commit(found) else ""


def is_shallow(root: Path, environ: Mapping[str, str]) -> bool:
    """Return whether the clone around ``root`` lacks older commits. Raise GitUnavailable."""
    _, out = run(root, environ, "rev-parse", "--is-shallow-repository")
    return out.strip() == b"true"


def run(
    folder: Path,
    environ: Mapping[str, str],
    *command: str,
    given: bytes = b"",
    git_dir: Path | None = None,
) -> tuple[int, bytes]:
    """Run git in a folder with some input. Return its exit code and output.

    ``git_dir`` is a bare repository that was made for this run, to be used in place of the one
    around the folder. Then git gets nobody's settings or attributes. Raise GitUnavailable.
    """
    program = _program(folder, environ)
    if program is None:
        raise GitUnavailable("git is not installed")
    kept = {name: text for name, text in environ.items() if _KEPT.fullmatch(name)}
    place = folder
    if git_dir is not None:
        kept = {"PATH": environ.get("PATH", os.defpath), "GIT_DIR": str(git_dir), **_ALONE}
        place = git_dir
    try:
        done = subprocess.run(  # noqa: S603  (fixed arguments, no shell; see the module)
            [program, "-C", str(place), *_SWITCHED_OFF, *command],
            input=given,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=kept | _SET,
            timeout=TIMEOUT,
            check=False,
        )
    except (OSError, ValueError, subprocess.TimeoutExpired) as error:
        raise GitUnavailable("git does not answer") from error
    return done.returncode, done.stdout


def _program(root: Path, environ: Mapping[str, str]) -> str | None:
    """Return the path of git, or None. It is never one inside the repository."""
    inside = _top(root) or root
    folders = [
        text
        for text in environ.get("PATH", os.defpath).split(os.pathsep)
        if Path(text).is_absolute() and not Path(text).resolve().is_relative_to(inside)
    ]
    return shutil.which("git", path=os.pathsep.join(folders))


def _top(root: Path) -> Path | None:
    """Return the nearest folder, upwards, with a ``.git``, or None."""
    return next((place for place in (root, *root.parents) if os.path.lexists(place / ".git")), None)
