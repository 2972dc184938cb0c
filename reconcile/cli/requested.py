"""The options --tree and --trusted-ref of a command: a pull request, read from git's objects."""

import os
from collections.abc import Mapping
from pathlib import Path

import click

from reconcile.cli import next_command
from reconcile.errors import UsageError
from reconcile.render.escaping import visible
from reconcile.selecting.request import Requested, read_request


def requested(
    tree: str | None, trusted_ref: str | None, target: str | None, beside: Mapping[str, object]
) -> Requested | None:
    """Return the pull request that the options name; None without them.

    ``beside`` are the options, by name, that say what to read or select otherwise. Print what could
    not be compared. Raise UsageError for such an option, one without the other, and what
    ``read_request`` raises.
    """
    if tree is None and trusted_ref is None:
        return None
    if not tree or not trusted_ref:
        raise UsageError(
            "--tree and --trusted-ref belong together: the commit to plan, and the one it is to be "
            "merged into",
            hint="give both, as in --tree $HEAD_COMMIT --trusted-ref origin/main",
        )
    for name, given in beside.items():
        if given:
            raise UsageError(
                f"{name} cannot be combined with --tree, which plans what a request changes",
                hint=f"omit {name}",
            )
    found = read_request(Path.cwd(), tree, trusted_ref, target=target, environ=os.environ)
    next_command.set_target(target)
    for note in found.selection.notes:
        click.echo(f"warning: {visible(note)}", err=True)
    return found
