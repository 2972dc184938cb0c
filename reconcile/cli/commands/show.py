"""The command line of `reconcile show`."""

from pathlib import Path
from typing import Any

import click

from reconcile.cli.options import full_option, verbose_option


@click.command("show")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option(
    "--format",
    "form",
    type=click.Choice(("terminal", "markdown", "html", "json")),
    default="terminal",
    show_default=True,
    help="terminal as plan prints it; markdown for a pull request's comment or step summary, and "
    "html for a page with search and filters, both without personal data; json for programs.",
)
@full_option
@verbose_option
def command(**given: Any) -> None:
    """Show a plan that `plan --out FILE` saved."""
    from reconcile.cli import show

    show.run(**given)
