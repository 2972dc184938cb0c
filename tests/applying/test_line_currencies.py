"""A currency of line items that the account takes back between plan and apply."""

from typing import Any

import pytest
from world import World, incomplete, line, messages, order, statuses

CURRENCY = "hs_line_item_currency_code"
REASON = "Provided line item currency CAD is not supported by portal"


@pytest.fixture
def canadian(watched: World) -> World:
    """Return a world that says it takes Canadian dollars, and does not."""

    def with_cad(method: str, path: str, answer: Any) -> Any:
        if path.endswith("/details"):
            return answer | {"additionalCurrencies": ["EUR", "CAD"]}
        return answer

    watched.proxy.edit = with_cad
    return watched


def lines(first: str, other: str = "EUR") -> list[Any]:
    """Three lines, the first in a currency of its own."""
    return [
        line("A:1", name="x", **{CURRENCY: first}),
        *(line(f"A:{n}", name="x", **{CURRENCY: other}) for n in (2, 3)),
    ]


def test_a_line_in_it_is_not_made(canadian: World) -> None:
    """The refusal, which names no property, fails that line alone, with HubSpot's reason."""
    report = canadian.apply(canadian.plan(order("A", lines("CAD"))))
    assert statuses(report) == {
        "order/A": "done",
        "line_item/A:1": "failed",
        "line_item/A:2": "done",
        "line_item/A:3": "done",
    }
    assert REASON in messages(report)["line_item/A:1"]
    assert canadian.keys("line_items") == {"A:2": 1, "A:3": 1}


def test_a_line_is_not_changed_to_it(canadian: World) -> None:
    """A batch update is refused whole for it; the other lines get their currency."""
    canadian.converge(order("A", lines("EUR")))
    report = canadian.apply(canadian.plan(order("A", lines("CAD", "USD"))))
    assert [(address, status) for address, status, _ in incomplete(report)] == [
        ("line_item/A:1", "failed")
    ]
    assert REASON in messages(report)["line_item/A:1"]
    assert {
        one["reconcile_key"]: one[CURRENCY] for one in canadian.dump("line_items").values()
    } == {
        "A:1": "EUR",
        "A:2": "USD",
        "A:3": "USD",
    }
