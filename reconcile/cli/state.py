"""`reconcile state`: what was last applied, and work on it by hand."""

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from secrets import token_bytes

import click

from reconcile.audit.actor import origin
from reconcile.audit.log import AuditLog
from reconcile.audit.recording import surgery
from reconcile.cli.common import (
    addresses,
    colored,
    confirm,
    settings_for,
    target_option,
    who,
)
from reconcile.config import Settings, may_be_named, variable_of
from reconcile.config.editing import name_store
from reconcile.errors import UsageError
from reconcile.manifests.files import PROJECT_FILE
from reconcile.model.address import Address
from reconcile.model.audit import Origin
from reconcile.model.records import LastApplied
from reconcile.render.rows import Line, plain
from reconcile.render.safe import visible
from reconcile.render.text import write_lines
from reconcile.render.words import plural
from reconcile.session import open_home
from reconcile.stores.contract import LockInfo, Store
from reconcile.stores.key import find_key
from reconcile.stores.moving import move, require_no_strangers, require_room
from reconcile.stores.opening import open_store
from reconcile.stores.state import State


@click.group("state")
def command() -> None:
    """What was last applied, record by record: ids and keyed hashes, no order data.

    It tells your changes from other people's, and finds a record whose key was cleared.
    """


@command.command("list")
@target_option
@click.option("--json", "as_json", is_flag=True, help="One line of JSON for each record.")
def list_(*, target: str | None, as_json: bool) -> None:
    """List the managed records with their HubSpot ids."""
    settings = settings_for(target)
    with open_home(settings, os.environ) as store:
        for _, address, entry in sorted(_state(settings, store).entries(), key=lambda e: e[:2]):
            named = Address(address.kind, entry.key)
            if as_json:
                click.echo(json.dumps({"address": str(named), "id": entry.id}))
            else:
                click.echo(f"{visible(str(named))}  {visible(entry.id)}")


@command.command("show")
@target_option
@click.argument("address", metavar="ADDRESS")
def show(*, target: str | None, address: str) -> None:
    """Show what is remembered of one record."""
    (wanted,) = addresses((address,))
    settings = settings_for(target)
    with open_home(settings, os.environ) as store:
        found = [e for _, a, e in _state(settings, store).entries() if a == wanted.folded()]
    if not found:
        raise UsageError(f"the state knows no {visible(address)}", hint="see `state list`")
    write_lines(_entry(Address(wanted.kind, found[0].key), found[0]), sys.stdout, color=colored())


@command.command("rm")
@target_option
@click.argument("records", metavar="ADDRESS...", nargs=-1, required=True)
@click.option("--auto-approve", is_flag=True, help="Do not ask.")
@click.option("--reason", default="", metavar="TEXT", help="Why, for the audit log.")
def remove(*, target: str | None, records: tuple[str, ...], auto_approve: bool, reason: str) -> int:
    """Forget records. In HubSpot nothing changes; the next plan adopts them anew.

    To stop managing one for good, say `lifecycle: {state: forget}` in its manifest instead.
    """
    wanted = {address.folded() for address in addresses(records)}
    settings = settings_for(target)
    with open_home(settings, os.environ) as store, _locked(store, "state rm"):
        state = _state(settings, store)
        found = {a: u for u, a, _ in state.entries() if a in wanted}
        if missing := sorted(str(a) for a in wanted - found.keys()):
            raise UsageError(f"the state knows no {', '.join(missing)}", hint="see `state list`")
        if not (auto_approve or confirm(f"Forget {plural(len(found), 'record')}?")):
            click.echo("Nothing was forgotten.", err=True)
            return 1
        for address, unit in found.items():
            state.drop(unit, address)
        event = surgery("state rm", _origin(settings, reason), addresses=sorted(found))
        state.audit = AuditLog(store).append([event], state.audit)
        state.flush()
    click.echo(f"Forgot {plural(len(found), 'record')}.")
    return 0


@command.command("push")
@target_option
@click.argument("url", metavar="URL")
@click.option("--reason", default="", metavar="TEXT", help="Why, for the audit log.")
def push(*, target: str | None, url: str, reason: str) -> None:
    """Move the state, its journals and its audit log from this target's store to URL.

    URL may be '${env:NAME}', and must be for PostgreSQL. It becomes the `store:` of reconcile.yaml,
    unless there are several targets: then move each first, and name it yourself.
    """
    settings = settings_for(target)
    with open_home(settings, os.environ) as here, _other(url, settings) as there:
        _move(settings, here, there, "state push", reason)
    if may_be_named(url) and name_store(settings.root, url):
        click.echo(f"{PROJECT_FILE} names it.")
    else:
        click.echo(f"Name it as `store:` in {PROJECT_FILE} once every target is there.", err=True)


@command.command("pull")
@target_option
@click.argument("url", metavar="URL")
@click.option("--reason", default="", metavar="TEXT", help="Why, for the audit log.")
def pull(*, target: str | None, url: str, reason: str) -> None:
    """Move the state, its journals and its audit log from URL to this target's store.

    URL is what reconcile.yaml named before, or '${env:NAME}'; file: is the folder state/TARGET.
    """
    settings = settings_for(target)
    with open_home(settings, os.environ) as here, _other(url, settings) as there:
        _move(settings, there, here, "state pull", reason)


def _move(settings: Settings, source: Store, target: Store, what: str, reason: str) -> None:
    if source.where == target.where:
        raise UsageError("that is the store the state is in already")
    require_no_strangers(target)
    with _locked(source, what), _locked(target, what):
        require_room(source, target)
        state = _state(settings, source)
        event = surgery(what, _origin(settings, reason))
        state.audit = AuditLog(source).append([event], state.audit)
        state.flush()
        move(source, target)
    click.echo(f"The state is in {visible(target.where)} now; {visible(source.where)} says so.")


def _origin(settings: Settings, reason: str) -> Origin:
    return origin(os.environ, settings.root, reason)


def _state(settings: Settings, store: Store) -> State:
    """The state as it is. Without the key its ids and names can be read all the same."""
    return State(store, find_key(settings.home, os.environ) or token_bytes(32))


@contextmanager
def _other(url: str, settings: Settings) -> Iterator[Store]:
    variable = variable_of(url)
    if variable and not os.environ.get(variable):
        raise UsageError(f"{variable} is not set")
    store = open_store(os.environ[variable] if variable else url, settings.home)
    try:
        yield store
    finally:
        store.close()


@contextmanager
def _locked(store: Store, doing: str) -> Iterator[None]:
    since = datetime.now(UTC).isoformat(timespec="seconds")
    with store.lock(LockInfo(who(), since, doing)):
        yield


def _entry(address: Address, entry: LastApplied) -> Iterator[Line]:
    yield plain(visible(str(address)), "heading")
    yield plain(f"id          {visible(entry.id)}", indent=2)
    if entry.parent:
        yield plain(f"parent      {visible(str(entry.parent))}", indent=2)
    if entry.protect:
        yield plain("protected   yes", indent=2)
    for link in sorted(entry.links):
        type_ = f"{link.category} {link.type_id}"
        yield plain(
            f"associated  {visible(link.to)} {visible(link.id)} ({visible(type_)})", indent=2
        )
    names = ", ".join(sorted(entry.marks)) if entry.whole else "none that can be compared"
    yield plain(f"properties  {visible(names)}", indent=2)
    yield plain(f"run         {visible(entry.run or 'unknown')}", indent=2)
