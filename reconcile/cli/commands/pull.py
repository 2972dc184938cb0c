"""The command line of `reconcile pull`."""

from pathlib import Path
from typing import Any

import click

from reconcile.cli.options import lock_timeout_option, selection_options, target_option
from reconcile.errors import UsageError
from reconcile.model.values import show

KINDS = ("orders", "carts")

OF_NEW = (
    "everything",
    "ids",
    "where",
    "properties",
    "lines",
    "associations",
    "key",
    "into",
    "split",
)
OF_VALUES = ("select", "exclude", "dry_run", "reason", "lock_timeout")
"""The options that go with one of the two uses only, by parameter."""


def _names(_: click.Context, __: click.Parameter, given: str | None) -> tuple[str, ...] | None:
    return None if given is None else tuple(one.strip() for one in given.split(",") if one.strip())


@click.command("pull")
@click.argument("what", metavar="[orders|carts|ADDRESS...]", nargs=-1)
@target_option
@click.option(
    "--drift",
    is_flag=True,
    help="Write the values that others changed, which a plan leaves alone, into the manifests. "
    "Files and folders may follow: then only into these.",
)
@selection_options
@click.option(
    "--dry-run",
    is_flag=True,
    help="With --drift or ADDRESS: show the changed lines, and write nothing.",
)
@click.option(
    "--reason",
    default="",
    metavar="TEXT",
    help="With --drift or ADDRESS: the reason, for the audit log.",
)
@lock_timeout_option
@click.option("--all", "everything", is_flag=True, help="Pull all records that are not archived.")
@click.option(
    "--ids",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Pull the records with these ids, one on each line of FILE.",
)
@click.option(
    "--where", metavar="PROPERTY=VALUE", help="Pull the records whose PROPERTY has this VALUE."
)
@click.option(
    "--properties",
    callback=_names,
    metavar="NAMES",
    help="Declare these properties, separated by commas. Without it: those that can be written, "
    "are not personal, and that no integration keeps writing.",
)
@click.option(
    "--lines",
    callback=_names,
    metavar="NAMES",
    help="Declare the line items too, with these properties.",
)
@click.option(
    "--associations",
    callback=_names,
    metavar="NAMES",
    help="Declare the associations with these objects too, such as contact,company.",
)
@click.option(
    "--key",
    metavar="PROPERTY",
    help="Take keys from this property. Without it they are the records' ids.",
)
@click.option(
    "--into",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="FOLDER",
    help="Write into this folder. Without it: into the first one under `manifests:`.",
)
@click.option(
    "--split",
    metavar="month|NUMBER",
    default="1000",
    show_default=True,
    help="Write a file for each month of creation, or with NUMBER documents each.",
)
@click.pass_context
def command(context: click.Context, /, what: tuple[str, ...], **given: Any) -> int:
    """Write what HubSpot has into manifests. Nothing is written in HubSpot.

    pull orders, pull carts: new documents, for records that have none. Each adopts its record by
    id. A second run adds only what is new.

    pull ADDRESS..., pull --drift: HubSpot's values of declared properties into the documents that
    declare them. Everything else in the files stays as it is. ADDRESS, such as 'order/SHOP-5*',
    takes all that differs of these records; --drift takes what others changed of all records, but
    for associations.
    """
    drift = bool(given["drift"])
    of_new = not drift and len(what) == 1 and what[0] in KINDS
    _check(context, what, drift=drift, of_new=of_new)
    common = {"target": given["target"]}
    if of_new:
        from reconcile.cli import pull

        pull.run(kind=what[0], **common, **{name: given[name] for name in OF_NEW})
        return 0
    from reconcile.cli import pull_values

    more = {name: given[name] for name in OF_VALUES}
    return pull_values.run(words=what, drift=drift, **common, **more)


def _check(context: click.Context, what: tuple[str, ...], *, drift: bool, of_new: bool) -> None:
    """Raise UsageError for words and options that do not go together."""
    mixed = [one for one in what if one in KINDS and not of_new]
    if not (what or drift):
        raise UsageError(
            "say what to pull",
            hint="orders or carts, the addresses of declared records, or --drift",
        )
    if mixed and not drift:
        raise UsageError(
            f"{mixed[0]} cannot be combined with {'others' if len(mixed) > 1 else 'addresses'}",
            hint=f"run `reconcile pull {mixed[0]}` by itself",
        )
    for one in what if drift else ():
        if not Path(one).exists():
            raise UsageError(
                f"--drift takes files and folders of manifests, and {show(one)} is not there",
                hint="without --drift, `reconcile pull ADDRESS` takes all that differs of a record",
            )
    _check_options(context, drift=drift, of_new=of_new)


def _check_options(context: click.Context, *, drift: bool, of_new: bool) -> None:
    """Raise UsageError for options that do not go with what is pulled."""
    if not drift and (context.params["select"] or context.params["exclude"]):
        raise UsageError("--select and --exclude go only with `reconcile pull --drift`")
    for name in OF_VALUES if of_new else OF_NEW:
        source = context.get_parameter_source(name)
        if source is not click.core.ParameterSource.DEFAULT:
            option = next(one for one in context.command.params if one.name == name).opts[0]
            use = "ADDRESS or --drift" if of_new else "orders or carts"
            raise UsageError(f"{option} goes only with `reconcile pull` of {use}")
