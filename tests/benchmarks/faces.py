"""Time the faces of a plan with many changed orders, each with a line item.

``faces.py [ORDERS]`` prints the median of CPU seconds, and the size, of each format. Half of the
orders change alike, the others each in their own way.
"""

import io
import sys
import time
from collections.abc import Callable
from pathlib import Path
from random import Random
from statistics import median

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from reader_plans import TARGET

from reconcile.model.address import Address
from reconcile.model.plan import Action, FieldChange, Plan, Reason, RecordChange, UnitChange
from reconcile.render.html_report import html_report
from reconcile.render.json_plan import to_json
from reconcile.render.markdown import markdown
from reconcile.render.output import write_plan


def many(orders: int) -> Plan:
    """Return a plan of so many orders."""
    random = Random(5)
    units = []
    for number in range(orders):
        key, price = f"SO-{number:05}", random.randrange(1000, 9000)
        order = Address("order", key)
        note = f"note {number}" if number % 2 else "gift"
        line = RecordChange(
            Address("line_item", f"{key}:1"),
            Action.UPDATE,
            id="9",
            title="Tofu",
            parent=order,
            fields=(
                FieldChange(
                    "price", f"{price / 100:.2f}", f"{price * 1.1 / 100:.2f}", Reason.CHANGE
                ),
                FieldChange("quantity", "1", str(random.randrange(2, 9)), Reason.CHANGE),
            ),
        )
        root = RecordChange(
            order,
            Action.UPDATE,
            id="7",
            title=f"Order {key}",
            fields=(FieldChange("hs_order_note", "", note, Reason.CHANGE),),
        )
        units.append(UnitChange(order, (root, line)))
    return Plan(TARGET, tuple(units))


def text(plan: Plan, *, full: bool = False) -> str:
    """Return the plan as a terminal gets it."""
    stream = io.StringIO()
    write_plan(plan, stream, personal=True, color=False, full=full)
    return stream.getvalue()


def main() -> None:
    """Time each format three times."""
    plan = many(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000)
    formats: dict[str, Callable[[Plan], str]] = {
        "terminal": text,
        "terminal --full": lambda plan: text(plan, full=True),
        "markdown": markdown,
        "html": lambda plan: "".join(html_report(plan)),
        "json": lambda plan: to_json(plan, personal=False),
    }
    for name, make in formats.items():
        took, size = [], 0
        for _ in range(3):
            begun = time.process_time()
            size = len(make(plan).encode())
            took.append(time.process_time() - begun)
        sys.stdout.write(f"{name:16} {median(took):5.2f} CPU s  {size:10,} bytes\n")


if __name__ == "__main__":
    main()
