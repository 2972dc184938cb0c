"""The command line of `reconcile drift`."""

from typing import Any

import click

from reconcile.cli.options import paths_argument, selection_options, sources_option, target_option


@click.command("drift")
@paths_argument
@target_option
@selection_options
@click.option(
    "--format",
    "form",
    type=click.Choice(("terminal", "markdown", "json")),
    default="terminal",
    show_default=True,
    help="markdown for a job's summary, without personal data; json for programs.",
)
@click.option(
    "--detailed-exitcode", is_flag=True, help="Exit with 2 when others changed something."
)
@sources_option
def command(**given: Any) -> int:
    """Show what others changed in HubSpot, by property and by who or what changed it.

    Only declared properties and associations count. Writes nothing, in HubSpot or in the state.

    PATHS are files or folders of manifests; without them the project file says where they are.
    """
    from reconcile.cli import drift

    return drift.run(**given)
