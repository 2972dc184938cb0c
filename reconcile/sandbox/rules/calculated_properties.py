"""Properties that HubSpot calculates when a record changes (ref §9, §12).

Each function takes a record's stored properties and returns those it sets; null removes one.
"""

from collections.abc import Callable, Mapping
from decimal import Decimal, localcontext

from reconcile.sandbox.object_types import CART, CONTACT, LINE_ITEM, ORDER
from reconcile.sandbox.switches import Switches

Computed = dict[str, str | None]

_CENT = Decimal("0.01")
_PRECISION = 400  # more digits than any two numbers accepted here can make


def compute(
    type_id: str,
    properties: Mapping[str, str],
    switches: Switches,
    is_closed: Callable[[str], bool],
) -> Computed:
    """Return a record's calculated values; ``is_closed`` judges a pipeline stage."""
    if type_id == LINE_ITEM.id:
        return _line_item(properties)
    if type_id == ORDER.id:
        return _home_currency(properties, switches) | _closed(properties, is_closed)
    if type_id == CART.id:
        return _home_currency(properties, switches)
    if type_id == CONTACT.id:
        email = properties.get("email", "")
        return {"hs_email_domain": email.partition("@")[2] or None}
    return {}


def _line_item(properties: Mapping[str, str]) -> Computed:
    """Return the net price: quantity times price, less the discount per unit and the percentage.

    ``amount`` can be written but is overwritten; computed money has two decimals ("60000.00").
    Without both a quantity and a price nothing is calculated.
    """
    names = ("hs_pre_discount_amount", "hs_total_discount", "hs_post_tax_amount")
    if not (properties.get("quantity") and properties.get("price")):
        return dict.fromkeys((*names, "hs_effective_unit_price"))
    with localcontext() as context:
        context.prec = _PRECISION
        quantity, price = _decimal(properties, "quantity"), _decimal(properties, "price")
        percentage = _decimal(properties, "hs_discount_percentage")
        per_unit = _decimal(properties, "discount") + price * percentage / 100
        gross, discount = quantity * price, quantity * per_unit
        net = gross - discount
        money = {
            "hs_pre_discount_amount": gross,
            "hs_total_discount": discount,
            "amount": net,
            "hs_post_tax_amount": net + _decimal(properties, "tax"),
            "hs_effective_unit_price": price - per_unit,
        }
        return {name: f"{value.quantize(_CENT):f}" for name, value in money.items()}


def _home_currency(properties: Mapping[str, str], switches: Switches) -> Computed:
    """Return the total in the home currency, as a float's text ("500.0"), if no rate is needed."""
    total = properties.get("hs_total_price")
    currency = properties.get("hs_currency_code") or switches.company_currency
    if not total or currency != switches.company_currency:
        return {"hs_homecurrency_amount": None, "hs_exchange_rate": None}
    return {"hs_homecurrency_amount": str(float(total)), "hs_exchange_rate": "1.0"}


def _closed(properties: Mapping[str, str], is_closed: Callable[[str], bool]) -> Computed:
    """Return whether an order is closed: its stage decides; without a stage it is unset."""
    stage = properties.get("hs_pipeline_stage")
    return {"hs_is_closed": str(is_closed(stage)).lower() if stage else None}


def _decimal(properties: Mapping[str, str], name: str) -> Decimal:
    return Decimal(properties.get(name) or "0")
