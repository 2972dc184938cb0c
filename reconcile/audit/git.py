"""What git's files say of who works here and on which commit, read without running git.

The files are a repository's own and may hold anything: what is read of them is small, and only
what looks like a name or a commit is taken.
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

_LARGEST = 16 * 1024 * 1024
"""Bytes of a file that are looked at. Only packed-refs grows with the repository."""

_COMMIT = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?")
_REF = re.compile(r"refs/[A-Za-z0-9][\w.@/+-]*", re.ASCII)
_SECTION = re.compile(r"\s*\[\s*([\w.-]+)\s*(\"[^\"]*\")?\s*\]")
_SETTING = re.compile(r"\s*([A-Za-z][A-Za-z0-9-]*)\s*=(.*)")
_PIECE = re.compile(r'"((?:[^"\\]|\\.)*)"|\\(.)|([#;].*)|([^"\\#;]+)')


def is_commit(text: str) -> bool:
    """Whether a text is a commit's whole hash."""
    return bool(_COMMIT.fullmatch(text))


def commit(root: Path) -> str:
    """The commit that is checked out where ``root`` lies, or ``""``."""
    for folder, common in _repositories(root):
        head = _read(folder / "HEAD").strip()
        if is_commit(head):
            return head
        name = head.removeprefix("ref: ")
        if not _REF.fullmatch(name) or ".." in name:
            return ""
        for place in (folder, common):
            found = _read(place / name).strip()
            if is_commit(found):
                return found
        return _packed(common, name)
    return ""


def identity(root: Path, home: Path, environ: Mapping[str, str]) -> str:
    """``Ana <ana@example.com>`` as git would sign a commit made here, or ``""``."""
    files = [common / "config" for _, common in _repositories(root)]
    files += [home / ".gitconfig", _global(home, environ) / "git" / "config"]
    found = {"name": environ.get("GIT_AUTHOR_NAME"), "email": environ.get("GIT_AUTHOR_EMAIL")}
    for file in files:
        for name, value in user(_read(file)).items():
            found[name] = found.get(name) or value
    name, email = found["name"] or "", found["email"] or ""
    return f"{name} <{email}>" if name and email else name or email


def user(config: str) -> dict[str, str]:
    """``name`` and ``email`` of the section ``[user]`` in a git configuration."""
    found: dict[str, str] = {}
    inside = False
    for line in config.splitlines():
        rest = line
        if section := _SECTION.match(rest):
            inside = section[1].lower() == "user" and section[2] is None
            rest = rest[section.end() :]
        setting = _SETTING.fullmatch(rest)
        if inside and setting and setting[1].lower() in ("name", "email"):
            found[setting[1].lower()] = _unquoted(setting[2])
    return found


def _unquoted(text: str) -> str:
    """A setting's value: quotes and escapes undone, a comment left out."""
    pieces = []
    for quoted, escaped, comment, plain in _PIECE.findall(text.strip()):
        if comment:
            break
        pieces.append(re.sub(r"\\(.)", r"\1", quoted) or escaped or plain)
    return "".join(pieces).strip()


def _repositories(root: Path) -> Iterator[tuple[Path, Path]]:
    """The nearest repository's folder, and the one it shares with its other worktrees."""
    for place in (root, *root.parents):
        git = place / ".git"
        if git.is_dir():
            yield git, git
            return
        if git.is_file():
            text = _read(git).strip()
            if text.startswith("gitdir: "):
                folder = place / text.removeprefix("gitdir: ")
                shared = _read(folder / "commondir").strip()
                yield folder, folder / shared if shared else folder
            return


def _packed(common: Path, name: str) -> str:
    for line in _read(common / "packed-refs").splitlines():
        found, _, of = line.partition(" ")
        if of == name and is_commit(found):
            return found
    return ""


def _global(home: Path, environ: Mapping[str, str]) -> Path:
    return Path(environ.get("XDG_CONFIG_HOME") or home / ".config")


def _read(path: Path) -> str:
    try:
        if not path.is_file():
            return ""
        with path.open("rb") as file:
            return file.read(_LARGEST).decode(errors="replace")
    except (OSError, ValueError):
        return ""
