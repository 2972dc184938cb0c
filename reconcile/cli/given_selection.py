"""The options --select and --exclude of a command."""

import os
from pathlib import Path

import click

from reconcile.cli.common import absolute
from reconcile.project import Settings
from reconcile.project.declared import Declared
from reconcile.render.escaping import visible
from reconcile.selecting.reading import read_selection
from reconcile.selecting.selectors import Selection


def selection_for(
    select: tuple[str, ...],
    exclude: tuple[str, ...],
    settings: Settings,
    declared: Declared,
    paths: tuple[Path, ...],
) -> Selection | None:
    """Return what the options select of what is declared, also in PATHS; None without them.

    Print what cannot be compared. Raise UsageError for what is not a selector.
    """
    selection = read_selection(
        select,
        exclude,
        settings=settings,
        declared=declared,
        environ=os.environ,
        paths=absolute(paths),
    )
    for note in selection.notes if selection else ():
        click.echo(f"warning: {visible(note)}", err=True)
    return selection
