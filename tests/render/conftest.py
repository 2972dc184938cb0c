"""One plan with everything in it: every action, reason, link, guard, conflict, personal value."""

import pytest

from reconcile.model.address import Address
from reconcile.model.explanation import Explanation
from reconcile.model.plan import (
    Action,
    FieldChange,
    Guard,
    LinkChange,
    Plan,
    PropertyDefine,
    Reason,
    RecordChange,
    TargetPin,
    UnitChange,
)

TYPES = (("HUBSPOT_DEFINED", 507),)


def _order(key: str) -> Address:
    return Address("order", key)


def _line(key: str) -> Address:
    return Address("line_item", key)


def _new(name: str, after: str, *, shown: str = "", personal: bool = False) -> FieldChange:
    return FieldChange(name, "", after, Reason.NEW, shown_after=shown, personal=personal)


def _created() -> UnitChange:
    order = RecordChange(
        _order("NW-10248"),
        Action.CREATE,
        title="Vins et alcools Chevalier, 4 July 1996",
        fields=(
            _new("reconcile_key", "NW-10248"),
            _new("hs_currency_code", "USD"),
            _new("hs_order_name", "Vins et alcools Chevalier, 4 July 1996", personal=True),
            _new("hs_pipeline_stage", "4b27b500", shown="Delivered"),
            _new("hs_shipping_address_city", "Reims", personal=True),
            _new("hs_shipping_address_street", "59 rue de l'Abbaye", personal=True),
            _new("hs_total_price", "472.38"),
        ),
        links=(
            LinkChange(
                add=True,
                to="contact",
                id="55",
                address=None,
                types=TYPES,
                shown="contact email=paul.henriot@example.com",
                personal=True,
            ),
        ),
    )
    lines = (
        ("NW-10248:11", "Queso Cabrales", "12", "14.00"),
        ("NW-10248:42", "Singaporean Hokkien Fried Mee", "10", "9.80"),
    )
    return UnitChange(
        order.address,
        (
            order,
            *(
                RecordChange(
                    _line(key),
                    Action.CREATE,
                    title=name,
                    parent=order.address,
                    fields=(
                        _new("reconcile_key", key),
                        _new("name", name),
                        _new("price", price),
                        _new("quantity", quantity),
                    ),
                )
                for key, name, quantity, price in lines
            ),
        ),
    )


def _updated() -> UnitChange:
    order = RecordChange(
        _order("NW-10249"),
        Action.UPDATE,
        id="9001",
        title="Toms Spezialitäten, 5 July 1996",
        fields=(
            FieldChange("hs_order_note", "", "ring [bold]twice[/bold]", Reason.CHANGE),
            FieldChange(
                "hs_pipeline_stage",
                "s1",
                "s2",
                Reason.BOTH,
                shown_before="Open",
                shown_after="Delivered",
            ),
            FieldChange(
                "hs_shipping_address_city", "Münster", "Munster", Reason.DRIFT, personal=True
            ),
            FieldChange("hs_shipping_address_name", "Tom", "Thomas", Reason.CHANGE, personal=True),
            FieldChange("hs_tags", "Federal Shipping", "", Reason.CHANGE),
            FieldChange("hs_total_price", "1863.40", "1901.00", Reason.CHANGE),
        ),
        links=(
            LinkChange(
                add=False, to="company", id="501", address=None, types=TYPES, shown="company id=501"
            ),
            LinkChange(
                add=True,
                to="cart",
                id="",
                address=Address("cart", "NW-CART-7"),
                types=TYPES,
                shown="",
            ),
        ),
    )
    line = RecordChange(
        _line("NW-10249:14"),
        Action.UPDATE,
        id="9002",
        title="Tofu",
        parent=order.address,
        fields=(FieldChange("quantity", "9", "10", Reason.CHANGE),),
    )
    return UnitChange(order.address, (order, line), others=2)


def _one(change: RecordChange, unit: Address | None = None) -> UnitChange:
    return UnitChange(unit or change.address, (change,))


def _price(before: str, after: str, reason: Reason) -> tuple[FieldChange, ...]:
    return (FieldChange("hs_total_price", before, after, reason),)


@pytest.fixture
def plan() -> Plan:
    """A plan with one of everything."""
    return Plan(
        target=TargetPin("northwind-sandbox", 8675309, "DEVELOPER_TEST", sandbox=True),
        units=(
            _one(
                RecordChange(
                    Address("cart", "NW-CART-7"),
                    Action.CREATE,
                    title="Rancho grande",
                    fields=(_new("reconcile_key", "NW-CART-7"), _new("hs_total_price", "79.17")),
                )
            ),
            _created(),
            _updated(),
            _one(
                RecordChange(
                    _order("NW-10250"), Action.ADOPT, id="9003", title="Hanari Carnes", adopts=True
                )
            ),
            _one(RecordChange(_order("NW-10251"), Action.ADOPT, id="9004", title="Victuailles")),
            _one(
                RecordChange(
                    _order("NW-10252"),
                    Action.CONFLICT,
                    id="9005",
                    title="Suprêmes délices",
                    why=(
                        Explanation(
                            "record 9005 is archived in HubSpot",
                            "restore it there, or --recreate it",
                        ),
                    ),
                )
            ),
            _one(
                RecordChange(
                    _line("NW-10253:31"),
                    Action.UPDATE,
                    id="9006",
                    title="Gorgonzola Telino",
                    fields=(FieldChange("price", "10.00", "10.50", Reason.CHANGE),),
                ),
                unit=_order("NW-10253"),
            ),
            _one(
                RecordChange(
                    _order("NW-10254"),
                    Action.UPDATE,
                    id="9007",
                    adopts=True,
                    fields=_price("1.00", "2.00", Reason.UNSEEN),
                )
            ),
            _one(
                RecordChange(
                    _order("NW-10255"),
                    Action.UPDATE,
                    id="9008",
                    rekey=True,
                    fields=_price("3.00", "4.00", Reason.UNKNOWN),
                )
            ),
            _one(
                RecordChange(
                    _order("NW-10256"),
                    Action.CREATE,
                    recreates=True,
                    fields=_price("", "5.00", Reason.NEW),
                )
            ),
            _one(
                RecordChange(
                    _order("NW-10257"),
                    Action.ASSOCIATE,
                    id="9009",
                    title="HILARION-Abastos",
                    links=(
                        LinkChange(
                            add=True,
                            to="company",
                            id="502",
                            address=None,
                            types=TYPES,
                            shown="company id=502 (primary)",
                        ),
                    ),
                )
            ),
        ),
        unchanged=2990,
        defines=(PropertyDefine("order", "reconcile_key", "Reconcile key", "order_information"),),
        undeclared=tuple(_order(f"OLD-{number:02}") for number in range(22)),
        guards=(Guard("limit-update", 4, 3, "4 records would be updated, and the limit is 3"),),
    )
