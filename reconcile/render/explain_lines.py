"""The lines of `explain`: a table of who may write what, and one record, value by value."""

from collections.abc import Iterable, Iterator

from reconcile.model.explained import Applied, ExplainedRecord, ExplainedValue, Fate, Rule
from reconcile.model.plan import Action, Reason
from reconcile.render.escaping import CLEARED, EMPTY, value, visible, width
from reconcile.render.phrasing import plural
from reconcile.render.plan_view import PlanView
from reconcile.render.record_views import RecordView
from reconcile.render.styled_lines import BLANK, Line, plain
from reconcile.render.unit_lines import explanation_lines, hint_line

HIDDEN = "(personal)"
"""Stands for a personal value that must not be shown."""

DEFAULT = "default"
"""Stands for the place of what no setting says."""

_WHY = {
    Reason.NEW: "the record is created",
    Reason.CHANGE: "the manifest changed",
    Reason.DRIFT: "others changed it",
    Reason.BOTH: "changed in the manifest and in HubSpot",
    Reason.UNSEEN: "reconcile has never seen the value in HubSpot",
    Reason.UNKNOWN: "nothing to compare with the last apply",
}

_HELD_HINT = "`reconcile plan` shows all that is held back, and how to let it in"

_FATES = {
    Fate.WRITE: "write",
    Fate.HELD: "held back",
    Fate.LEFT: "left alone",
    Fate.CONFLICT: "nothing: the record is in conflict",
    Fate.IGNORED: "nothing: ignored once the record exists",
    Fate.NONE: "nothing: as declared",
}


def rule_lines(rules: Iterable[Rule], target: str) -> Iterator[Line]:
    """Yield the table of who may write what."""
    rows = [("WHAT", "WHO WRITES IT", "SET IN")]
    rows += [
        (visible(what), who, str(place) if place.file else DEFAULT) for what, who, place in rules
    ]
    columns = [max(width(row[at]) for row in rows) + 2 for at in (0, 1)]
    yield plain(f"Target {visible(target)}", "heading")
    yield BLANK
    for number, (what, who, place) in enumerate(rows):
        yield plain(
            _padded(what, columns[0]) + _padded(who, columns[1]) + place,
            "" if number else "heading",
        )


def record_lines(record: ExplainedRecord, view: PlanView, *, personal: bool) -> Iterator[Line]:
    """Yield one record: where it stands, what the plan does with it, then each of its values."""
    planned = planned_record(record, view)
    title = f"  {value(planned.title)}" if planned and planned.title else ""
    yield plain(f"{visible(str(record.address))}{title}", "heading")
    if record.unit != record.address:
        yield _about("belongs to", str(record.unit))
    yield _about("declared in", str(record.location))
    yield _about("in HubSpot", f"record {record.id}" if record.id else "no record")
    yield _about("last applied", _last(record))
    held = _is_held(record, view)
    yield _about("plan", _planned(planned, record, held=held))
    if planned is not None:
        if planned.conflicts:
            yield from explanation_lines(planned.conflicts, 4)
        else:
            hints = (*planned.hints, *([_HELD_HINT] if held else []))
            yield from (hint_line(hint, 4, planned.action) for hint in hints)
    yield from _foreign(record, view)
    for one in record.values:
        yield BLANK
        yield from _value_lines(one, personal=personal)
    yield BLANK
    yield plain(visible(view.heading), "heading")


def planned_record(record: ExplainedRecord, view: PlanView) -> RecordView | None:
    """Return what the plan does with a record, or would do if it were not held back."""
    for unit in (*view.units(), *view.held()):
        for one in unit.records:
            if one.address == record.address:
                return one
    return None


def _is_held(record: ExplainedRecord, view: PlanView) -> bool:
    return any(one.address == record.address for unit in view.held() for one in unit.records)


def _planned(planned: RecordView | None, record: ExplainedRecord, *, held: bool) -> str:
    """Return what the plan does with the record as a whole."""
    drift = ["drift is left alone"] if any(v.fate is Fate.LEFT for v in record.values) else []
    if planned is None:
        return "; ".join(["nothing", *drift])
    action = f"would {planned.action}" if held else str(planned.action)
    first = [] if planned.action is Action.CONFLICT else [action]
    return "; ".join([*first, *planned.notes, *drift])


def _foreign(record: ExplainedRecord, view: PlanView) -> Iterator[Line]:
    """Yield how many line items of an order or cart a plan archives because others added them."""
    found = [
        one
        for unit in (*view.units(), *view.held())
        if unit.address == record.address
        for one in unit.records
        if one.foreign
    ]
    if found:
        held = any(one.foreign for unit in view.held() for one in unit.records)
        yield _about("others added", plural(len(found), "line item"))
        yield _about("plan", f"{'would ' if held else ''}archive: the lines are exact", indent=4)


def _last(record: ExplainedRecord) -> str:
    if not record.managed:
        return "never"
    return f"by run {record.run}" if record.run else "by an unknown run"


def _value_lines(one: ExplainedValue, *, personal: bool) -> Iterator[Line]:
    hidden = one.personal and not personal
    article = "an" if one.name[:1] in "aeiou" else "a"
    name = f"association with {article} {one.name}" if one.association else one.name
    yield plain(visible(name), "address", indent=2)
    if one.declared is None:
        yield _about("declared", "no longer", indent=4)
    else:
        shown = HIDDEN if hidden else value(one.declared) if one.declared else CLEARED
        default = f" ({DEFAULT})" if one.default else ""
        yield _about("declared", f"{shown}   in {one.location}{default}", indent=4)
    yield _about("HubSpot", _now(one, hidden=hidden), indent=4)
    yield _about("plan", fate_text(one), indent=4)


def _now(one: ExplainedValue, *, hidden: bool) -> str:
    if one.now is None:
        return "no record"
    empty = "not associated" if one.association else EMPTY
    shown = HIDDEN if hidden and one.now else value(one.now) if one.now else empty
    if one.fate is Fate.IGNORED:
        return shown
    return f"{shown}   {one.applied}"


def fate_text(one: ExplainedValue) -> str:
    """Return what the plan does about a value, and why."""
    text = _FATES[one.fate]
    if one.fate is Fate.HELD:
        text += f" ({', '.join(one.guards)})" if one.guards else " with the rest of the record"
    if one.reason is None:
        return text
    why = _WHY[one.reason]
    if one.reason is Reason.CHANGE and one.applied is Applied.NEVER:
        why = "it was never applied"
    if one.reason is Reason.DRIFT and one.fate is Fate.LEFT:
        why += ", and the manifest did not"
    return f"{text}: {why}"


def _about(name: str, text: str, indent: int = 2) -> Line:
    return Line(indent, "", "", ((_padded(name, 14), "note"), (visible(text), "")))


def _padded(text: str, columns: int) -> str:
    return text + " " * (columns - width(text))
