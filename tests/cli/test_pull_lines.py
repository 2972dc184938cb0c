"""`pull --lines` where line items are found within their order, by a property."""

import pytest

from tests.cli.conftest import PROJECT, Project, Shop

PULL = ("pull", "orders", "--all", "--properties", "hs_total_price", "--lines", "name")


@pytest.fixture(autouse=True)
def by_sku(project: Project) -> None:
    """The account tells line items of one order apart by their SKU."""
    project.settings(PROJECT + '    identity: {line_item: "within_parent:hs_sku"}\n')


def pulled(project: Project) -> str:
    """Return what was written."""
    return (project.folder / "manifests/orders-0001.yaml").read_text(encoding="utf-8")


def ids(shop: Shop, order: str) -> list[str]:
    """Return the ids of an order's line items."""
    found = shop.http.get(f"/crm/v4/objects/orders/{order}/associations/line_items").json()
    return sorted({str(one["toObjectId"]) for one in found["results"]}, key=int)


def test_the_property_is_always_pulled(project: Project, shop: Shop) -> None:
    """The project does not load without it."""
    order = shop.order({"name": "Mug", "hs_sku": "M-1"}, {"name": "Cup", "hs_sku": "M-2"})
    said = project.fine(*PULL)
    assert "Wrote 1 order with 2 line items" in said
    line, _ = ids(shop, order)
    assert (
        f'  - key: "{order}:M-1"\n    adopt: {{id: "{line}"}}\n'
        "    properties:\n      name: Mug\n      hs_sku: M-1\n"
    ) in pulled(project)
    assert "1 order, 2 line items to adopt" in project.fine("plan")


def test_line_items_that_it_does_not_tell_apart_are_left_out(project: Project, shop: Shop) -> None:
    """Those without a value, or with an equal one in any spelling; in one order only."""
    first = shop.order(
        {"name": "None"},
        {"name": "A", "hs_sku": "M-1"},
        {"name": "B", "hs_sku": "m-1 "},
        {"name": "C", "hs_sku": "M-2"},
        {"name": "D", "hs_sku": "tab\x07bell"},
    )
    shop.order({"name": "A", "hs_sku": "M-1"})
    said = " ".join(project.fine(*PULL).split())
    none, one, two, _, control = ids(shop, first)
    assert "Wrote 2 orders with 2 line items" in said
    assert (
        "Left out: 4 line items without hs_sku, or with that of another one of the same order: "
        f"{none}, {one}, {two}, {control}. Give each its own in HubSpot, and then add it to the "
        "document by hand."
    ) in said
    assert "2 orders, 2 line items to adopt" in project.fine("plan")
    project.fine("apply", "--auto-approve")
    assert "No changes. 4 records are as declared." in project.fine("plan")
    assert "No new orders: 2 orders known already" in project.fine(*PULL)


@pytest.mark.parametrize("parent", ['key: "K"', 'id: "{id}"'])
def test_line_items_that_are_declared_already_are_left_out(
    project: Project, shop: Shop, parent: str
) -> None:
    """Their document has the same value, and leads to them."""
    order = shop.order(
        {"name": "A", "hs_sku": "M-1"}, {"name": "B", "hs_sku": "M-2"}, reconcile_key="K"
    )
    project.write(
        "{kind: line_item, key: L, parent: {order: {" + parent.replace("{id}", order) + "}}, "
        "properties: {hs_sku: m-1}}"
    )
    said = project.fine(*PULL)
    line, other = ids(shop, order)
    assert f"Left out: 1 line item that another document declares: {line}" in said
    assert other in pulled(project)
    assert line not in pulled(project)
    project.fine("validate")
