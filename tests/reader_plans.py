"""Three plans that a reader must understand at a glance, made by a seeded script.

``python tests/reader_plans.py NAME [markdown|full]`` prints one of them.
"""

import sys
from collections.abc import Callable, Mapping
from random import Random

from reconcile.model.address import Address
from reconcile.model.plan import (
    Action,
    FieldChange,
    Plan,
    Reason,
    RecordChange,
    TargetPin,
    UnitChange,
)

TARGET = TargetPin("production", 8675309, "STANDARD")
GOODS = ("Tofu", "Chai", "Konbu", "Geitost", "Ravioli", "Ikura")


def _edit(name: str, before: str, after: str, **more: str) -> FieldChange:
    return FieldChange(name, before, after, Reason.CHANGE, **more)


def _stage(before: str, after: str) -> FieldChange:
    ids = {"Open": "s-open", "Shipped": "s-shipped", "Delivered": "s-delivered"}
    return _edit(
        "hs_pipeline_stage", ids[before], ids[after], shown_before=before, shown_after=after
    )


def _order(key: str, *fields: FieldChange) -> UnitChange:
    address = Address("order", key)
    change = RecordChange(
        address,
        Action.UPDATE,
        id=key[3:],
        fields=fields,
        title=f"Order {key}",
        keep=(("hs_currency_code", "EUR"), ("hs_total_price", "80.00")),
    )
    return UnitChange(address, (change,))


def equal_edits() -> Plan:
    """732 orders go back from delivered to open."""
    units = [_order(f"SO-{number:05}", _stage("Delivered", "Open")) for number in range(732)]
    return Plan(TARGET, tuple(units), unchanged=9268)


def mixed_changes() -> Plan:
    """40 orders: prices that rise by a tenth, stages, quantities; two slips among them."""
    random = Random(1312)
    units = []
    slips = random.sample(range(24), 2)
    for number in range(24):
        key = f"SO-{number:05}"
        price = random.randrange(1000, 9000, 10)
        new = price * 11 // 10
        if number == slips[0]:
            new *= 10
        fields = (_edit("price", f"{price / 100:.2f}", f"{new / 100:.2f}"),)
        if number == slips[1]:
            fields = (_edit("hs_line_item_currency_code", "EUR", "USD"), *fields)
        line = RecordChange(
            Address("line_item", f"{key}:1"),
            Action.UPDATE,
            id=f"9{number}",
            title=random.choice(GOODS),
            parent=Address("order", key),
            fields=fields,
        )
        units.append(UnitChange(Address("order", key), (line,)))
    units += [_order(f"SO-{n:05}", _stage("Open", "Shipped")) for n in range(24, 34)]
    units += [_order(f"SO-{n:05}", _edit("hs_tags", "", "gift")) for n in range(34, 40)]
    return Plan(TARGET, tuple(units), unchanged=960)


def creates_and_one_overwrite() -> Plan:
    """3,000 orders are created, and one that exists is overwritten."""
    random = Random(77)
    units = []
    for number in range(3000):
        key = f"SO-{number:05}"
        address = Address("order", key)
        total = f"{random.randrange(500, 90000) / 100:.2f}"
        values = {
            "reconcile_key": key,
            "hs_currency_code": random.choices(("EUR", "USD"), (9, 1))[0],
            "hs_total_price": total,
        }
        fields = tuple(FieldChange(n, "", value, Reason.NEW) for n, value in values.items())
        change = RecordChange(address, Action.CREATE, fields=fields)
        if number == 1712:
            fields = (
                FieldChange("hs_currency_code", "USD", "EUR", Reason.UNSEEN),
                FieldChange("hs_total_price", "1250.00", "12.50", Reason.UNSEEN),
            )
            change = RecordChange(address, Action.UPDATE, id="55512", fields=fields, adopts=True)
        units.append(UnitChange(address, (change,)))
    return Plan(TARGET, tuple(units), allowed=("adopt-update=1",))


PLANS: Mapping[str, Callable[[], Plan]] = {
    "equal_edits": equal_edits,
    "mixed_changes": mixed_changes,
    "creates_and_one_overwrite": creates_and_one_overwrite,
}

if __name__ == "__main__":
    from reconcile.render.markdown import markdown
    from reconcile.render.output import write_plan

    made = PLANS[sys.argv[1]]()
    if sys.argv[2:] == ["markdown"]:
        sys.stdout.write(markdown(made, digest="0" * 64))
    else:
        write_plan(made, sys.stdout, personal=True, color=False, full="full" in sys.argv[2:])
