"""An order has one primary company, and may get another one (case 11)."""

from collections.abc import Callable
from typing import Literal

import pytest
from world import COMPANIES, World, order

from reconcile.errors import ManifestError
from reconcile.sandbox import Switches

PRIMARY = ("HUBSPOT_DEFINED", 509)
ONE, OTHER = COMPANIES


@pytest.mark.parametrize("second", ["kept", "refused", "moved"])
def test_another_company_becomes_the_primary_one(
    build: Callable[..., World], second: Literal["kept", "refused", "moved"]
) -> None:
    """Whatever HubSpot does with a second one, there is none: the first loses the label before."""
    world = build(switches=Switches(second_primary=second))
    for primary, plain in ((ONE, OTHER), (OTHER, ONE)):
        companies = [{"id": primary, "label": "primary"}, {"id": plain}]
        world.converge(order("A", memo="1", associations={"company": companies}))
        links = world.links(("orders", world.id_of("orders", "A")), "companies")
        assert [id_ for id_, types in links.items() if PRIMARY in types] == [primary]


def test_two_primary_companies_are_a_problem(world: World) -> None:
    """That is known without the account, so nothing is planned."""
    companies = [{"id": id_, "label": "primary"} for id_ in COMPANIES]
    world.declare(order("A", associations={"company": companies}), order("B", memo="1"))
    with pytest.raises(ManifestError, match="1 problem"):
        world.plan()
