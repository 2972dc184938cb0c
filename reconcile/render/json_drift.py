"""A report on drift as JSON, with a format version of its own.

``drift`` has a member for each value that others changed, and for each association that they
removed. Of a value there are ``property``, ``declared`` and ``actual``, as text on the wire, and
``shown`` if people read something else, such as a stage's label; ``sensitive`` marks personal ones,
which are "changed (personal)" unless asked for. ``source`` is what set the value: its ``type``
(user, integration, workflow, import, calculation, other, or unknown where the history does not have
the value), HubSpot's ``id``, a ``name`` and the ``text`` that people read, each empty if it is not
known; ``changed_at`` is when, in UTC. Both are null if no history was read, and of associations, of
which there is none. ``fate`` is what the next apply does: ``left_alone``, ``put_back`` or
``held_back``. ``sources`` says whether histories were read: ``read``, ``incomplete`` (``unread``
says why), or ``not_asked``. ``selection`` is that of a plan.
"""

from typing import Any

from reconcile import __version__
from reconcile.model.drifted import DriftReport
from reconcile.render.drift_view import DriftedValue, DriftView, drift_view
from reconcile.render.drift_words import source_json
from reconcile.render.json_plan import link_json, selection_json, target_json
from reconcile.render.json_text import json_text

FORMAT_VERSION = "1.0"


def drift_json(report: DriftReport, *, personal: bool) -> str:
    """Return the report as one JSON document in ASCII, each value on a line of its own."""
    seen = drift_view(report, personal=personal)
    head = {
        "format_version": FORMAT_VERSION,
        "reconcile_version": __version__,
        "target": target_json(report.plan.target),
        **selection_json(report.plan),
        "in_doubt": [str(address) for address in report.plan.in_doubt],
    }
    values = ",\n".join(_text(_value(one, personal=personal)) for one in seen.values)
    tail = {"sources": _sources(report), "unread": seen.unread, "summary": _summary(seen)}
    return f'{_text(head)[:-1]},"drift":[\n{values}\n],{_text(tail)[1:]}\n'


def _sources(report: DriftReport) -> str:
    if report.sources is None:
        return "not_asked"
    return "incomplete" if report.unread else "read"


def _summary(seen: DriftView) -> dict[str, Any]:
    return {
        "properties": [
            {
                "property": group.name,
                "records": dict(sorted(group.records.items())),
                "sources": [
                    {"text": one.by, "values": len(one.values)} for one in group.sources if one.by
                ],
            }
            for group in seen.groups
        ],
        "text": seen.footer,
    }


def _value(one: DriftedValue, *, personal: bool) -> dict[str, Any]:
    found: dict[str, Any] = {
        "address": str(one.address),
        "type": one.address.kind,
        "name": one.address.key,
        "id": one.id,
        "unit": str(one.unit),
        "title": one.title,
    }
    if one.field:
        field = one.field
        found |= {
            "property": field.name,
            "declared": field.after,
            "actual": field.before,
            "sensitive": field.sensitive,
        }
        if (field.shown_after, field.shown_before) != (field.after, field.before):
            found["shown"] = {"declared": field.shown_after, "actual": field.shown_before}
    if one.link:
        found["association"] = {**link_json(one.link), "action": "dissociate"}
    found["source"] = source_json(one.source, personal=personal) if one.source else None
    return found | {"changed_at": one.at or None, "fate": str(one.fate)}


def _text(data: dict[str, Any]) -> str:
    return json_text(data, compact=True)
