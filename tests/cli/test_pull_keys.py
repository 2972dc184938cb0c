"""`pull`: a key leads to one record only, and what is written loads."""

import pytest

from tests.cli.conftest import PROJECT, Project, Shop

PULL = ("pull", "orders", "--all", "--properties", "hs_total_price")
KEYED = (*PULL, "--key", "hs_external_order_id")
REPEATED = "these have their id behind it or in its place"
UNUSABLE = "whose key cannot be that of a document, or is that of another one"


def pulled(project: Project, number: int = 1) -> str:
    """Return the text of a file that `pull` wrote."""
    return (project.folder / f"manifests/orders-{number:04}.yaml").read_text(encoding="utf-8")


def values(shop: Shop, order: str, *names: str) -> list[str | None]:
    """Return what HubSpot has of an order."""
    found = shop.http.get(f"/crm/v3/objects/orders/{order}?properties={','.join(names)}").json()
    return [found["properties"][name] for name in names]


@pytest.mark.parametrize("line_items", ["unique:reconcile_key", "within_parent:hs_sku"])
def test_a_key_of_the_state_leads_to_its_record(
    project: Project, shop: Shop, line_items: str
) -> None:
    """Also if no document declares it any more: it would be overwritten with another's values."""
    project.settings(PROJECT + f"    identity: {{line_item: '{line_items}'}}\n")
    line = "{key: E1:M, properties: {hs_sku: M, price: 5}}"
    project.write(
        f"{{kind: order, key: E1, properties: {{hs_total_price: 5}}, line_items: [{line}]}}"
    )
    project.fine("apply", "--auto-approve")
    project.write("{kind: cart, key: C}")
    new = shop.order({"hs_sku": "M", "price": "7"}, hs_external_order_id="e1", hs_total_price="7")
    old = shop.http.get("/crm/v3/objects/orders/E1?idProperty=reconcile_key").json()["id"]
    said = project.fine(*KEYED, "--lines", "hs_sku,price")
    assert f"Several have the key 'e1'; {REPEATED}: {new}" in said
    assert f'key: e1-{new}\nadopt: {{id: "{new}"}}' in pulled(project)
    assert f'key: "e1-{new}:M"' in pulled(project)
    assert "1 order, 1 line item to adopt" in project.fine("plan")
    project.fine("apply", "--auto-approve")
    assert values(shop, old, "reconcile_key", "hs_total_price") == ["E1", "5"]
    assert values(shop, new, "reconcile_key", "hs_total_price") == [f"e1-{new}", "7"]


def test_a_record_that_has_a_key_of_the_state_is_named(project: Project, shop: Shop) -> None:
    """If another record was applied under it, and no document declares that one any more."""
    project.write("{kind: order, key: E1}")
    project.fine("apply", "--auto-approve")
    project.write("{kind: cart, key: C}")
    old = shop.http.get("/crm/v3/objects/orders/E1?idProperty=reconcile_key").json()["id"]
    body = {"properties": {"reconcile_key": ""}}
    shop.http.patch(f"/crm/v3/objects/orders/{old}", json=body).raise_for_status()
    new = shop.order(reconcile_key="e1")
    said = " ".join(project.fine(*PULL).split())
    assert "No new orders: 1 order known already." in said
    assert f"Left out: 1 order or line items {UNUSABLE}: {new}" in said


def test_a_former_key_is_not_given_again(project: Project, shop: Shop) -> None:
    """Neither to a record that has it as a value, nor to the one that is renamed: it is named."""
    project.write("{kind: order, key: NEW, moved_from: OLD}")
    renamed = shop.order(reconcile_key="OLD")
    other = shop.order(hs_external_order_id="old")
    said = " ".join(project.fine(*KEYED).split())
    assert "Wrote 1 order into" in said
    assert f"Left out: 1 order or line items {UNUSABLE}: {renamed}" in said
    assert f'key: old-{other}\nadopt: {{id: "{other}"}}' in pulled(project)
    assert "1 order to adopt and update; 1 order to adopt" in project.fine("plan")


def test_a_key_that_another_record_has_is_left_to_it(project: Project, shop: Shop) -> None:
    """Also one that is not pulled, or only later; and it can be pulled afterwards."""
    keyed = shop.order({"name": "Mug", "reconcile_key": "451:Mug"}, reconcile_key="450")
    some = shop.order({"name": "Mug"}, hs_external_order_id="450")
    other = shop.order({"name": "Mug"}, hs_external_order_id="451")
    shop.post("/_sandbox/clock", {"advance": "120"})
    project.write(f"{some}\n{other}\n", "ids.txt")
    said = project.fine(
        *("pull", "orders", "--ids", "ids.txt", "--properties", "hs_total_price"),
        *("--lines", "name", "--key", "hs_external_order_id"),
    )
    assert f"Several have the key '450'; {REPEATED}: {some}" in said
    keys = [line for line in pulled(project).splitlines() if "key:" in line]
    (line,) = [key for key in keys if "451:Mug-" in key]
    assert [key for key in keys if key != line] == [
        f'key: "450-{some}"',
        f'  - key: "450-{some}:Mug"',
        'key: "451"',
    ]
    assert "2 orders, 2 line items to adopt" in project.fine("plan")
    assert "Left out: 2 orders known already" in project.fine(*KEYED, "--lines", "name")
    assert 'key: "450"\nline_items:\n  - key: "451:Mug"\n' in pulled(project, 2)
    assert keyed not in pulled(project, 2)
    assert "3 orders, 3 line items to adopt" in project.fine("plan")


def test_no_key_is_looked_up_where_no_record_has_one(project: Project, shop: Shop) -> None:
    """One search for each kind is all that it costs before the first apply."""
    for number in range(3):
        shop.order({"name": "Mug"}, hs_external_order_id=str(number))
    project.account.server.clear_requests()
    project.fine(*KEYED, "--lines", "name")
    calls = [one.path for one in project.account.server.requests() if one.method == "POST"]
    assert [path for path in calls if "search" in path] == [
        "/crm/v3/objects/orders/search",
        "/crm/v3/objects/line_items/search",
    ]
    assert [path for path in calls if path.endswith("orders/batch/read")] == []


def test_a_record_whose_key_a_document_gives_to_another_is_named(
    project: Project, shop: Shop
) -> None:
    """It is not known: that document adopts another record."""
    keyed, other = shop.order(reconcile_key="K"), shop.order()
    project.write(f'{{kind: order, key: K, adopt: {{id: "{other}"}}}}')
    said = " ".join(project.fine(*PULL).split())
    assert "No new orders: 1 order known already." in said
    assert f"Left out: 1 order or line items {UNUSABLE}: {keyed}" in said


def test_keys_are_never_too_long(project: Project, shop: Shop) -> None:
    """With an id behind them, or below an order with a long key; the id itself always fits."""
    for _ in range(2):
        shop.order({"name": "Mug"}, hs_external_order_id="L" * 250)
    line = shop.order({"name": "N" * 200}, hs_external_order_id="M" * 255)
    project.fine(*KEYED, "--lines", "name")
    assert "3 orders, 3 line items to adopt" in project.fine("plan")
    assert pulled(project).count("L" * 250) == 2
    assert f'key: {"M" * 255}\nadopt: {{id: "{line}"}}' in pulled(project)
    project.fine("apply", "--auto-approve")
    assert "No changes. 6 records are as declared." in project.fine("plan")


def test_an_order_that_is_named_by_its_id_is_left_out(project: Project, shop: Shop) -> None:
    """Where keys are ids, a line item's parent can be a document or an id, not both."""
    project.settings(PROJECT + "    identity: {order: id}\n")
    parent, other = shop.order(), shop.order()
    project.write(f'{{kind: line_item, key: L, parent: {{order: {{id: "{parent}"}}}}}}')
    said = " ".join(project.fine(*PULL).split())
    assert "Wrote 1 order into" in said
    assert f"Left out: 1 order or line items {UNUSABLE}: {parent}" in said
    assert f'key: "{other}"\n' in pulled(project)
    assert "1 line item to create; 1 order to adopt" in project.fine("plan")
