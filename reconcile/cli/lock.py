"""`reconcile lock`: show or break the state lock."""

import os
from contextlib import AbstractContextManager

import click

from reconcile.audit.actor import origin
from reconcile.audit.events import lock_broken
from reconcile.audit.log import AuditLog
from reconcile.cli.common import settings_for
from reconcile.cli.next_command import command_line
from reconcile.cli.store_access import as_argument, store_at
from reconcile.errors import UsageError
from reconcile.project import Settings
from reconcile.render.escaping import visible
from reconcile.session import open_target_store
from reconcile.state.head import read_head, require_writable
from reconcile.stores.contract import Holder, Store


def show(target: str | None, url: str) -> None:
    """Run `reconcile lock show`."""
    settings = settings_for(target)
    with _opened(url, settings) as store:
        holder = store.holder()
    name = visible(_lock_name(settings, store, url))
    name = name[:1].upper() + name[1:]
    if holder is None:
        click.echo(f"{name} is not locked.")
        return
    click.echo(f"{name} is locked by {visible(described(holder))}.")
    if holder.heartbeat_age is not None:
        click.echo(f"Its last heartbeat was about {holder.heartbeat_age:.0f} s ago.")
    where = f" {as_argument(url)}" if url else ""
    click.echo(
        f"Its fencing token is {holder.fencing_token}. If that run hangs: "
        f"{command_line('lock', 'break', str(holder.fencing_token))}{where}"
    )


def break_(target: str | None, number: int, url: str, reason: str) -> None:
    """Run `reconcile lock break`."""
    settings = settings_for(target)
    with _opened(url, settings) as store, open_target_store(settings, os.environ) as own:
        holder = store.holder()
        if holder is None:
            raise UsageError(f"{_lock_name(settings, store, url)} is not locked")
        kept_in = store if _keeps_its_log(store) else own
        for one in (store, kept_in):
            require_writable(one)
        store.break_lock(number)
        info = holder.info
        event = lock_broken(
            origin(os.environ, settings.root, reason),
            fencing_token=number,
            who=info.who,
            since=info.since,
            doing=info.doing,
        )
        AuditLog(kept_in).append([event])
    click.echo(f"The lock of {visible(described(holder))} is broken.")


def _opened(url: str, settings: Settings) -> AbstractContextManager[Store]:
    return store_at(url, settings) if url else open_target_store(settings, os.environ)


def _lock_name(settings: Settings, store: Store, url: str) -> str:
    return f"the store {store.where}" if url else f"target {settings.target.name}"


def _keeps_its_log(store: Store) -> bool:
    """Return whether a store keeps its audit log: a state that is moved there replaces it."""
    try:
        head = read_head(store)
    except UsageError:
        return True
    return head is not None and not head.moving_from


def described(holder: Holder) -> str:
    """Return who holds a lock, since when, doing what."""
    return f"{holder.info.who}, since {holder.info.since}, doing {holder.info.doing}"
