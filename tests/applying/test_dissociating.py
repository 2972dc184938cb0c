"""Associations taken away, in both worlds of what dated paths answer."""

from collections.abc import Callable
from typing import get_args, get_type_hints

import pytest
from proxy import Proxy
from world import EMAILS, World, incomplete, order

from reconcile.sandbox import Switches

ANSWERS = get_args(get_type_hints(Switches)["dated_archives_answer"])


def contact(*emails: str) -> dict[str, list[dict[str, str]]]:
    """Associations with contacts."""
    return {"contact": [{"email": email} for email in emails]}


@pytest.mark.parametrize("answer", ANSWERS)
@pytest.mark.parametrize("api", ["v3", "2026-03"])
def test_an_association_is_taken_away(build: Callable[..., World], api: str, answer: str) -> None:
    """Whether HubSpot answers 200 with the body of a batch, or 204 with none."""
    world = build(proxy=Proxy, api=api, switches=Switches(dated_archives_answer=answer))
    world.converge(order("A", associations=contact(*EMAILS[:2])))

    assert incomplete(world.converge(order("A", associations=contact(EMAILS[0])))) == ()

    (archived,) = world.proxy.to("POST", "/contacts/batch/labels/archive")
    assert archived.status == (200 if (api, answer) == ("2026-03", "body") else 204)
    assert len(world.links(("orders", world.id_of("orders", "A")), "contacts")) == 1


def test_an_association_that_the_body_refuses_is_not_taken_for_gone(
    build: Callable[..., World],
) -> None:
    """A 200 may carry errors; what it refuses has failed, and is tried again."""
    world = build(proxy=Proxy, api="2026-03")
    world.converge(order("A", associations=contact(*EMAILS[:2])))
    plan = world.plan(order("A", associations=contact(EMAILS[0])))
    error = {"status": "error", "category": "VALIDATION_ERROR", "message": "not now"}
    refusal = {"status": "COMPLETE", "results": [], "numErrors": 1, "errors": [error]}
    world.proxy.hook = lambda _, path, __: (
        (200, refusal) if path.endswith("/labels/archive") else None
    )

    ((address, status, message),) = incomplete(world.apply(plan))

    assert (address, status) == ("order/A", "failed")
    assert "not now" in message
    world.proxy.hook = None
    assert incomplete(world.apply()) == ()
    assert len(world.links(("orders", world.id_of("orders", "A")), "contacts")) == 1
