"""Paths: symbolic links resolved, links that lead out of a project, display names."""

import os
from pathlib import Path


def resolve_links(path: Path) -> Path:
    """Return a path with all symbolic links resolved, whether or not it exists."""
    return Path(os.path.realpath(path))


def escaping_link(path: Path, root: Path) -> Path | None:
    """Return the link in ``root`` through which a path leaves it, or None if there is none.

    A path that is outside without following a link has no such link.
    """
    inside = resolve_links(root)
    for part in (*reversed(path.absolute().parents), path.absolute()):
        if (
            part.is_symlink()
            and resolve_links(part.parent).is_relative_to(inside)
            and not resolve_links(part).is_relative_to(inside)
        ):
            return part
    return None


def display_path(path: Path) -> str:
    """Return a path as messages show it, with control characters escaped."""
    name = path.as_posix()
    return name if name.isprintable() else ascii(name)[1:-1]
