"""The command line of `reconcile state`."""

from typing import Any

import click

from reconcile.cli.options import lock_timeout_option, target_option


@click.group("state")
def command() -> None:
    """Inspect, edit or move the state: what was last applied, as ids and keyed hashes.

    The state separates your changes from other people's, and finds a record whose key was cleared.
    """


@command.command("list")
@target_option
@click.option("--json", "as_json", is_flag=True, help="One line of JSON for each record.")
def list_(**given: Any) -> None:
    """List the managed records with their HubSpot ids."""
    from reconcile.cli import state

    state.list_(**given)


@command.command("show")
@target_option
@click.argument("address", metavar="ADDRESS")
def show(**given: Any) -> None:
    """Show the state's entry for one record."""
    from reconcile.cli import state

    state.show(**given)


@command.command("rm")
@target_option
@click.argument("records", metavar="ADDRESS...", nargs=-1, required=True)
@click.option("--auto-approve", is_flag=True, help="Do not ask before forgetting.")
@click.option("--reason", default="", metavar="TEXT", help="The reason, for the audit log.")
@lock_timeout_option
def remove(**given: Any) -> int:
    """Remove records from the state. HubSpot does not change; the next plan adopts them again.

    To stop managing one for good, write `lifecycle: {state: forget}` in its manifest instead.
    """
    from reconcile.cli import state

    return state.remove(**given)


@command.command("mv")
@target_option
@click.argument("old", metavar="OLD")
@click.argument("new", metavar="NEW")
@click.option("--dry-run", is_flag=True, help="Show the changed lines, and write nothing.")
def move(**given: Any) -> None:
    """Rename a record in the manifests: order/OLD-KEY becomes order/NEW-KEY.

    Writes its new key, moved_from, and the references to it by key; nothing else in the files
    changes. The state and HubSpot do not change either: the next apply renames the record there.
    """
    from reconcile.cli import state_mv

    state_mv.move(**given)


@command.command("push")
@target_option
@click.argument("url", metavar="URL")
@click.option("--reason", default="", metavar="TEXT", help="The reason, for the audit log.")
@lock_timeout_option
def push(**given: Any) -> None:
    """Move the state, its journals and its audit log from this target's store to URL.

    URL may be '${env:NAME}', and must be for PostgreSQL. It becomes the `store:` of reconcile.yaml,
    unless there are several targets: then move each first, and name it yourself.

    Both stores are locked meanwhile. If it is interrupted, run it again: it completes the move.
    After a kill a shared store stays locked for up to 60 seconds; --lock-timeout 90 waits for that.

    Credentials come from the environment: AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_REGION
    and AWS_ENDPOINT_URL; AZURE_STORAGE_ACCOUNT_NAME and AZURE_STORAGE_ACCOUNT_KEY;
    GOOGLE_APPLICATION_CREDENTIALS; PGPASSWORD.
    """
    from reconcile.cli import state

    state.push(**given)


@command.command("pull")
@target_option
@click.argument("url", metavar="URL")
@click.option("--reason", default="", metavar="TEXT", help="The reason, for the audit log.")
@lock_timeout_option
def pull(**given: Any) -> None:
    """Move the state, its journals and its audit log from URL to this target's store.

    URL is what reconcile.yaml named before, or '${env:NAME}'; file: is the folder state/TARGET.

    Both stores are locked meanwhile. If it is interrupted, run it again: it completes the move.
    After a kill a shared store stays locked for up to 60 seconds; --lock-timeout 90 waits for that.
    """
    from reconcile.cli import state

    state.pull(**given)
