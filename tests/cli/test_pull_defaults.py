"""`pull` into a folder with defaults: adopting what was pulled changes nothing."""

import pytest

from tests.cli.conftest import PROJECT, Project, Shop

PULL = ("pull", "orders", "--all", "--properties", "hs_tags")


def pulled(project: Project, folder: str = "manifests") -> str:
    """Return what was written."""
    return (project.folder / folder / "orders-0001.yaml").read_text(encoding="utf-8")


def test_defaults_that_records_do_not_have_are_taken_away(project: Project, shop: Shop) -> None:
    """Those that they have stay: the folder's defaults are for them too."""
    project.write(
        "kind: defaults\norder:\n  properties:\n    hs_currency_code: EUR\n    hs_order_note: x\n"
        "    hs_total_price: 10.0\n    hs_tags: ours\n    hs_pipeline_stage: Open\n"
        "line_item:\n  properties: {description: x, price: 7}\n",
        "manifests/defaults.yaml",
    )
    stages = shop.http.get("/crm/v3/pipelines/orders").json()["results"][0]["stages"]
    by_label = {one["label"]: one["id"] for one in stages}
    shop.order(
        {"name": "Mug", "description": "x"},
        hs_currency_code="EUR",
        hs_order_note="x",
        hs_total_price="10.00",
        hs_tags="theirs",
        hs_pipeline_stage=by_label["Open"],
    )
    shop.order(
        {"name": "Cup", "price": "7"},
        hs_currency_code="USD",
        hs_total_price="9",
        hs_pipeline_stage=by_label["Shipped"],
    )
    said = project.fine(*PULL, "--lines", "name")
    assert (
        "These defaults do not apply to what was pulled, so that adopting changes nothing:\n"
        "  description: in 1 record\n  hs_currency_code: in 1 record\n"
        "  hs_order_note: in 1 record\n  hs_pipeline_stage: in 1 record\n"
        "  hs_tags: in 1 record\n  hs_total_price: in 1 record\n  price: in 1 record\n"
    ) in said
    first, second = pulled(project).split("---\n")[1:]
    assert "properties:\n  hs_tags: theirs\nline_items:" in first
    assert "      name: Mug\n    unmanaged: [price]\n" in first
    names = "hs_currency_code, hs_order_note, hs_pipeline_stage, hs_tags, hs_total_price"
    assert f"unmanaged: [{names}]\n" in second
    assert "    unmanaged: [description]\n" in second
    assert "Plan: 2 orders, 2 line items to adopt." in project.fine("plan")
    project.fine("apply", "--auto-approve")
    assert "No changes" in project.fine("plan")


def test_defaults_of_the_folder_count_and_those_above(project: Project, shop: Shop) -> None:
    """Also in a folder that is made by this, or that has no documents yet."""
    project.write("kind: defaults\norder: {properties: {hs_order_note: x}}", "defaults.yaml")
    project.write(
        "kind: defaults\norder: {unmanaged: [hs_order_note], properties: {hs_tags: y}}",
        "manifests/sub/defaults.yaml",
    )
    shop.order()
    project.fine(*PULL, "--into", "manifests/sub/deep")
    assert "unmanaged: [hs_tags]\n" in pulled(project, "manifests/sub/deep")
    assert "Plan: 1 order to adopt." in project.fine("plan")
    shop.order()
    project.fine(*PULL)
    assert "unmanaged: [hs_order_note]\n" in pulled(project)
    assert "Plan: 2 orders to adopt." in project.fine("plan")


def test_defaults_with_problems_are_reported_first(project: Project, shop: Shop) -> None:
    """Also if no document is in their folder yet: what is pulled would not load."""
    shop.order()
    project.write("kind: defaults\nordr: {}", "manifests/sub/defaults.yaml")
    said = project.refused(*PULL, "--into", "manifests/sub")
    assert "manifests/sub/defaults.yaml:2:1: defaults are for a kind, and 'ordr' is not one" in said


def test_what_cannot_be_compared_or_written_is_taken_away(project: Project, shop: Shop) -> None:
    """Products are named by SKU, labels may lead nowhere, and `manage` may not list a property."""
    project.settings(
        PROJECT
        + "    manage: {order: [hs_tags, hs_pipeline_stage], line_item: [name, hs_product_id]}\n"
    )
    project.write(
        "kind: defaults\norder: {properties: {hs_pipeline_stage: Nowhere, hs_order_note: x}}\n"
        "line_item: {product: {hs_sku: MUG}}\n",
        "manifests/defaults.yaml",
    )
    product = shop.make("products", name="Mug", hs_sku="MUG")
    shop.order({"name": "Mug", "hs_product_id": product}, hs_order_note="x")
    project.fine(*PULL, "--lines", "name")
    assert "unmanaged: [hs_order_note, hs_pipeline_stage]\n" in pulled(project)
    assert "    unmanaged: [hs_product_id]\n" in pulled(project)
    assert "Plan: 1 order, 1 line item to adopt." in project.fine("plan")


@pytest.mark.parametrize("asked", [(), ("--associations", "contact,company")])
def test_associations_of_defaults_are_taken_away(
    project: Project, shop: Shop, asked: tuple[str, ...]
) -> None:
    """Unless the record's own were pulled."""
    project.write(
        'kind: defaults\norder: {associations: {company: [{id: "501"}], contact: '
        "[{email: ines.rocha@example.com}]}}",
        "manifests/defaults.yaml",
    )
    order = shop.order()
    contact = shop.make("contacts", email="ana.paula@example.com")
    types = [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 507}]
    ends = {"from": {"id": order}, "to": {"id": contact}, "types": types}
    shop.post("/crm/v4/associations/orders/contacts/batch/create", {"inputs": [ends]})
    said = project.fine(*PULL, *asked)
    own = '[{email: "ana.paula@example.com"}]' if asked else "[]"
    assert "  company: []\n" in pulled(project)
    assert f"  contact: {own}\n" in pulled(project)
    assert ("  contact: in 1 record" in said) is not asked
    assert "  company: in 1 record" in said
    assert "Plan: 1 order to adopt." in project.fine("plan")


def test_exact_lines_are_opened_where_line_items_are_left_out(project: Project, shop: Shop) -> None:
    """They would be archived; where all are declared the default stays."""
    project.settings(PROJECT + '    identity: {line_item: "within_parent:hs_sku"}\n')
    project.write("kind: defaults\norder: {lines: exact}", "manifests/defaults.yaml")
    whole = shop.order({"name": "A", "hs_sku": "M-1"})
    shop.order({"name": "A", "hs_sku": "M-1"}, {"name": "B"})
    said = project.fine(*PULL, "--lines", "name")
    assert "  lines: exact: in 1 record\n" in said
    first, second = pulled(project).split("---\n")[1:]
    assert f'key: "{whole}"' in first
    assert "lines: open" not in first
    assert "lines: open\nline_items:" in second
    planned = project.fine("plan")
    assert "Plan: 2 orders, 2 line items to adopt." in planned
    (project.folder / "manifests/orders-0001.yaml").unlink()
    project.fine(*PULL)
    assert pulled(project).count("lines: open\n") == 2
