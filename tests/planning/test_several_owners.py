"""A property that holds several owners."""

from collections.abc import Callable

import pytest
from planning.test_owners import ANNA, PEOPLE
from world import ORIGIN, World, order, statuses

from reconcile import workflow
from reconcile.planning.plan_file import dump, load


@pytest.mark.parametrize("written", ["{a};{o}", "{o}; {a}"])
def test_several_owners(build: Callable[..., World], written: str) -> None:
    world = build(switches=PEOPLE)
    body = {
        "name": "team",
        "label": "Team",
        "type": "enumeration",
        "fieldType": "checkbox",
        "groupName": "order_information",
        "externalOptions": True,
        "referencedObjectType": "OWNER",
        "options": [],
    }
    world._post("/crm/v3/properties/orders", body)
    text = written.format(a=ANNA, o="olive@example.com")
    plan = world.plan(order("A", team=text))
    load(b"".join(dump(plan, version="1", created="x")))
    with world.session() as session:
        report = workflow.apply(session, plan, ORIGIN, declared=world.units(), sleep=world.sleep)
    assert statuses(report) == {"order/A": "done"}
    assert world.plan().units == ()
