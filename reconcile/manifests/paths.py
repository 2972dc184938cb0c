"""Where paths end, and the links on the way that lead out of a project."""

import os
from pathlib import Path


def resolve_links(path: Path) -> Path:
    """Return where a path ends behind all symbolic links, whether or not anything is there."""
    return Path(os.path.realpath(path))


def escaping_link(path: Path, root: Path) -> Path | None:
    """Return the link in ``root`` by which a path leaves it, or None where there is none.

    A path that lies outside by its own words goes through no such link.
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
    """Return a path as a message shows it."""
    name = path.as_posix()
    return name if name.isprintable() else ascii(name)[1:-1]
