"""Options and arguments that several commands share. Imports nothing that takes time."""

import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from reconcile.cli import next_command
from reconcile.model.policy import ALLOWED, HELD, LIMITS
from reconcile.model.values import show

Command = TypeVar("Command", bound=Callable[..., Any])


def target_option(command: Command) -> Command:
    """``--target NAME``."""
    return click.option(
        "--target", metavar="NAME", help="Which target of reconcile.yaml to work on."
    )(command)


def paths_argument(command: Command) -> Command:
    """``[PATHS]...``: manifests other than the project file's."""
    return click.argument(
        "paths",
        nargs=-1,
        type=click.Path(path_type=Path),
        metavar="[PATHS]...",
        callback=_read_again,
    )(command)


def _read_again(_: click.Context, __: click.Parameter, paths: tuple[Path, ...]) -> tuple[Path, ...]:
    """Store the paths, so that commands in messages name the same manifests."""
    next_command.set_paths(paths)
    return paths


def selection_options(command: Command) -> Command:
    """``--select SELECTOR`` and ``--exclude SELECTOR``."""
    select = click.option(
        "--select",
        multiple=True,
        metavar="SELECTOR",
        help="Only these orders and carts: by address, where * stands for any text "
        "('order/SHOP-5*'), by kind (cart), or by what is declared otherwise than in a commit "
        "(changed:origin/main). Can be given several times.",
    )
    exclude = click.option(
        "--exclude",
        multiple=True,
        metavar="SELECTOR",
        help="All but these orders and carts. Can be given several times.",
    )
    return select(exclude(command))


def request_options(command: Command) -> Command:
    """``--tree COMMIT`` and ``--trusted-ref REF``."""
    tree = click.option(
        "--tree",
        metavar="COMMIT",
        help="A pull request's last commit, read from git without a checkout: only what its merge "
        "into --trusted-ref changes.",
    )
    trusted = click.option(
        "--trusted-ref",
        metavar="REF",
        help="The branch to merge into, as in origin/main. With --tree; reconcile.yaml is this "
        "branch's, not the request's.",
    )
    return tree(trusted(command))


def sources_option(command: Command) -> Command:
    """``--no-sources``."""
    return click.option(
        "--no-sources",
        is_flag=True,
        help="Read no property histories, which name the users, integrations and workflows that "
        "changed values in HubSpot.",
    )(command)


def recreate_option(command: Command) -> Command:
    """``--recreate ADDRESS``."""
    return click.option(
        "--recreate",
        multiple=True,
        metavar="ADDRESS",
        help="Create this record again although its HubSpot record is archived, merged or gone "
        "(order/KEY). Can be given several times.",
    )(command)


def prune_option(command: Command) -> Command:
    """``--prune``."""
    return click.option(
        "--prune",
        is_flag=True,
        help="Archive the managed records that no manifest declares any more, but never protected "
        "ones.",
    )(command)


def full_option(command: Command) -> Command:
    """``--full``."""
    return click.option(
        "--full",
        is_flag=True,
        help="List every record; without it a plan beyond a screenful groups equal changes.",
    )(command)


def verbose_option(command: Command) -> Command:
    """``--verbose``."""
    return click.option(
        "--verbose",
        is_flag=True,
        help="List the records that are adopted as they are, too; without it they are counted.",
    )(command)


def allow_option(command: Command) -> Command:
    """``--allow NAME=NUMBER``."""
    return click.option(
        "--allow",
        multiple=True,
        metavar="NAME=NUMBER",
        callback=_allowances,
        help=f"Let in what the plan holds back: {', '.join(HELD)}, with the number of records that "
        "the plan shows; drift=NUMBER puts back what others changed, of at most so many records; "
        f"{', '.join(LIMITS)} pass a limit. Can be given several times.",
    )(command)


def _allowances(
    _: click.Context, option: click.Parameter, given: tuple[str, ...]
) -> tuple[str, ...]:
    """Check that each is a name with a number. Raises BadParameter if not."""
    for text in given:
        name, _equals, number = text.partition("=")
        if name not in ALLOWED:
            message = f"{show(name)} is not one of {', '.join(ALLOWED)}"
        elif re.fullmatch(r"[1-9][0-9]{0,14}", number):
            continue
        else:
            message = f"write {name}= and the number of records that the plan shows"
        raise click.BadParameter(message, param=option)
    if twice := sorted(
        name for name, n in Counter(one.partition("=")[0] for one in given).items() if n > 1
    ):
        raise click.BadParameter(f"{twice[0]} is given twice", param=option)
    return given


def json_option(command: Command) -> Command:
    """``--json``."""
    return click.option(
        "--json",
        "as_json",
        is_flag=True,
        help="JSON for programs: the result, or else every problem with its location.",
    )(command)


def lock_timeout_option(command: Command) -> Command:
    """``--lock-timeout SECONDS``."""
    return click.option(
        "--lock-timeout",
        type=click.FloatRange(min=0),
        default=0.0,
        metavar="SECONDS",
        help="Wait up to SECONDS for another run to end. Default: do not wait.",
    )(command)


def running_options(command: Command) -> Command:
    """Add the options of every command that carries out a plan."""
    options = (
        lock_timeout_option,
        click.option(
            "--on-error",
            type=click.Choice(("continue", "halt")),
            default="continue",
            show_default=True,
            help="What to do when a record cannot be written as planned: continue with the others, "
            "or begin nothing more.",
        ),
        click.option("--reason", default="", metavar="TEXT", help="The reason, for the audit log."),
        click.option(
            "--accept-local-store",
            is_flag=True,
            help="In CI: accept that state kept on this machine is lost with it.",
        ),
    )
    for option in reversed(options):
        command = option(command)
    return command
