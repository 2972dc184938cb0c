"""From the options of a command to what it is limited to."""

from collections.abc import Collection, Mapping
from pathlib import Path

from reconcile.project import Settings
from reconcile.project.declared import Declared
from reconcile.selecting.changed_units import Past, declared_at
from reconcile.selecting.selectors import Changes, Selection, parse


def read_selection(
    select: Collection[str],
    exclude: Collection[str],
    *,
    settings: Settings,
    declared: Declared,
    environ: Mapping[str, str],
    paths: Collection[Path] = (),
) -> Selection | None:
    """Return what the selectors select of what is declared; None without selectors.

    ``paths`` are the absolute ones that were read beside the project's. Raise UsageError for what
    is not a selector, and for a commit that git does not have.
    """
    if not (select or exclude):
        return None
    known: dict[str, Past] = {}

    def changed(ref: str) -> Changes:
        if ref not in known:
            known[ref] = declared_at(ref, settings, paths, environ)
        return known[ref].compared(declared.everything)

    return Selection(
        tuple(parse(text, changed) for text in select),
        tuple(parse(text, changed) for text in exclude),
        tuple(note for past in known.values() for note in past.notes),
    )
