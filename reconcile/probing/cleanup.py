"""Remove what the probe created, and verify that it is gone.

DELETE answers 204 for any id (reference §8), so nothing counts as removed before a read confirms
it. Records are archived: HubSpot empties its recycling bin after 90 days.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from reconcile.errors import HubSpotError
from reconcile.model.batches import OBJECTS, split
from reconcile.probing.lab import Lab
from reconcile.probing.needs import KINDS
from reconcile.probing.question import Question
from reconcile.probing.raw_calls import READS

SEARCHES = 4
"""Searches for a record whose create had no answer: the index lags (reference §3)."""

SEARCH_WAIT = 2.0
"""Seconds between two searches."""

DEFINITIONS = 2
"""Maximum number of properties created for one object: a key and a multi-select."""


def most_calls(questions: Sequence[Question]) -> int:
    """Return the maximum number of calls that the cleanup takes.

    This holds if every create had an answer, and batch reads name missing records.
    """
    needs = {need for question in questions for need in question.needs}
    written = sum(need.access == "write" for need in needs)
    defined = sum(need.access == "schema" for need in needs)
    return written * (2 + READS) + defined * DEFINITIONS * (1 + READS)


def clean_up(lab: Lab) -> None:
    """Remove everything in the inventory, and delete from it what is confirmed as removed."""
    for object_, title in list(lab.inventory.unanswered):
        with _noting_errors(lab):
            _find(lab, object_, title)
    for object_, ids in list(lab.inventory.records.items()):
        for some in split(list(ids), OBJECTS):
            with _noting_errors(lab):
                _archive(lab, object_, some)
    for object_, name in list(lab.inventory.properties):
        with _noting_errors(lab):
            _delete(lab, object_, name)


@contextmanager
def _noting_errors(lab: Lab) -> Iterator[None]:
    """Note an HubSpotError in the inventory, so that the rest is still removed."""
    try:
        yield
    except HubSpotError as error:
        lab.inventory.problems[str(error)] = None


def _find(lab: Lab, object_: str, title: str) -> None:
    """Search for a record whose create had no answer; it may not exist."""
    name = KINDS[object_].title
    wanted = {"propertyName": name, "operator": "EQ", "value": title}
    body = {"filterGroups": [{"filters": [wanted]}], "properties": [name], "limit": 10}
    for turn in range(SEARCHES):
        lab.pause(SEARCH_WAIT if turn else 0.0)
        seen = lab.call("POST", f"{lab.routes.objects(object_)}/search", body=body, pool="search")
        found = [one.id for one in seen.results if one.properties.get(name) == title]
        for id_ in found:
            lab.inventory.add(object_, id_)
        if found:
            lab.inventory.answered(object_, title)
            return


def _archive(lab: Lab, object_: str, ids: Sequence[str]) -> None:
    title = KINDS[object_].title
    # An id of a record without our prefix would be our mistake: that record is left alone.
    shown = lab.hubspot.records.read(object_, ids, [title])
    foreign = {
        id_
        for id_, one in shown.items()
        if not (one.properties.get(title) or "").startswith(lab.prefix)
    }
    for id_ in foreign:
        lab.inventory.problems[
            f"{object_} {id_} does not have the probe's prefix and is left alone"
        ] = None
    ours = [id_ for id_ in ids if id_ not in foreign]
    if not ours:
        return
    body = {"inputs": [{"id": id_} for id_ in ours]}
    lab.call("POST", lab.routes.batch(object_, "archive"), body=body)
    left = lab.until(
        lambda: lab.hubspot.records.read(object_, ours, [title]), lambda found: not found
    )
    for id_ in ours:
        if id_ not in left:
            lab.inventory.removed(object_, id_)


def _delete(lab: Lab, object_: str, name: str) -> None:
    path = lab.routes.property(object_, name)
    lab.call("DELETE", path)
    seen = lab.until(lambda: lab.call("GET", path), lambda seen: _is_gone(seen.status, seen.body))
    if _is_gone(seen.status, seen.body):
        lab.inventory.properties.pop((object_, name))


def _is_gone(status: int, body: object) -> bool:
    return status == 404 or (isinstance(body, dict) and body.get("archived") is True)
