"""A plan as JSON in the shape that terraform's tools read, with a format version of its own.

``format_version`` is MAJOR.MINOR: a reader ignores names it does not know and refuses another
major. Per change: ``actions`` is ``["create"]``, ``["update"]``, ``["delete"]`` (archived),
``["forget"]`` or ``["no-op"]`` (adopted, or in conflict); ``before`` and ``after`` hold only the
properties that change, of what is archived those last applied, or all that people set if others
added it, as text on the wire: ``null`` before for what does not exist, ``null`` after for what is
not there or not managed then, and ``""`` for an absent value; ``previous_address`` is that of a
record whose key changes;
``before_sensitive`` and ``after_sensitive`` name personal properties, whose values are "changed
(personal)" unless asked for, and those whose value before is left out in CI, "(differs)", since
reconcile does not know the record yet; ``shown`` holds what people read where that differs (a
stage's label for its id); ``parent_id`` is the record that a line item belongs to, where it exists.
Of a link ``types`` is what the pair has afterwards, or what is removed, ``declared`` what of it the
manifests ask for. ``conflict`` says why a record is left alone, a line for each reason, ``notes``
what else is special about it, ``hints`` how to resolve either. ``others``, on a unit's first
record, counts the line items under the unit that no manifest declares. ``held_back`` has, like
``resource_changes``, what is declared and will not be applied; ``resource_drift`` what others
changed and is left alone, from the declared values to those in HubSpot. ``drift_sources`` counts by
what set such values, of so many ``records`` whose histories were read. ``unchecked`` says what the
token did not let reconcile look at. ``warnings`` are references in manifests that will not fit
another target, each with its place. ``in_doubt`` names the units that are left out because an
interrupted run has writes to them whose outcome is not known. ``source``, absent outside git, has
the ``commit`` that the plan was made at (``unknown`` where git did not say) and whether the
``files`` read were that commit's (``same``, ``differ``, ``unknown``). ``request``, in place of it
for a plan of a pull request, has the commits ``head`` and ``base``, the id of the ``merged_tree``
that was planned, and which settings of the project file differ there (``settings_differ``), or what
keeps it from being read (``settings_unreadable``). ``selection``, absent where all is planned, has
the selectors as typed (``select``, ``exclude``), how many declared ``units`` (orders and carts with
their line items) these leave, and how many are ``left_out``.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from reconcile import __version__
from reconcile.errors import Problem
from reconcile.model.address import Address
from reconcile.model.explanation import Explanation
from reconcile.model.kinds import kinds
from reconcile.model.plan import Action, Plan, PropertyDefine, TargetPin
from reconcile.model.selected import EVERYTHING
from reconcile.model.source import Source
from reconcile.render.drift_words import source_json
from reconcile.render.escaping import mask
from reconcile.render.json_problems import warning_list
from reconcile.render.json_text import json_text
from reconcile.render.not_applied import drifted_records, held_changes
from reconcile.render.plan_view import PlanView, view
from reconcile.render.record_views import FieldView, LeftAloneView, LinkView, RecordView, UnitView
from reconcile.render.tree_banner import request_json

FORMAT_VERSION = "1.2"

_ACTIONS = {
    Action.CREATE: "create",
    Action.UPDATE: "update",
    Action.ASSOCIATE: "update",
    Action.ADOPT: "no-op",
    Action.ARCHIVE: "delete",
    Action.FORGET: "forget",
    Action.CONFLICT: "no-op",
}


def to_json(
    plan: Plan, *, personal: bool, digest: str = "", warnings: Sequence[Problem] = ()
) -> str:
    """Return the plan as one JSON document in ASCII, each change on a line of its own."""
    seen = view(plan, personal=personal, verbose=True)
    head = {
        "format_version": FORMAT_VERSION,
        "reconcile_version": __version__,
        "target": target_json(plan.target),
        "content_digest": digest,
        **_source(plan.source),
        **request_json(plan),
        **selection_json(plan),
        "in_doubt": [str(address) for address in plan.in_doubt],
    }
    tail = {
        "summary": _summary(seen),
        "guards": [
            {
                "name": g.name,
                "count": g.count,
                "limit": g.limit,
                "message": g.message,
                "allow": g.allowance,
            }
            for g in seen.plan.guards
        ],
        "undeclared": [str(address) for address in seen.plan.undeclared],
        "others": seen.plan.others,
        "unkeyed": dict(seen.plan.unkeyed),
        "unchecked": list(seen.plan.unchecked),
        "drift_sources": _sources(seen),
        "warnings": warning_list(warnings),
    }
    lists = {
        "resource_changes": _changes(seen),
        "held_back": (_change(unit, record) for unit in seen.held() for record in unit.records),
        "resource_drift": (_drift(unit.address, left) for unit, left in seen.left_alone()),
    }
    listed = "".join(_list(name, changes) for name, changes in lists.items())
    return f"{_text(head)[:-1]},{listed}{_text(tail)[1:]}\n"


def target_json(target: TargetPin) -> dict[str, Any]:
    """Return the target and account of a document."""
    return {
        "name": target.name,
        "portal_id": target.portal_id,
        "account_type": target.account_type,
        "sandbox": target.sandbox,
    }


def selection_json(plan: Plan) -> dict[str, Any]:
    """Return what a plan is limited to; empty if it is not."""
    if plan.selected == EVERYTHING:
        return {}
    of = plan.selected
    numbers = {"units": of.units, "left_out": of.left_out}
    return {"selection": {"select": list(of.select), "exclude": list(of.exclude), **numbers}}


def _list(name: str, members: Iterable[dict[str, Any]]) -> str:
    """Return a named list, each member on a line of its own."""
    lines = ",\n".join(map(_text, members))
    return f'"{name}":[\n{lines}\n],'


def _source(source: Source) -> dict[str, Any]:
    """Return the commit that the plan was made at; empty outside git."""
    if not source.commit:
        return {}
    return {"source": {"commit": source.commit, "files": str(source.files)}}


def _sources(seen: PlanView) -> dict[str, Any]:
    """Return what set the values that drifted, of the records whose histories were read."""
    stated = seen.plan.drift_sources
    return {
        "records": stated.records,
        "unread": stated.unread if seen.personal else mask(stated.unread),
        "counts": [
            {
                "type": one.kind,
                "property": one.property,
                "source": source_json(one.source, personal=seen.personal),
                "records": one.records,
            }
            for one in stated.counts
        ],
    }


def _summary(seen: PlanView) -> dict[str, Any]:
    return {
        **{tally.verb: dict(sorted(tally.counts.items())) for tally in seen.tallies},
        "define": len(seen.plan.defines),
        "conflict": seen.conflicts,
        "unchanged": seen.as_declared,
        "remembered": seen.adoptions.remembered,
        "held_back": held_changes(seen.plan),
        "drift": dict(sorted(drifted_records(seen.plan).items())),
        "text": seen.footer,
    }


def _changes(seen: PlanView) -> Iterator[dict[str, Any]]:
    for define in seen.plan.defines:
        yield _define(define)
    for unit in seen.units():
        for record in unit.records:
            yield _change(unit, record)


def _drift(unit: Address, left: LeftAloneView) -> dict[str, Any]:
    """Return a record's drift as terraform has it: from what was applied to what is there now."""
    sensitive = {field.name: True for field in left.fields if field.sensitive}
    return {
        "address": str(left.address),
        "type": left.address.kind,
        "name": left.address.key,
        "id": left.id,
        "unit": str(unit),
        "title": left.title,
        "change": {
            "actions": ["update"],
            "before": {field.name: field.after for field in left.fields},
            "after": {field.name: field.before for field in left.fields},
            "before_sensitive": sensitive,
            "after_sensitive": sensitive,
        },
        "links": [{**link_json(link), "action": "dissociate"} for link in left.links],
    }


def _define(define: PropertyDefine) -> dict[str, Any]:
    known = kinds().get(define.kind)
    name = f"{known.object if known else define.kind}.{define.name}"
    after = {"label": define.label, "group": define.group, "type": "string", "unique": True}
    return {
        "address": f"property/{name}",
        "type": "property",
        "name": name,
        "id": "",
        "change": {
            "actions": ["create"],
            "before": None,
            "after": after,
            "after_unknown": {},
            "before_sensitive": {},
            "after_sensitive": {},
            "reasons": {},
        },
    }


def _change(unit: UnitView, record: RecordView) -> dict[str, Any]:
    result: dict[str, Any] = {
        "address": str(record.address),
        "type": record.address.kind,
        "name": record.address.key,
        "id": record.id,
        "unit": str(unit.address),
        "title": record.title,
        "change": _values(record),
        "links": [link_json(link) for link in record.links],
    }
    if record.action is Action.CONFLICT:
        result["conflict"] = _lines(record.conflicts)
    for name in ("notes", "hints"):
        if texts := getattr(record, name):
            result[name] = list(texts)
    if record.parent_id:
        result["parent_id"] = record.parent_id
    if record.moved_from:
        result["previous_address"] = f"{record.address.kind}/{record.moved_from}"
    for flag in ("adopts", "rekey", "recreates", "pruned", "foreign"):
        if getattr(record, flag):
            result[flag] = True
    if unit.others and record is unit.records[0]:
        result["others"] = unit.others
    return result


def _values(record: RecordView) -> dict[str, Any]:
    """Return the values of a record's change, before and after."""
    fields = record.fields
    sensitive = _names(fields, "sensitive")
    unsaid = sensitive | _names(fields, "differs")
    creates, removes = record.action is Action.CREATE, record.action.removes
    change: dict[str, Any] = {
        "actions": [_ACTIONS[record.action]],
        "before": None if creates else {field.name: field.before for field in fields},
        "after": None if removes else {field.name: field.after for field in fields},
        "after_unknown": {},
        "before_sensitive": {} if creates else unsaid,
        "after_sensitive": {} if removes else sensitive,
        "reasons": {field.name: str(field.reason) for field in fields},
    }
    shown = {field.name: _shown(field) for field in fields if _differs(field)}
    if shown:
        change["shown"] = shown
    return change


def _names(fields: Iterable[FieldView], mark: str) -> dict[str, bool]:
    """Return which fields have a mark, as the document says it."""
    return {field.name: True for field in fields if getattr(field, mark)}


def _lines(why: Sequence[Explanation]) -> str:
    """Return a line for each reason: a line break in one must not begin another."""
    return "\n".join(" ".join(str(one).splitlines()) for one in why)


def _differs(field: FieldView) -> bool:
    return (field.shown_before, field.shown_after) != (field.before, field.after)


def _shown(field: FieldView) -> dict[str, str]:
    return {"before": field.shown_before, "after": field.shown_after}


def link_json(link: LinkView) -> dict[str, Any]:
    """Return an association to make or to remove."""
    return {
        "action": "associate" if link.add else "dissociate",
        "to": link.to,
        "id": link.id,
        "types": [list(pair) for pair in link.types],
        **({"declared": [list(pair) for pair in link.declared]} if link.declared else {}),
        "shown": link.text,
    }


def _text(data: dict[str, Any]) -> str:
    return json_text(data, compact=True)
