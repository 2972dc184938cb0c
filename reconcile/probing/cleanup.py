"""Removing what the probe made, and seeing that it is gone.

DELETE answers 204 whatever it is given (reference §8), so nothing counts as removed before a read
says so. Records are archived: HubSpot empties its recycling bin after 90 days.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from reconcile.errors import ApiError
from reconcile.model.batches import OBJECTS, split
from reconcile.probing.lab import Lab
from reconcile.probing.question import KINDS, Question
from reconcile.probing.raw_calls import READS

SEARCHES = 4
"""Times that a record without an answer is searched for: the index lags (reference §3)."""

SEARCH_WAIT = 2.0

DEFINITIONS = 2
"""Properties that are made of one object at most: a key and a set of choices."""


def most_calls(questions: Sequence[Question]) -> int:
    """Calls that removing takes at most, as long as every create had an answer, and batch reads
    name what is not there.
    """
    needs = {need for question in questions for need in question.needs}
    written = sum(need.access == "write" for need in needs)
    defined = sum(need.access == "schema" for need in needs)
    return written * (2 + READS) + defined * DEFINITIONS * (1 + READS)


def clean_up(lab: Lab) -> None:
    """Remove all that the inventory lists; what is removed for certain is struck off it."""
    for object_, title in list(lab.inventory.unsettled):
        with _going_on(lab):
            _find(lab, object_, title)
    for object_, ids in list(lab.inventory.records.items()):
        for some in split(list(ids), OBJECTS):
            with _going_on(lab):
                _archive(lab, object_, some)
    for object_, name in list(lab.inventory.properties):
        with _going_on(lab):
            _delete(lab, object_, name)


@contextmanager
def _going_on(lab: Lab) -> Iterator[None]:
    """One failure does not keep the rest from being removed."""
    try:
        yield
    except ApiError as error:
        lab.inventory.problems[str(error)] = None


def _find(lab: Lab, object_: str, title: str) -> None:
    """Search for a record whose create had no answer; it may never have been made."""
    name = KINDS[object_].title
    wanted = {"propertyName": name, "operator": "EQ", "value": title}
    body = {"filterGroups": [{"filters": [wanted]}], "properties": [name], "limit": 10}
    for turn in range(SEARCHES):
        lab.pause(SEARCH_WAIT if turn else 0.0)
        seen = lab.ask("POST", f"{lab.routes.objects(object_)}/search", body=body, pool="search")
        found = [one.id for one in seen.results if one.properties.get(name) == title]
        for id_ in found:
            lab.inventory.add(object_, id_)
        if found:
            lab.inventory.settled(object_, title)
            return


def _archive(lab: Lab, object_: str, ids: Sequence[str]) -> None:
    title = KINDS[object_].title
    # An id that leads to a record without our name would be a mistake of ours: it stays.
    shown = lab.hubspot.read(object_, ids, [title])
    foreign = {
        id_
        for id_, one in shown.items()
        if not (one.properties.get(title) or "").startswith(lab.prefix)
    }
    for id_ in foreign:
        lab.inventory.problems[f"{object_} {id_} does not carry our name and is left alone"] = None
    ours = [id_ for id_ in ids if id_ not in foreign]
    if not ours:
        return
    body = {"inputs": [{"id": id_} for id_ in ours]}
    lab.ask("POST", lab.routes.batch(object_, "archive"), body=body)
    left = lab.until(lambda: lab.hubspot.read(object_, ours, [title]), lambda found: not found)
    for id_ in ours:
        if id_ not in left:
            lab.inventory.gone(object_, id_)


def _delete(lab: Lab, object_: str, name: str) -> None:
    path = lab.routes.property(object_, name)
    lab.ask("DELETE", path)
    seen = lab.until(lambda: lab.ask("GET", path), lambda seen: _is_gone(seen.status, seen.body))
    if _is_gone(seen.status, seen.body):
        lab.inventory.properties.pop((object_, name))


def _is_gone(status: int, body: object) -> bool:
    return status == 404 or (isinstance(body, dict) and body.get("archived") is True)
