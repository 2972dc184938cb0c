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
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

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
_AT_ONCE = 1 << 25
"""Bytes of files to ask for in one call."""
_COMMIT = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?")
_NAMES = ("user.name", "user.email", "author.name", "author.email")


class GitUnavailable(Exception):
    """Git is missing, refuses, or does not answer in time."""


class TreeEntry(NamedTuple):
    """One entry of a commit's tree: git's mode, type and object id."""

    mode: str
    type: str
    id: str

    @property
    def is_regular(self) -> bool:
        """Whether it is a file, neither a link nor a submodule."""
        return self.type == "blob" and self.mode.startswith("100")


def is_commit(text: str) -> bool:
    """Return whether a text is a full commit hash."""
    return bool(_COMMIT.fullmatch(text))


def commit(root: Path, environ: Mapping[str, str]) -> str:
    """Return the commit that is checked out at ``root``.

    It is empty outside a repository, and in one without a commit. Raise GitUnavailable.
    """
    code, out = _run(root, environ, "rev-parse", "--verify", "--quiet", "HEAD")
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
    code, out = _run(
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
    code, out = _run(root, environ, "rev-parse", "--show-toplevel")
    if code != 0:
        raise GitUnavailable("git does not say where the repository begins")
    return Path(os.fsdecode(out.removesuffix(b"\n"))).resolve()


def tree(folder: Path, commit: str, environ: Mapping[str, str]) -> dict[Path, TreeEntry]:
    """Return a commit's entries below a folder, by absolute path. Raise GitUnavailable."""
    code, out = _run(folder, environ, "ls-tree", "-r", "-z", commit)
    if code != 0:
        raise GitUnavailable("git cannot read the commit")
    found = {}
    for line in out.split(b"\0")[:-1]:
        about, _, name = line.partition(b"\t")
        mode, type_, id_ = about.decode("ascii", "replace").split(" ")
        found[folder / os.fsdecode(name)] = TreeEntry(mode, type_, id_)
    return found


def is_repository(root: Path) -> bool:
    """Return whether ``root`` is in a repository, whether or not git accepts that one."""
    return _top(root) is not None


def resolve(root: Path, ref: str, environ: Mapping[str, str]) -> str:
    """Return the commit that a name stands for; empty if there is none. Raise GitUnavailable."""
    commit(root, environ)  # raises if git refuses the repository
    if not ref or ref.startswith("-"):
        return ""
    _, out = _run(root, environ, "rev-parse", "--verify", "--quiet", f"{ref}^{{commit}}")
    found = out.decode("ascii", "replace").strip()
    return found if is_commit(found) else ""


def is_shallow(root: Path, environ: Mapping[str, str]) -> bool:
    """Return whether the clone around ``root`` lacks older commits. Raise GitUnavailable."""
    _, out = _run(root, environ, "rev-parse", "--is-shallow-repository")
    return out.strip() == b"true"


def sizes(folder: Path, ids: Sequence[str], environ: Mapping[str, str]) -> dict[str, int]:
    """Return the sizes of files by their ids.

    Raise GitUnavailable, also for a file that is not in this clone.
    """
    _, out = _run(folder, environ, "cat-file", "--batch-check", given=_lines(ids))
    found = [line.split() for line in out.splitlines()]
    if len(found) != len(ids) or any(line[1:2] != [b"blob"] for line in found):
        raise GitUnavailable("this clone does not have all files of the commit")
    return {id_: int(size) for id_, (_, _, size) in zip(ids, found, strict=True)}


def blobs(
    folder: Path, ids: Sequence[str], sizes: Mapping[str, int], environ: Mapping[str, str]
) -> Iterator[bytes]:
    """Yield the content of files as the repository has it. Raise GitUnavailable."""
    for some in _batches(ids, sizes):
        _, out = _run(folder, environ, "cat-file", "--batch", given=_lines(some))
        end = 0
        for id_ in some:
            begin = end + len(head := b"%s blob %d\n" % (id_.encode(), sizes[id_]))
            if out[end:begin] != head:
                raise GitUnavailable("git cannot read the files of the commit")
            end = begin + sizes[id_]
            yield out[begin:end]
            end += 1  # a line break


def _batches(ids: Sequence[str], sizes: Mapping[str, int]) -> Iterator[list[str]]:
    batch: list[str] = []
    total = 0
    for id_ in ids:
        if batch and total + sizes[id_] > _AT_ONCE:
            yield batch
            batch, total = [], 0
        batch.append(id_)
        total += sizes[id_]
    if batch:
        yield batch


def _lines(ids: Sequence[str]) -> bytes:
    return "".join(f"{id_}\n" for id_ in ids).encode()


def _run(
    folder: Path, environ: Mapping[str, str], *command: str, given: bytes = b""
) -> tuple[int, bytes]:
    """Run git in a folder with some input. Return its exit code and output.

    Raise GitUnavailable.
    """
    program = _program(folder, environ)
    if program is None:
        raise GitUnavailable("git is not installed")
    kept = {name: text for name, text in environ.items() if _KEPT.fullmatch(name)}
    try:
        done = subprocess.run(  # noqa: S603  (fixed arguments, no shell; see the module)
            [program, "-C", str(folder), *_SWITCHED_OFF, *command],
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
