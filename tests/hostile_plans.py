"""Plans whose texts try to be something else: markup, script, direction of text."""

from dataclasses import replace

from reader_plans import TARGET

from reconcile.model.address import Address
from reconcile.model.explanation import Explanation
from reconcile.model.plan import Action, FieldChange, Plan, Reason, RecordChange, UnitChange

HOSTILE = (
    "<script>pwned()</script>",
    "<img src=x onerror=pwned()>",
    "\" onmouseover=pwned() x='",
    "</title></style></script><svg onload=pwned()>",
    "javascript:pwned()",
    "{{ 7*7 }}{% raw %}<!-- -->",
    "\u202egnp.exe\u0000\u001b[31m",
)


def edits(*values: str) -> Plan:
    """Return a plan that writes each of these values, as text, name, key and title."""
    units = []
    for value in values:
        address = Address("order", value)
        field = FieldChange(value, value, f"{value}2", Reason.CHANGE)
        why = (Explanation(f"it is {value}", value),)
        change = RecordChange(address, Action.UPDATE, id="1", title=value, fields=(field,))
        stuck = RecordChange(Address("line_item", value), Action.CONFLICT, why=why)
        units.append(UnitChange(address, (change, stuck)))
    return Plan(replace(TARGET, name=values[0]), tuple(units))
