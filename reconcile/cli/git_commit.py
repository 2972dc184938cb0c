"""The commit that a plan is made at, and whether the files read match that commit."""

import os
from pathlib import Path

import click

from reconcile.audit.git import is_commit
from reconcile.audit.source import FilesRead
from reconcile.manifests.files import PROJECT_FILE, defaults_above, is_manifest
from reconcile.model.source import Files, Source
from reconcile.project import Settings
from reconcile.render.escaping import visible

_FILES = {
    Files.SAME: "",
    Files.DIFFER: ", but the files read differ from it",
    Files.UNKNOWN: ", whose files could not be compared with those read",
}


def files_read(settings: Settings, commit: str) -> FilesRead:
    """Return the collector for the manifests as they are read; it has the project file already.

    The project file is read once more for it. ``commit`` is checked out.
    """
    read = FilesRead(settings.root, commit, os.environ)
    file = settings.root / PROJECT_FILE
    if settings.has_file and file.is_file():
        read.add(file, file.read_bytes())
    return read


def source_of(read: FilesRead, settings: Settings, paths: tuple[Path, ...] = ()) -> Source:
    """Return where the files come from that a plan of ``paths``, or of the project, was made of."""
    given = [*settings.manifests, *(Path.cwd() / path for path in paths)]
    manifests = [path.resolve() for path in given]
    defaults = (one for path in manifests for one in defaults_above(path, settings.root))
    tops = {settings.root / PROJECT_FILE, *manifests, *defaults}
    return read.source(lambda path: is_manifest(path, tops))


def write_source(source: Source) -> None:
    """Print the commit that a plan was made at; nothing outside git."""
    if source.request is not None:
        head, base = source.request.head[:12], source.request.base[:12]
        click.echo(f"Planned from commits: {visible(head)}, merged into {visible(base)}", err=True)
    elif is_commit(source.commit):
        click.echo(f"Planned at commit {source.commit[:12]}{_FILES[source.files]}", err=True)
    elif source.commit:
        click.echo("Planned at an unknown commit: it cannot be read from git", err=True)
