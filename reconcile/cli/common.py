"""What several commands share: settings, manifests, confirmation, and how to print."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path

import click

from reconcile.cli import next_command
from reconcile.errors import Problem, ReconcileError, UsageError
from reconcile.manifests.problems import choices
from reconcile.model.address import Address
from reconcile.model.kinds import kinds
from reconcile.model.values import show
from reconcile.project import Settings, load_settings
from reconcile.render.escaping import line_start, visible
from reconcile.render.output import wants_color


def settings_for(target: str | None) -> Settings:
    """Return the settings of the project in the current folder."""
    settings = load_settings(Path.cwd(), target=target, environ=os.environ)
    next_command.set_target(target if target is not None and not _is_default(target) else None)
    return settings


def _is_default(target: str) -> bool:
    """Return whether ``target`` is the one that is used if none is named."""
    try:
        return load_settings(Path.cwd(), target=None, environ=os.environ).target.name == target
    except ReconcileError:
        return False


def write_digest(digest: str) -> None:
    """Print a plan's content digest: it identifies what the plan does, for reviews."""
    click.echo(f"Content digest: {digest}", err=True)


def echo_warnings(warnings: Sequence[Problem], every: str) -> None:
    """Print warnings about manifests on stderr; ``every`` is the command that lists all of them."""
    if warnings:
        from reconcile.render.error_lines import format_warnings  # noqa: PLC0415  (if there are any)

        click.echo(format_warnings(warnings, every=every), err=True)


def absolute(paths: tuple[Path, ...]) -> tuple[Path, ...]:
    """Return PATHS of the command line as absolute ones."""
    return tuple(Path.cwd() / path for path in paths)


def addresses(texts: tuple[str, ...]) -> frozenset[Address]:
    """Parse addresses from the command line. Raises UsageError for a malformed one."""
    found = []
    for text in texts:
        try:
            address = Address.parse(text)
        except ValueError as error:
            raise UsageError(str(error)) from error
        if address.kind not in kinds():
            raise UsageError(
                f"{show(text)} does not name a known kind", hint=choices("kind", kinds())
            )
        found.append(address)
    return frozenset(found)


def shows_personal() -> bool:
    """Return whether to show personal data: on a person's terminal, never in a CI log."""
    return not os.environ.get("CI")


def colored() -> bool:
    """Return whether stdout gets colours."""
    return wants_color(sys.stdout, os.environ)


def echo(text: str) -> None:
    """Print a line that may hold text from HubSpot, escaped."""
    click.echo(line_start(visible(text)))


def confirm(question: str, *, otherwise: str = "add --auto-approve") -> bool:
    """Ask for a typed ``yes``: an interrupt, or the end of the input, means no.

    Raises UsageError, hinting at ``otherwise``, where nobody can answer.
    """
    if not sys.stdin.isatty():
        raise UsageError("cannot ask for confirmation: the input is not a terminal", hint=otherwise)
    try:
        answer: str = click.prompt(
            f"{question}\n  Only 'yes' is accepted", default="", show_default=False
        )
    except click.Abort:
        click.echo(err=True)  # end the line of the question
        return False
    return answer.strip() == "yes"
