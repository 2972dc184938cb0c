"""The command line of `reconcile resume`."""

from typing import Any

import click

from reconcile.cli.options import running_options, target_option


@click.command("resume")
@target_option
@running_options
def command(**given: Any) -> int:
    """Resume an interrupted run.

    Its in-doubt writes are resolved by reading; then the rest of its plan is carried out, with the
    same checks as before. Completed changes are not repeated.
    """
    from reconcile.cli import resume

    return resume.run(**given)
