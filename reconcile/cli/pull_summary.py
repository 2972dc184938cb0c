"""What `reconcile pull` says about new documents."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from reconcile.cli.next_command import command_line
from reconcile.model.values import show
from reconcile.pulling.known import Wanted
from reconcile.pulling.puller import Pulled
from reconcile.pulling.selection import Selection
from reconcile.render.phrasing import plural

_LISTED = 10


def summary(
    wanted: Wanted, selection: Selection, pulled: Pulled, paths: Sequence[Path], root: Path
) -> Iterator[str]:
    """Yield what a run wrote, line by line, and what it left out."""
    kind = wanted.kind
    if selection.name and not pulled.found:
        yield (
            f"No {kind.name} has {selection.name} {show(selection.value)}. HubSpot's search finds "
            "a new value some seconds late."
        )
        return
    if not paths:
        known = f": {kind.count(pulled.known)} known already" if pulled.known else ""
        yield f"No new {kind.plural}{known}."
        yield from _left_out(wanted, pulled)
        return
    lines = f" with {plural(pulled.lines, 'line item')}" if pulled.lines else ""
    where = [str(path.relative_to(root)) for path in paths]
    more = f", … and {len(where) - _LISTED:,} more" if len(where) > _LISTED else ""
    yield f"Wrote {kind.count(pulled.records)}{lines} into {', '.join(where[:_LISTED])}{more}."
    if pulled.known:
        yield f"Left out: {kind.count(pulled.known)} known already."
    yield from _left_out(wanted, pulled)
    yield from _about_keys(wanted, pulled)
    yield from _left_to_others(pulled)
    if unlike := pulled.left_out.defaults:
        yield "These defaults do not apply to what was pulled, so that adopting changes nothing:"
        for name, number in sorted(unlike.items()):
            yield f"  {name}: in {plural(number, 'record')}"
    yield f"Next: {command_line('plan')}"


def _about_keys(wanted: Wanted, pulled: Pulled) -> Iterator[str]:
    """Yield which records have another key than their value of a property."""
    if pulled.lacking:
        yield (
            f"{wanted.kind.count(pulled.lacking)} without a {wanted.key} that can be a key: "
            f"{'its' if pulled.lacking == 1 else 'their'} id is the key."
        )
    for number, (key, ids) in enumerate(pulled.repeated.items()):
        if number == _LISTED:
            yield f"… and {len(pulled.repeated) - _LISTED:,} more keys"
            break
        which = ", ".join(ids[:_LISTED])
        yield (
            f"Several have the key {show(key)}; these have their id behind it or in its place: "
            f"{which}"
        )


def _left_to_others(pulled: Pulled) -> Iterator[str]:
    """Yield the properties that are declared only if they are named."""
    if pulled.left_to_integrations:
        yield "Left out, since integrations keep writing them (--properties declares them):"
        for one in pulled.left_to_integrations:
            looked_at = plural(one.looked_at, "record")
            yield f"  {one.name}: last written by an integration on {one.number:,} of {looked_at}"
    if pulled.personal:
        yield f"Left out as personal (--properties declares them): {_some(pulled.personal)}"


def _left_out(wanted: Wanted, pulled: Pulled) -> Iterator[str]:
    """Yield what could not be written, is declared elsewhere, or does not exist."""
    if pulled.missing:
        ids = plural(len(pulled.missing), "id")
        yield (
            f"Left out: {ids} that no {wanted.kind.name} of the account has; archived ones do not "
            f"count: {_some(pulled.missing)}"
        )
    if unusable := pulled.left_out.unusable_keys:
        yield (
            f"Left out: {wanted.kind.count(len(unusable))} or line items whose key cannot be that "
            f"of a document, or is that of another one: {_some(unusable)}"
        )
    if pulled.lines_known:
        many = plural(len(pulled.lines_known), "line item")
        yield f"Left out: {many} that another document declares: {_some(pulled.lines_known)}"
    if pulled.lines_alike:
        many = plural(len(pulled.lines_alike), "line item")
        yield (
            f"Left out: {many} without {pulled.lines_by}, or with that of another one of the same "
            f"{wanted.kind.name}: {_some(pulled.lines_alike)}. Give each its own in HubSpot, and "
            "then add it to the document by hand."
        )
    for name, number in sorted(pulled.left_out.unwritable.items()):
        many = plural(number, "value")
        yield f"Left out: {many} of {name} with control characters, which no manifest can hold"


def _some(ids: Sequence[str]) -> str:
    more = f" and {len(ids) - _LISTED:,} more" if len(ids) > _LISTED else ""
    return ", ".join(ids[:_LISTED]) + more
