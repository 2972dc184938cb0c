"""`reconcile state`: list, show, remove and move what was last applied."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from secrets import token_bytes

import click

from reconcile.audit.actor import origin
from reconcile.audit.events import state_edited
from reconcile.audit.log import AuditLog
from reconcile.cli.common import (
    addresses,
    colored,
    confirm,
    settings_for,
)
from reconcile.cli.store_access import locked, store_at
from reconcile.errors import UsageError
from reconcile.manifests.files import PROJECT_FILE
from reconcile.model.address import Address
from reconcile.model.audit import Origin
from reconcile.model.records import LastApplied
from reconcile.project import Settings, allowed_in_project_file
from reconcile.render.escaping import visible
from reconcile.render.json_text import json_line
from reconcile.render.output import write_lines
from reconcile.render.phrasing import plural
from reconcile.render.styled_lines import Line, plain
from reconcile.session import open_target_store
from reconcile.state.hash_key import find_key
from reconcile.state.head import require_writable
from reconcile.state.migrate import move, require_movable
from reconcile.state.state import State
from reconcile.stores.contract import Store

LISTED_VERSION = "1.0"
"""The ``format_version`` of the lines of `state list --json`."""


def list_(*, target: str | None, as_json: bool) -> None:
    """Run `reconcile state list`."""
    settings = settings_for(target)
    with open_target_store(settings, os.environ) as store:
        found = sorted(_state(settings, store).entries(), key=lambda e: e[:2])
        if not found:
            name = visible(settings.target.name)
            click.echo(f"The state of target {name} is empty: no record is managed.", err=True)
        for _, address, entry in found:
            named = Address(address.kind, entry.key)
            if as_json:
                data = {"address": str(named), "id": entry.id}
                click.echo(json_line(LISTED_VERSION, data))
            else:
                click.echo(f"{visible(str(named))}  {visible(entry.id)}")


def show(*, target: str | None, address: str) -> None:
    """Run `reconcile state show`."""
    (wanted,) = addresses((address,))
    settings = settings_for(target)
    with open_target_store(settings, os.environ) as store:
        found = [e for _, a, e in _state(settings, store).entries() if a == wanted.folded()]
    if not found:
        raise UsageError(f"not in the state: {visible(address)}", hint="see `reconcile state list`")
    write_lines(_entry(Address(wanted.kind, found[0].key), found[0]), sys.stdout, color=colored())


def remove(
    *,
    target: str | None,
    records: tuple[str, ...],
    auto_approve: bool,
    reason: str,
    lock_timeout: float,
) -> int:
    """Run `reconcile state rm`."""
    wanted = {address.folded() for address in addresses(records)}
    settings = settings_for(target)
    with open_target_store(settings, os.environ) as store, locked(store, "state rm", lock_timeout):
        state = _state(settings, store)
        found = {a: u for u, a, _ in state.entries() if a in wanted}
        if missing := sorted(str(a) for a in wanted - found.keys()):
            raise UsageError(
                f"not in the state: {', '.join(missing)}", hint="see `reconcile state list`"
            )
        if not (auto_approve or confirm(f"Forget {plural(len(found), 'record')}?")):
            click.echo("Nothing was forgotten.", err=True)
            return 1
        for address, unit in found.items():
            state.drop(unit, address)
        event = state_edited("state rm", _origin(settings, reason), addresses=sorted(found))
        state.audit = AuditLog(store).append([event], state.audit)
        state.flush()
    click.echo(f"Forgot {plural(len(found), 'record')}.")
    return 0


def push(*, target: str | None, url: str, reason: str, lock_timeout: float) -> None:
    """Run `reconcile state push`."""
    settings = settings_for(target)
    with _both_locked(settings, url, "state push", lock_timeout, comes_here=False) as (here, there):
        _move(settings, here, there, "state push", reason)
    click.echo(_named(settings, url))


def _named(settings: Settings, url: str) -> str:
    """Set the store in the project file, or return what to write there. Quotes no password."""
    from reconcile.project.edit_file import FIELD, Naming, name_store  # noqa: PLC0415  (for push only)

    if not allowed_in_project_file(url):
        if url.startswith("file:"):
            return (
                f"A folder cannot be the {FIELD}: of {PROJECT_FILE}; `reconcile state pull URL` "
                "brings the state back from it."
            )
        return (
            f"{PROJECT_FILE} was not changed: a URL that may hold a password does not belong in "
            f"it. Put the URL in an environment variable, and write as a line of {PROJECT_FILE}: "
            f"{FIELD}: ${{env:NAME}}"
        )
    done = name_store(settings.root, url)
    if done is Naming.NAMED:
        return f"{PROJECT_FILE} names it now."
    when = ", once the state of every target is there" if done is Naming.SEVERAL else ""
    return (
        f"{PROJECT_FILE} was not changed: {done.value}. Write as a line of its own, beside "
        f"targets:{when}: {FIELD}: {visible(url)}"
    )


def pull(*, target: str | None, url: str, reason: str, lock_timeout: float) -> None:
    """Run `reconcile state pull`."""
    settings = settings_for(target)
    with _both_locked(settings, url, "state pull", lock_timeout, comes_here=True) as (here, there):
        _move(settings, there, here, "state pull", reason)


@contextmanager
def _both_locked(
    settings: Settings, url: str, doing: str, wait: float, *, comes_here: bool
) -> Iterator[tuple[Store, Store]]:
    """Open and lock the target's own store and the one that ``url`` names.

    A move that is refused leaves nothing behind, not even the files of a lock.
    """
    with open_target_store(settings, os.environ) as here, store_at(url, settings) as there:
        if here.where == there.where:
            raise UsageError("the state is in that store already")
        require_writable(here)
        require_writable(there)
        require_movable(*((there, here) if comes_here else (here, there)))
        with locked(here, doing, wait), locked(there, doing, wait, url=url):
            yield here, there


def _move(settings: Settings, source: Store, target: Store, what: str, reason: str) -> None:
    """Move the state, record it in the audit log and report it. The caller holds both locks."""

    def record() -> None:
        state = _state(settings, source)
        event = state_edited(what, _origin(settings, reason))
        state.audit = AuditLog(source).append([event], state.audit)
        state.flush()

    move(source, target, record)
    click.echo(
        f"The state is in {visible(target.where)} now; {visible(source.where)} refers to it."
    )


def _origin(settings: Settings, reason: str) -> Origin:
    return origin(os.environ, settings.root, reason)


def _state(settings: Settings, store: Store) -> State:
    """Return the state. Without the hash key, ids and names can still be read."""
    return State(store, find_key(settings.local_folder, os.environ) or token_bytes(32))


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
    comparable = sorted(name for name, hashes in entry.value_hashes.items() if hashes.written)
    names = (
        ", ".join(comparable) if comparable or entry.fingerprint else "none that can be compared"
    )
    yield plain(f"properties  {visible(names)}", indent=2)
    if entry.accepted:
        accepted = ", ".join(sorted(entry.accepted))
        yield plain(f"accepted    {visible(accepted)} (taken over, not applied since)", indent=2)
    yield plain(f"run         {visible(entry.run or 'unknown')}", indent=2)
