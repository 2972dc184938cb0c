"""Questions about associations: in a create, and with a second parent (reference §1, §8, §11)."""

from collections.abc import Callable

from reconcile.errors import HubSpotError
from reconcile.hubspot.types import Pair, Refused, Written
from reconcile.model.records import Link
from reconcile.probing.findings import Found, Skip, Unclear
from reconcile.probing.lab import LINKS_CALLS, Lab, LinkTo
from reconcile.probing.needs import KINDS, to_write
from reconcile.probing.question import Question
from reconcile.probing.raw_calls import READS, is_answer

HUBSPOT = "HUBSPOT_DEFINED"


def _type_id() -> int:
    return KINDS["line_items"].associations["order"].type_id


def _to(order: str) -> LinkTo:
    return (order, HUBSPOT, _type_id())


def _parents(lab: Lab, line: str) -> set[str]:
    return _ids(lab.links("line_items", "orders", line))


def _ids(links: frozenset[Link]) -> set[str]:
    return {link.id for link in links}


def _shown(lab: Lab, line: str, good: Callable[[set[str]], bool]) -> set[str]:
    return lab.until(lambda: _parents(lab, line), good)


def _unlinked(lab: Lab) -> Found:
    """Read a record without associations in a batch: is it reported, or left out?"""
    order = lab.make("orders")
    lab.read_visible("orders", order, [])
    path = lab.routes.association_batch("orders", "line_items", "read")
    seen = lab.call("POST", path, body={"inputs": [{"id": order}]}, pool="associations")
    if not seen.ok:
        raise Unclear(seen.summary())
    if any(order in error.named("fromObjectId") for error in seen.errors):
        return Found("named", seen.shape())
    if seen.errors:
        return Found("unnamed", seen.shape())
    return Found("listed" if seen.results else "silent", seen.shape())


def _create(lab: Lab) -> Found:
    order = lab.make("orders")
    first = lab.make("line_items", links=[_to(order)])
    if not _shown(lab, first, bool):
        return Found("lost", "a valid association was not made")
    # An id that certainly is not an order's: that of our own line item.
    if lab.get("orders", first).status != 404:
        raise Skip("an order has the id of our line item; it is left alone")
    answer = lab.try_create("line_items", {}, [_to(order), _to(first)])
    if isinstance(answer, Refused):
        half = _ids(lab.links("orders", "line_items", order)) - {first}
        for line in half:
            lab.inventory.add("line_items", line)
        return Found("half-done" if half else "atomic", answer.message)
    made = _shown(lab, answer.id, bool)
    return Found("lenient" if order in made else "lost")


def _second_parent(lab: Lab) -> Found:
    one, other = lab.make("orders"), lab.make("orders")
    line = lab.make("line_items")
    first = _associate(lab, line, one)
    if isinstance(first, Refused) or not _shown(lab, line, bool):
        raise Unclear(f"a line item could not be associated with an order: {first}")
    second = _associate(lab, line, other)
    if isinstance(second, Refused):
        return Found("one", second.message)
    found = _shown(lab, line, lambda parents: other in parents)
    if found == {one, other}:
        return Found("many")
    if found == {other}:
        return Found("moved")
    raise Unclear("the second association was accepted and is not there")


def _associate(lab: Lab, line: str, order: str) -> Written | Refused:
    trace = lab.unique_text()
    lab.spend()
    try:
        pair = Pair(trace, line, order, ((HUBSPOT, _type_id()),))
        answer = lab.hubspot.associations.associate("line_items", "orders", [pair])[trace]
    except HubSpotError as error:
        if not is_answer(error):
            raise
        return Refused(str(error), error.category)
    if not isinstance(answer, Written | Refused):
        raise Unclear(answer.message)
    return answer


QUESTIONS = (
    Question(
        id="unlinked-in-batch-read",
        section="§11",
        words="What does a batch read of associations answer for a record without any?",
        expected="named",
        answers={
            "named": "a batch read of associations names each record without any in an error",
            "unnamed": "the error for a record without associations does not name it",
            "listed": "a record without associations has a result without any",
            "silent": "a batch read of associations leaves out records without any",
        },
        ask=_unlinked,
        calls=2 + READS,
        needs=to_write("orders", "line_items"),
        rows=("batch-read-of-unlinked-is-207",),
    ),
    Question(
        id="create-associations",
        section="§11",
        words="Does an invalid association refuse the create it comes with?",
        expected="atomic",
        answers={
            "atomic": "an invalid association refuses the create",
            "lenient": "an invalid association is left out and the record made",
            "lost": "a create makes the record and loses its associations",
            "half-done": "a create is refused for an association, but the record made",
        },
        switch="create_associations",
        settings={
            "atomic": "atomic",
            "lenient": "lenient",
            "lost": "lost",
            "half-done": "half_done",
        },
        ask=_create,
        calls=5 + 2 * READS * LINKS_CALLS,
        needs=to_write("orders", "line_items"),
        rows=(
            "create-with-a-bad-association-writes-nothing",
            "lenient-create-keeps-the-record-with-the-switch",
            "lost-associations-with-the-switch",
            "half-done-create-with-the-switch",
        ),
    ),
    Question(
        id="second-parent",
        section="§8",
        words="Does a line item accept a second parent?",
        expected="many",
        answers={
            "one": "a line item with a parent is refused another",
            "many": "a line item may have several parents",
            "moved": "a second parent of a line item takes the place of the first",
        },
        switch="second_parent",
        settings={
            "one": "refused",
            "many": "kept",
            "moved": "moved",
        },
        ask=_second_parent,
        calls=5 + 2 * READS * LINKS_CALLS,
        needs=to_write("orders", "line_items"),
        rows=(
            "a-line-item-may-have-several-parents",
            "second-parent-is-refused-with-the-switch",
            "second-parent-takes-over-with-the-switch",
        ),
    ),
)
