"""What `explain` shows as JSON, for programs.

``format_version`` is MAJOR.MINOR: a reader ignores names it does not know and refuses another
major. Without an address ``rules`` says who may write what. For a record ``values`` has each
declared property and association: ``declared`` is its text, ``null`` if it is not declared any
more, and ``place`` where it stands, ``default`` whether in a default; ``now`` is what HubSpot has,
``null`` without a record; ``plan`` is what a plan of the record does about it (``write``, ``held
back``, ``left alone``, ``conflict``, ``ignored``, ``nothing``). Values that are
``sensitive`` are "(personal)" unless asked for. A ``place`` is ``null`` where nothing is set.
"""

from collections.abc import Iterable
from typing import Any

from reconcile import __version__
from reconcile.model.explained import ExplainedRecord, ExplainedValue, Rule
from reconcile.model.records import Location
from reconcile.render.explain_lines import HIDDEN, planned_record
from reconcile.render.json_text import json_text
from reconcile.render.plan_view import PlanView

FORMAT_VERSION = "1.0"


def rules_json(rules: Iterable[Rule], target: str) -> str:
    """Return who may write what, as one document."""
    rows = [{"what": one.what, "who": one.who, "place": _place(one.location)} for one in rules]
    return _document({"target": target, "rules": rows})


def record_json(record: ExplainedRecord, view: PlanView, *, personal: bool) -> str:
    """Return one record with its values, as one document."""
    planned = planned_record(record, view)
    return _document(
        {
            "target": view.plan.target.name,
            "address": str(record.address),
            "unit": str(record.unit),
            "place": _place(record.location),
            "id": record.id,
            "managed": record.managed,
            "run": record.run,
            "action": str(planned.action) if planned else None,
            "notes": list(planned.notes) if planned else [],
            "conflict": [str(one) for one in planned.conflicts] if planned else [],
            "hints": list(planned.hints) if planned else [],
            "values": [_value(one, personal=personal) for one in record.values],
        }
    )


def _value(one: ExplainedValue, *, personal: bool) -> dict[str, Any]:
    hidden = one.personal and not personal
    return {
        "type": "association" if one.association else "property",
        "name": one.name,
        "declared": HIDDEN if hidden and one.declared else one.declared,
        "place": _place(one.location),
        "default": one.default,
        "now": HIDDEN if hidden and one.now else one.now,
        "last_applied": str(one.applied),
        "plan": str(one.fate),
        "reason": str(one.reason) if one.reason else None,
        "guards": list(one.guards),
        "sensitive": one.personal,
    }


def _place(location: Location) -> dict[str, Any] | None:
    if not location.file:
        return None
    return {
        "file": location.file,
        "line": location.line or None,
        "column": location.column or None,
    }


def _document(data: dict[str, Any]) -> str:
    head = {"format_version": FORMAT_VERSION, "reconcile_version": __version__}
    return f"{json_text(head | data, indent=1)}\n"
