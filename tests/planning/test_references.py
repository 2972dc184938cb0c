"""References that survive a change of account: by domain, by SKU, by any unique property."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pytest
from held import guards, held, left
from world import (
    KEY,
    World,
    actions,
    cart,
    changes,
    explained,
    incomplete,
    line,
    messages,
    order,
    seed,
    statuses,
)

from reconcile import workflow
from reconcile.errors import ManifestError
from reconcile.model.plan import Action, Plan
from reconcile.model.records import Location
from reconcile.planning.consistency import contradictions

INDEXED = 60.0
"""Seconds after which search shows what was written."""

IDENTITIES = ({}, {"line_item": "within_parent:hs_sku"})
"""How line items are found: by their key, and among those of their order."""


def of_company(key: str, **by: str) -> Any:
    """An order of a company."""
    return order(key, associations={"company": [by]})


def why(plan: Plan, address: str) -> str:
    """Why a record is in conflict."""
    change = changes(plan)[address]
    assert change.action is Action.CONFLICT
    return explained(change)


def unique(world: World, object_: str, name: str, group: str) -> None:
    """An admin makes a unique text property."""
    body = {"name": name, "label": name, "type": "string", "fieldType": "text"}
    more = {"groupName": group, "hasUniqueValue": True}
    world.http.post(f"/crm/v3/properties/{object_}", json=body | more).raise_for_status()


def test_a_company_is_found_by_its_domain(world: World) -> None:
    """In any case; the plan names the domain, and the next one is empty."""
    company = world.make("companies", domain="example.com", name="Example")
    world.make("companies", domain="example.com.au")
    world.sleep(INDEXED)
    plan = world.plan(of_company("A", domain="Example.COM"))
    (link,) = changes(plan)["order/A"].links
    assert (link.id, link.shown, link.personal) == (company, "company domain=Example.COM", False)
    world.converge(of_company("A", domain="Example.COM"))
    assert world.links(("orders", world.id_of("orders", "A")), "companies").keys() == {company}


def test_several_companies_with_one_domain_are_a_conflict(world: World) -> None:
    """The conflict names them; another order is planned."""
    ids = [world.make("companies", domain="twice.example") for _ in range(2)]
    world.sleep(INDEXED)
    plan = world.plan(of_company("A", domain="twice.example"), order("B"))
    assert actions(plan) == {"order/A": Action.CONFLICT, "order/B": Action.CREATE}
    said = why(plan, "order/A")
    assert f"2 companies have domain 'twice.example': {', '.join(ids)}" in said
    assert "refer to one of them by its id" in said


def test_a_domain_that_no_company_has_is_a_conflict_with_its_place(world: World) -> None:
    """Search proposed one that has another domain by now: it does not count."""
    company = world.make("companies", domain="was.example")
    world.sleep(INDEXED)
    world.edit("companies", company, domain="is.example")
    plan = world.plan(of_company("A", domain="was.example"))
    assert "no company has domain 'was.example'" in why(plan, "order/A")
    (one,) = changes(plan)["order/A"].why
    assert isinstance(one.location, Location)
    assert (one.location.file, one.location.line) == ("manifests/all.yaml", 1)


def test_a_record_is_found_by_a_unique_property_of_its_own(watched: World) -> None:
    """The account's definition makes it unique: one batch read, and no search."""
    unique(watched, "companies", "vat_id", "companyinformation")
    company = watched.make("companies", vat_id="NL-1")
    document = of_company("A", vat_id="NL-1")
    assert changes(watched.plan(document))["order/A"].links[0].id == company
    assert len(watched.proxy.to("POST", "/companies/batch/read")) == 1
    assert not watched.proxy.to("POST", "/companies/search")
    watched.converge(document)


@pytest.mark.parametrize(
    ("by", "message"),
    [
        ({"domian": "x"}, "companies have no property 'domian'; did you mean 'domain'?"),
        ({"name": "C 501"}, "several companies may have the same name: it is not unique"),
    ],
)
def test_a_property_that_finds_no_single_record_is_a_conflict(
    world: World, by: dict[str, str], message: str
) -> None:
    """The hint lists the ways that there are."""
    said = why(world.plan(of_company("A", **by)), "order/A")
    assert message in said
    assert "refer to it by id or domain" in said


def test_a_reference_names_its_record_once(world: World) -> None:
    """Two properties, and a mistyped field beside one, are problems of the manifest."""
    world.declare(
        of_company("A", domain="x", name="y"),
        of_company("B", id="501", lable="primary"),
    )
    with pytest.raises(ManifestError) as caught:
        world.plan()
    assert [one.message for one in caught.value.problems] == [
        "unknown field 'name' in a reference to a company",
        "unknown field 'lable' in a reference to a company; did you mean 'label'?",
    ]


OTHERS = {
    "deal": ("deals", 512),
    "discount": ("discounts", 519),
    "invoice": ("invoices", 518),
    "payment": ("commerce_payments", 523),
    "quote": ("quotes", 730),
    "subscription": ("subscriptions", 516),
    "ticket": ("tickets", 525),
}


def test_orders_are_associated_with_every_object_that_has_a_type_id(world: World) -> None:
    """With HubSpot's own types; what is no longer declared is removed again."""
    ids = {word: world.make(object_) for word, (object_, _) in OTHERS.items()}
    world.converge(order("A", associations={word: [{"id": id_}] for word, id_ in ids.items()}))
    here = ("orders", world.id_of("orders", "A"))
    for word, (object_, number) in OTHERS.items():
        assert world.links(here, object_) == {ids[word]: {("HUBSPOT_DEFINED", number)}}
    world.converge(order("A"))
    assert not any(world.links(here, object_) for object_, _ in OTHERS.values())


def with_product(key: str, by: dict[str, str], **properties: str) -> Any:
    """An order with one line item of a product."""
    return order(key, [{**line(f"{key}:1", **properties), "product": by}])


@pytest.mark.parametrize("identity", IDENTITIES)
def test_a_line_item_gets_its_product_by_sku(
    build: Callable[..., World], identity: dict[str, str]
) -> None:
    """The property gets the product's id; the plan shows the SKU; the next plan is empty."""
    world = build(identity=identity)
    product = world.make("products", hs_sku="MUG", name="Mug", price="16", description="Blue")
    document = with_product("A", {"hs_sku": "MUG"}, hs_sku="L-1", price="14", description="")
    (field,) = (
        one
        for one in changes(world.plan(document))["line_item/A:1"].fields
        if one.name == "hs_product_id"
    )
    assert (field.after, field.shown_after) == (product, "MUG")
    world.converge(document)
    (values,) = world.dump("line_items").values()
    assert values["hs_product_id"] == product
    assert (values["price"], values["name"]) == ("14", "Mug")
    assert "description" not in values


@pytest.mark.parametrize("identity", IDENTITIES)
def test_another_product_does_not_change_what_is_declared(
    build: Callable[..., World], identity: dict[str, str]
) -> None:
    """HubSpot copies a product's values into those that are not sent: declared ones are sent."""
    world = build(identity=identity)
    world.make("products", hs_sku="MUG", price="16")
    cup = world.make("products", hs_sku="CUP", price="9", name="Cup", description="White")
    said = {"hs_sku": "L-1", "price": "14", "description": "", "quantity": "2"}
    world.converge(with_product("A", {"hs_sku": "MUG"}, **said))
    world.declare(with_product("A", {"hs_sku": "CUP"}, **said))
    plan = world.plan(allow={})
    (change,) = plan.records()
    assert [(one.name, one.is_restated) for one in change.fields] == [
        ("description", True),
        ("hs_product_id", False),
        ("hs_sku", True),
        ("price", True),
    ]
    assert list(contradictions(plan)) == []
    assert incomplete(world.apply(plan)) == ()
    (values,) = world.dump("line_items").values()
    assert (values["hs_product_id"], values["price"], values["hs_sku"]) == (cup, "14", "L-1")
    assert "description" not in values
    assert not world.plan(allow={}).units


def test_a_price_that_others_changed_holds_back_another_product(world: World) -> None:
    """Writing the product alone would let HubSpot replace that price."""
    for sku, price in (("MUG", "16"), ("CUP", "9")):
        world.make("products", hs_sku=sku, price=price)
    world.converge(with_product("A", {"hs_sku": "MUG"}, price="14"))
    (item,) = world.dump("line_items")
    world.edit("line_items", item, price="12")
    world.declare(with_product("A", {"hs_sku": "CUP"}, price="14"))
    plan = world.plan(allow={})
    assert guards(plan) == {"both": 1}
    assert {name: one.action for name, one in held(plan).items()} == {
        "line_item/A:1": Action.UPDATE
    }


def test_a_product_that_others_changed_is_left_alone(world: World) -> None:
    """With the values that came with it."""
    for sku, price in (("MUG", "16"), ("CUP", "9")):
        world.make("products", hs_sku=sku, price=price)
    world.converge(with_product("A", {"hs_sku": "MUG"}, price="14"))
    (item,) = world.dump("line_items")
    cup = next(i for i, one in world.dump("products").items() if one["hs_sku"] == "CUP")
    world.edit("line_items", item, hs_product_id=cup)
    assert left(world.plan(allow={})) == {"line_item/A:1": {"hs_product_id", "price"}}


@pytest.mark.parametrize(
    ("by", "message"),
    [
        ({"hs_sku": "NONE"}, "no product has hs_sku 'NONE'"),
        ({"id": "999"}, "no product has id '999'"),
        ({"name": "Mug"}, "several products may have the same name: it is not unique"),
    ],
)
def test_a_product_that_is_not_found_is_a_conflict_of_the_line_item(
    world: World, by: dict[str, str], message: str
) -> None:
    """The order and other line items are planned."""
    plan = world.plan(with_product("A", by))
    assert actions(plan) == {"order/A": Action.CREATE, "line_item/A:1": Action.CONFLICT}
    assert message in why(plan, "line_item/A:1")


def test_an_adopted_line_item_keeps_what_is_declared(world: World) -> None:
    """It gets a product, and values that are equal already are sent along."""
    world.make("products", hs_sku="MUG", price="16", name="Mug")
    order_id = world.make("orders", "A")
    item = world.make("line_items", name="Mine", price="14")
    world.link(("line_items", item), ("orders", order_id))
    lines = [
        {
            **line("A:1", name="Mine", price="14.0"),
            "product": {"hs_sku": "MUG"},
            "adopt": {"id": item},
        }
    ]
    world.declare(order("A", lines, adopt={"id": order_id}))
    plan = world.plan(allow={})
    assert held(plan) == {}
    assert list(contradictions(plan)) == []
    assert incomplete(world.apply(plan)) == ()
    values = world.dump("line_items")[item]
    assert (values["name"], values["price"], values["hs_sku"]) == ("Mine", "14", "MUG")
    assert not world.plan(allow={}).units


def test_a_standalone_line_item_has_a_product(world: World) -> None:
    """Under an order that another system owns."""
    mug = world.make("products", hs_sku="MUG")
    world.make("orders", "A")
    document = {
        "kind": "line_item",
        "key": "L",
        "parent": {"order": {"key": "A"}},
        "product": {"hs_sku": "MUG"},
    }
    world.converge(document)
    assert world.record("line_items", "L")["hs_product_id"] == mug


def test_an_ignored_product_is_set_once(world: World) -> None:
    """Another one in git, or in HubSpot, changes nothing afterwards; it need not even exist."""
    world.make("products", hs_sku="MUG")
    ignored = {"lifecycle": {"ignore": ["hs_product_id"]}}
    (item,) = with_product("A", {"hs_sku": "MUG"})["line_items"]
    world.converge(order("A", [{**item, **ignored}]))
    again = {**item, **ignored, "product": {"hs_sku": "NONE"}}
    assert not world.plan(order("A", [again])).units


def test_products_of_one_property_are_looked_up_together(watched: World) -> None:
    """For any number of line items."""
    for number in range(3):
        watched.make("products", hs_sku=f"P{number}")
    watched.plan(*(with_product(f"O{n}", {"hs_sku": f"P{n % 3}"}) for n in range(9)))
    assert len(watched.proxy.to("POST", "/products/batch/read")) == 1


def test_a_default_gives_a_product_that_a_document_can_replace_or_clear(world: World) -> None:
    """By the name of the property, as for every default."""
    mug = world.make("products", hs_sku="MUG")
    cup = world.make("products", hs_sku="CUP")
    lines = [
        line("A:1"),
        {**line("A:2"), "product": {"hs_sku": "CUP"}},
        {**line("A:3"), "properties": {"hs_product_id": cup}},
        {**line("A:4"), "unmanaged": ["hs_product_id"]},
    ]
    world.declare(order("A", lines))
    text = '{"kind": "defaults", "line_item": {"product": {"hs_sku": "MUG"}}}'
    (world.folder / "manifests" / "defaults.yaml").write_text(text, encoding="utf-8")
    assert incomplete(world.apply()) == ()
    products = [world.record("line_items", f"A:{n}")["hs_product_id"] for n in range(1, 5)]
    assert products == [mug, cup, cup, None]
    assert not world.plan().units


def test_a_product_is_given_once(world: World) -> None:
    """By the field or by the property, not by both."""
    world.declare(with_product("A", {"hs_sku": "MUG"}, hs_product_id="5"))
    with pytest.raises(ManifestError, match="product gives hs_product_id, which"):
        world.plan()


def test_a_value_that_is_sent_again_must_be_as_planned(world: World) -> None:
    """Somebody edits the price between plan and apply: nothing is written."""
    mug = world.make("products", hs_sku="MUG", price="16")
    world.make("products", hs_sku="CUP", price="9")
    world.converge(with_product("A", {"hs_sku": "MUG"}, price="14"))
    (item,) = world.dump("line_items")
    plan = world.plan(with_product("A", {"hs_sku": "CUP"}, price="14"), allow={})
    world.edit("line_items", item, price="12")
    report = world.apply(plan)
    assert statuses(report)["line_item/A:1"] == "conflict"
    assert "price was '14', is '12'" in messages(report)["line_item/A:1"]
    values = world.dump("line_items")[item]
    assert (values["price"], values["hs_product_id"]) == ("12", mug)


def test_a_product_that_others_set_meanwhile_is_not_written_again(world: World) -> None:
    """Nor are the values that would have been sent along."""
    world.make("products", hs_sku="MUG")
    cup = world.make("products", hs_sku="CUP")
    world.converge(with_product("A", {"hs_sku": "MUG"}, price="14"))
    (item,) = world.dump("line_items")
    plan = world.plan(with_product("A", {"hs_sku": "CUP"}, price="14"), allow={})
    world.edit("line_items", item, hs_product_id=cup)
    world.forget_calls()
    assert incomplete(world.apply(plan)) == ()
    assert not [one for one in world.writes() if "line_items" in one.path]
    assert not world.plan(allow={}).units


@pytest.mark.parametrize("seed", range(4))
def test_what_a_plan_does_not_say_stays_as_others_left_it(world: World, seed: int) -> None:
    """While git and others change the product, the price and the name, in any order."""
    chance = Random(seed)
    skus = ("MUG", "CUP", "JUG")
    products = {
        sku: world.make("products", hs_sku=sku, price=str(n), description=sku)
        for n, sku in enumerate(skus, 20)
    }
    declared = {"sku": "MUG", "price": "1", "name": "One"}
    copied = ("description", "hs_sku")
    item = ""
    for number in range(12):
        if item and chance.random() < 0.5:
            ours = {"hs_product_id": products[chance.choice(skus)], "price": str(100 + number)}
            name = chance.choice(sorted(ours))
            world.edit("line_items", item, **{name: ours[name]})
        word = chance.choice(sorted(declared))
        declared[word] = chance.choice(skus) if word == "sku" else str(number)
        said = {"price": declared["price"], "name": declared["name"]}
        world.declare(with_product("A", {"hs_sku": declared["sku"]}, **said))
        plan = world.plan(allow={})
        assert list(contradictions(plan)) == []
        before = world.dump("line_items").get(item, {})
        assert incomplete(world.apply(plan)) == ()
        ((item, after),) = world.dump("line_items").items()
        written = {one.name: one.after for change in plan.records() for one in change.fields}
        if "hs_product_id" not in written:
            assert {name: after.get(name) for name in copied if before} == {
                name: before.get(name) for name in copied if before
            }
        for name in ("price", "name", "hs_product_id"):
            assert after[name] == written.get(name, before.get(name)), name
        assert not any(one.changes for one in world.plan(allow={}).units)


CARS = "2-1001"
"""The type id of a custom object of the account."""


@pytest.fixture
def garage(tmp_path: Path) -> Iterator[World]:
    """An account with a custom object, which orders can be associated with."""
    path = tmp_path / "seed.json"
    content = seed() | {"custom_objects": {CARS: ["orders"]}}
    path.write_text(json.dumps(content), encoding="utf-8")
    with World(tmp_path / "garage", seed=path) as made:
        yield made


def test_an_order_is_associated_with_a_record_of_a_custom_object(garage: World) -> None:
    """With the type that the account's labels give; it is removed when no longer declared."""
    one, other = (garage.make(CARS) for _ in range(2))
    document = order("A", associations={CARS: [{"id": one}, {"id": other}]})
    plan = garage.plan(document)
    assert list(contradictions(plan)) == []
    assert [link.shown for link in changes(plan)["order/A"].links] == [
        f"{CARS} id={one}",
        f"{CARS} id={other}",
    ]
    garage.converge(document)
    here = ("orders", garage.id_of("orders", "A"))
    (plain,) = garage.links(here, CARS)[one]
    assert plain[0] == "USER_DEFINED"
    plan = garage.plan(order("A", associations={CARS: [{"id": other}]}))
    assert list(contradictions(plan)) == []
    garage.converge(order("A", associations={CARS: [{"id": other}]}))
    assert garage.links(here, CARS) == {other: {plain}}
    garage.converge(order("A"))
    assert garage.links(here, CARS) == {}


def test_a_plan_file_cannot_give_a_custom_association_without_its_reference(
    garage: World,
) -> None:
    """Nobody would see which one it is."""
    plan = garage.plan(order("A", associations={CARS: [{"id": garage.make(CARS)}]}))
    (unit,) = plan.units
    (change,) = unit.changes
    links = tuple(replace(link, references=(), ours=()) for link in change.links)
    forged = replace(plan, units=(replace(unit, changes=(replace(change, links=links),)),))
    assert any("no reference asks for this" in one for one in contradictions(forged))


def test_a_label_of_others_on_a_custom_association_stays(garage: World) -> None:
    """Removing the plain type would remove it too (reference §11)."""
    car = garage.make(CARS)
    garage.converge(order("A", associations={CARS: [{"id": car}]}))
    here = ("orders", garage.id_of("orders", "A"))
    labels = f"/crm/v4/associations/orders/{CARS}/labels"
    made = garage.http.post(labels, json={"label": "Mine", "name": "mine"}).json()["results"]
    garage.link(here, (CARS, car), ("USER_DEFINED", made[0]["typeId"]))
    before = garage.links(here, CARS)
    assert len(before[car]) == 2
    assert not garage.plan().units
    garage.converge(order("A"))
    assert garage.links(here, CARS) == before


def test_a_custom_object_is_found_by_a_unique_property(garage: World) -> None:
    """As every other object."""
    unique(garage, CARS, "plate", "2_1001_information")
    car = garage.make(CARS, plate="AB-12")
    garage.converge(order("A", associations={CARS: [{"plate": "AB-12"}]}))
    assert garage.links(("orders", garage.id_of("orders", "A")), CARS).keys() == {car}


def test_a_custom_object_that_the_account_lacks_is_a_conflict(garage: World) -> None:
    """So is one that records of the kind cannot be associated with; others are planned."""
    car = garage.make(CARS)
    plan = garage.plan(
        order("A", associations={"2-9": [{"id": "1"}]}),
        cart("C", associations={CARS: [{"id": car}]}),
        order("B", associations={CARS: [{"id": car}]}),
    )
    assert actions(plan) == {
        "order/A": Action.CONFLICT,
        "order/B": Action.CREATE,
        "cart/C": Action.CONFLICT,
    }
    assert "orders cannot be associated with 2-9 in this account" in why(plan, "order/A")
    assert f"carts cannot be associated with {CARS} in this account" in why(plan, "cart/C")


def test_line_items_have_no_custom_associations(garage: World) -> None:
    """They have none at all but with their parent."""
    lines = [{**line("A:1"), "associations": {CARS: [{"id": "1"}]}}]
    garage.declare(order("A", lines))
    with pytest.raises(ManifestError, match=f"has no association '{CARS}'"):
        garage.plan()


@pytest.mark.parametrize("prune", [True, False])
def test_a_cart_that_an_order_refers_to_is_not_archived(world: World, *, prune: bool) -> None:
    """By a property of its own, as it would not be if the order named its key."""
    unique(world, "carts", "ext", "cart_information")
    towards = order("A", associations={"cart": [{"ext": "X1"}]})
    world.converge(cart("K", ext="X1"))
    world.converge(towards, cart("K", ext="X1"))
    gone = [] if prune else [cart("K", lifecycle={"state": "absent"})]
    world.declare(towards, *gone)
    plan = world.plan(prune=prune, allow={"prune": 1} if prune else {})
    assert "a document refers to it by its ext" in why(plan, "cart/K")
    world.declare(order("A"), *gone)
    assert world.apply(world.plan(prune=prune, allow={"prune": 1} if prune else {})).complete
    assert world.dump("carts") == {}


def test_an_end_that_is_not_planned_is_looked_up(world: World) -> None:
    """Somebody archived the cart: nothing of the order is written before that is known."""
    towards = order("A", memo="2", associations={"cart": [{"key": "K"}]})
    world.converge(order("A", memo="1"), cart("K"))
    record = world.id_of("carts", "K")
    world.declare(towards, cart("K"))
    units = world.units()
    of_order = [one for one in units if one.address.kind == "order"]

    def planned() -> Plan:
        with world.session() as session:
            return workflow.plan(session, of_order, declared=units)

    world.edit("carts", record, **{KEY: ""})
    assert actions(planned()) == {"order/A": "update"}
    world.archive("carts", record)
    assert f"record {record} of cart/k is not in HubSpot any more" in why(planned(), "order/A")
