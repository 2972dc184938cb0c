"""`reconcile show`."""

import sys
from pathlib import Path

import click

from reconcile.cli.common import colored, shows_personal, write_digest
from reconcile.cli.git_commit import write_source
from reconcile.cli.json_output import write_json
from reconcile.plan_files import read_plan


def run(file: Path, form: str) -> None:
    """Run `reconcile show`."""
    made, digest = read_plan(file)
    match form:
        case "markdown":
            from reconcile.render.markdown import markdown  # noqa: PLC0415

            click.echo(markdown(made, digest=digest), nl=False)
        case "json":
            from reconcile.render.json_plan import to_json  # noqa: PLC0415

            write_json(to_json(made, personal=shows_personal(), digest=digest))
        case _:
            from reconcile.render.output import write_plan  # noqa: PLC0415

            write_plan(made, sys.stdout, personal=shows_personal(), color=colored())
            write_digest(digest)
            write_source(made.source)
