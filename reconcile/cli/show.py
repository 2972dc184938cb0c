"""`reconcile show`."""

import os
import sys
from contextlib import suppress
from pathlib import Path

import click

from reconcile.cli.common import colored, shows_personal, write_digest
from reconcile.cli.cost import estimate
from reconcile.cli.git_commit import write_source
from reconcile.errors import UsageError
from reconcile.model.digest import Hasher
from reconcile.model.plan import Plan
from reconcile.plan_files import read_plan
from reconcile.planning.effect_digests import require_effects
from reconcile.project import load_settings
from reconcile.state.hash_key import find_key


def run(file: Path, form: str, *, full: bool, verbose: bool) -> None:
    """Run `reconcile show`."""
    made, digest = read_plan(file)
    key = _key(made) if made.keyed else None
    if key is not None:
        require_effects(made, Hasher(key))
    match form:
        case "markdown":
            from reconcile.render.markdown import markdown  # noqa: PLC0415

            cost = f"{says}." if (says := estimate(made)) else ""
            click.echo(markdown(made, digest=digest, cost=cost), nl=False)
        case "html":
            from reconcile.render.html_report import html_report  # noqa: PLC0415

            page = "".join(html_report(made, digest=digest))
            click.echo(page.encode(), nl=False)  # it says that it is UTF-8
        case "json":
            from reconcile.render.json_plan import to_json  # noqa: PLC0415

            click.echo(to_json(made, personal=shows_personal(), digest=digest), nl=False)
        case _:
            from reconcile.render.output import write_plan  # noqa: PLC0415

            write_plan(
                made,
                sys.stdout,
                personal=shows_personal(),
                color=colored(),
                full=full,
                verbose=verbose,
            )
            write_digest(digest)
            if made.keyed and key is None:
                click.echo(
                    "The digest was not checked against the changes: the state's key is not here. "
                    "apply checks it.",
                    err=True,
                )
            write_source(made.source)


def _key(made: Plan) -> bytes | None:
    """Return the key of the state of a plan's target, where it is known here."""
    with suppress(UsageError):  # no project here, or none with that target
        settings = load_settings(Path.cwd(), target=made.target.name, environ=os.environ)
        return find_key(settings.local_folder, os.environ)
    return None
