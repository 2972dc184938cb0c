"""Warnings about record ids in manifests of a project with several targets.

A record has another id in every account, so such a reference fits one target only.
"""

from collections.abc import Collection, Iterable, Iterator

from reconcile.errors import Problem
from reconcile.manifests.problems import an, listed
from reconcile.model.kinds import referred
from reconcile.model.records import Reference, Unit


def raw_ids(units: Iterable[Unit], targets: Collection[str]) -> tuple[Problem, ...]:
    """Return a warning for each reference by id, sorted by place, if there are several targets.

    A default that many records inherit is one reference.
    """
    if len(targets) < 2:
        return ()
    return tuple(sorted({_warning(one) for one in _references(units) if one.by == "id"}))


def _references(units: Iterable[Unit]) -> Iterator[Reference]:
    for unit in units:
        if unit.parent is not None:
            yield unit.parent
        for record in unit.records:
            yield from record.references
            yield from record.lookups.values()


def _warning(reference: Reference) -> Problem:
    message = f"{an(reference.to)} is named by its id, which it has in one account only"
    return Problem(*reference.location, message, _hint(reference.to))


def _hint(to: str) -> str:
    end = referred(to)
    if end.kind:
        return "name it by its key"
    return f"name it by {listed([*end.by, *end.search, 'a unique property of its own'])}"
