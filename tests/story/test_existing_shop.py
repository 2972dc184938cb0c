"""A shop with orders and a running sync is taken over, and nothing of the sync's is touched."""

import pytest
from world import World

from tests.story.shop_with_a_sync import carry_out


def test_a_shop_is_taken_over_while_its_sync_goes_on(world: World) -> None:
    """The story with few orders; ``run.py`` plays it with many."""
    assert "300 orders, 750 line items" in carry_out(300, world)


@pytest.mark.long
@pytest.mark.timeout(900)
def test_a_larger_shop_is_taken_over(world: World) -> None:
    """Enough for the sync to write hundreds of orders while ours are applied."""
    said = carry_out(3000, world)
    assert int(said.split("the sync wrote ")[1].split(" orders")[0].replace(",", "")) >= 500
