"""Values that HubSpot never accepts are refused without a call (cases 09, 10, 11)."""

import pytest

from tests.manifests.conftest import Project

LINE = "kind: order\nkey: K-1\nline_items:\n  - key: K-1:a\n    properties: {{{}}}\n"
REFERS = "kind: order\nkey: A\nassociations:\n  company:\n"


@pytest.mark.parametrize(
    ("properties", "column", "message"),
    [
        (
            "price: 10, quantity: 3, amount: 25",
            "50",
            "HubSpot computes amount from quantity, price and discount",
        ),
        ("amount: 30, price: 10, quantity: 3", "26", "HubSpot computes amount from quantity"),
        ("hs_margin: 1", "29", "HubSpot computes hs_margin"),
        ("hs_total_discount: ''", "37", "HubSpot computes hs_total_discount from quantity"),
        ("price: -5", "25", "price is '-5', and HubSpot accepts no value below 0"),
        ("price: -0.01", "25", "price is '-0.01', and HubSpot accepts no value below 0"),
    ],
)
def test_a_line_item_with_an_impossible_value_is_refused(
    project: Project, properties: str, column: str, message: str
) -> None:
    """Computed values, whatever they are, and negative prices; each with its place."""
    problem = project.problem(LINE.format(properties))
    assert str(problem).startswith(f"a.yaml:5:{column}: {message}")


@pytest.mark.parametrize("value", ["0", "-0", "-0.00", "0.01", "''", "-five", "NaN", "-sNaN"])
def test_what_is_no_price_below_zero_is_not_judged_here(project: Project, value: str) -> None:
    """Zero is a price, and what is not a number the property's type decides."""
    assert project.units(LINE.format(f"price: {value}"))


@pytest.mark.parametrize("name", ["hs_homecurrency_amount", "hs_exchange_rate"])
@pytest.mark.parametrize("kind", ["order", "cart"])
def test_what_hubspot_computes_of_orders_and_carts_is_refused(
    project: Project, kind: str, name: str
) -> None:
    """Each kind has computed properties of its own."""
    problem = project.problem(f"kind: {kind}\nkey: A\nproperties: {{{name}: 1}}\n")
    assert problem.message.startswith(f"HubSpot computes {name} from the ")
    assert problem.hint.startswith("leave it out")


def test_what_stands_in_a_removed_record_means_nothing(project: Project) -> None:
    """Only what would be sent is looked at."""
    text = "kind: line_item\nkey: L\nparent: {order: {key: A}}\nlifecycle: {state: absent}\n"
    assert project.units(f"{text}properties: {{price: -5, amount: 1}}\n")


@pytest.mark.parametrize("labels", [("primary", "primary"), ("primary", "Primary")])
def test_two_primary_companies_are_refused(project: Project, labels: tuple[str, str]) -> None:
    """A record has one; the second is named, with the place of the first."""
    one, other = labels
    text = f"    - {{id: '501', label: {one}}}\n    - {{id: '503'}}\n"
    problem = project.problem(f"{REFERS}{text}    - {{id: '502', label: {other}}}\n")
    assert str(problem) == (
        "a.yaml:7:7: this is the second primary company; first in line 5, column 7"
    )
    assert problem.hint == "an order has one primary company: remove the label from the others"


def test_one_primary_company_among_several_is_fine(project: Project) -> None:
    """Other labels may be given to as many records as one likes."""
    text = '    - {id: "501", label: primary}\n    - {id: "502"}\n    - {id: "501", label: Payer}\n'
    (unit,) = project.units(REFERS + text + '    - {id: "503", label: Payer}\n')
    assert len(unit.records[0].references) == 4
