"""The command line of `reconcile ci`."""

from typing import Any

import click


@click.group("ci")
def command() -> None:
    """Work with a CI service and its pull requests."""


@command.group("github")
def github() -> None:
    """Work with GitHub.

    The token is read from RECONCILE_GITHUB_TOKEN, or else from GITHUB_TOKEN; GITHUB_API_URL is the
    address of the API, https://api.github.com if it is not set.
    """


@github.command("check")
@click.option(
    "--repository",
    metavar="OWNER/NAME",
    help="The repository. Default: that of the job, GITHUB_REPOSITORY.",
)
@click.option(
    "--branch", metavar="NAME", help="The branch that merges go to. Default: the default branch."
)
@click.option(
    "--environment",
    default="hubspot-write",
    show_default=True,
    metavar="NAME",
    help="The environment that holds the token which can write to HubSpot.",
)
@click.option(
    "--check",
    default="reconcile",
    show_default=True,
    metavar="NAME",
    help="The required check, which is red if a pull request must not be merged.",
)
@click.option(
    "--detailed-exitcode",
    is_flag=True,
    help="Exit with 2 if a setting is off or cannot be seen.",
)
@click.option("--json", "as_json", is_flag=True, help="JSON for programs.")
def check(**given: Any) -> int:
    """Say which settings of a repository that reviews rely on are off.

    Reads rulesets, branch protection, the environment and the permissions of workflows, as far as
    the token may. Changes nothing.
    """
    from reconcile.cli import ci_check

    return ci_check.run(**given)
