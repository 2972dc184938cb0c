"""A plan as one HTML file, for people who decide: groups, search and filters, without any asset.

No personal values. Text from manifests or HubSpot is made visible, escaped, and stands only between
tags: never in an attribute, an address, a style or a script. The page's policy allows its own style
and script by their hashes, and nothing else.
"""

import html
from base64 import b64encode
from collections.abc import Hashable, Iterable, Iterator
from functools import cache
from hashlib import sha256
from importlib.resources import files
from itertools import chain

from reconcile.model.kinds import kinds
from reconcile.model.plan import Action, Plan
from reconcile.render.change_groups import Group, Section, sections
from reconcile.render.cohorts import ALIKE, cohort_key
from reconcile.render.escaping import shorten, visible
from reconcile.render.group_lines import apart_line, common_lines, counted, example_lines
from reconcile.render.overview import LOOK_TWICE, anomaly_texts, total_texts
from reconcile.render.phrasing import count, plural
from reconcile.render.plan_lines import around
from reconcile.render.plan_view import PlanView, view
from reconcile.render.record_views import RecordView, UnitView
from reconcile.render.risk import Risk
from reconcile.render.styled_lines import BLANK, Line
from reconcile.render.unit_lines import define_line, record_lines, unit_lines

RECORDS = 5_000
"""Maximum records that the page has in full; the rest is counted."""

HEADINGS = {
    Risk.CONFLICT: "Conflicts, left alone",
    Risk.BOTH: "Changed in the manifest and in HubSpot",
    Risk.OTHERS: "Values that others set",
    Risk.REMOVAL: "Archived or no longer managed",
    Risk.IDENTITY: "Another key, or created again",
    Risk.MOVE: "Moved",
    Risk.UPDATE: "Updated",
    Risk.ASSOCIATE: "Associated",
    Risk.CREATE: "Created",
    Risk.ADOPT: "Adopted",
}


def html_report(plan: Plan, *, digest: str = "") -> Iterator[str]:
    """Yield the page, piece by piece."""
    seen = view(plan, personal=False, verbose=True)
    found = sections(seen.units, limit=RECORDS)
    yield from _head(seen)
    yield from _first(seen, digest)
    yield from _controls(found)
    yield "<main>\n"
    if plan.defines:
        yield "<h2>Properties to define</h2>\n" + _block(map(define_line, plan.defines))
    members = _Members(seen)
    for section in found:
        yield from _section(section, members)
    yield f"</main>\n<footer>{_paragraph(seen.heading)}</footer>\n"
    yield f"<script>{_asset('report.js')}</script>\n</body>\n</html>\n"


@cache
def _asset(name: str) -> str:
    return (files("reconcile.render") / "html" / name).read_text(encoding="utf-8")


def policy() -> str:
    """Return the page's content security policy: its own style and script, and nothing else."""
    style, script = (
        b64encode(sha256(_asset(name).encode()).digest()).decode()
        for name in ("report.css", "report.js")
    )
    return (
        f"default-src 'none'; style-src 'sha256-{style}'; script-src 'sha256-{script}'; "
        "base-uri 'none'; form-action 'none'"
    )


def _head(seen: PlanView) -> Iterator[str]:
    name = html.escape(visible(shorten(seen.plan.target.name)))
    yield (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy()}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="referrer" content="no-referrer">\n'
        f"<title>Plan for {name}</title>\n<style>{_asset('report.css')}</style>\n"
        f"</head>\n<body>\n<header>\n<h1>Plan for {name}</h1>\n"
    )


def _first(seen: PlanView, digest: str) -> Iterator[str]:
    """Yield what answers most questions, and what the plan does not do."""
    yield _paragraph(seen.heading, "quiet")
    yield _paragraph(seen.footer, "said")
    facts = [f"Totals: {text}" for text in total_texts(seen, str)]
    facts += [f"{LOOK_TWICE}: {text}" for text in anomaly_texts(seen, str)]
    if facts:
        yield f"<ul>{''.join(f'<li>{_text(fact)}</li>' for fact in facts)}</ul>\n"
    if digest:
        yield _paragraph(f"Content digest: {digest}", "quiet")
    yield _paragraph("Personal values are hidden here: read them in the manifests.", "quiet")
    if lines := list(around(seen)):
        yield _block(lines)
    yield "</header>\n"


def _controls(found: Iterable[Section]) -> Iterator[str]:
    """Yield the search, which the script shows: without it nothing of the page is missing."""
    records = [one for section in found for one in _sorts(section)]
    names = sorted({kind for _, kind in records})
    actions = sorted({action for action, _ in records})
    yield (
        '<form class="find" role="search" aria-label="Changes" hidden>\n'
        '<label>Search<input type="search" id="search" autocomplete="off"></label>\n'
        f'<label>Kind<select id="kind"><option value="">all</option>{_options(names)}</select>'
        '</label>\n<label>Action<select id="action"><option value="">all</option>'
        f"{_options(actions)}</select></label>\n"
        '<button type="button" id="expand">Expand all</button>\n'
        '<p id="count" role="status"></p>\n</form>\n'
    )


def _sorts(section: Section) -> Iterator[tuple[str, str]]:
    """Yield the actions and kinds of a section's records."""
    yield from ((str(group.action), group.kind) for group in section.groups)
    yield from ((str(action), kind) for action, kind in section.left_out)
    for unit in section.listed:
        yield from ((str(record.action), record.address.kind) for record in unit.records)


def _options(names: Iterable[str]) -> str:
    return "".join(f"<option>{_word(name)}</option>" for name in names)


class _Members:
    """The records of each group in full, as HTML: of all groups together at most ``RECORDS``."""

    def __init__(self, seen: PlanView) -> None:
        self._seen = seen
        self._records: dict[Hashable, list[str]] | None = None

    def of(self, group: Group) -> list[str]:
        """Return the records of a group."""
        if self._records is None:
            self._records = {}
            every = ((unit, record) for unit in self._seen.units() for record in unit.records)
            for number, (unit, record) in enumerate(every):
                if number == RECORDS:
                    break
                key = cohort_key(record, unit.address)
                self._records.setdefault(key, []).append(_record(unit, record))
        return self._records.get(group.key, [])


def _section(section: Section, members: _Members) -> Iterator[str]:
    yield f"<section>\n<h2>{HEADINGS[section.risk]}</h2>\n"
    for unit in section.listed:
        yield from (_record(unit, record) for record in unit.records)
    if section.left_out:
        yield _paragraph(f"Not listed: {counted(section.left_out)}. {_FULL}")
    for group in section.groups:
        yield from _group(group, members)
    yield "</section>\n"


_FULL = "`reconcile show FILE --full` prints the whole plan."


def _group(group: Group, members: _Members) -> Iterator[str]:
    """Yield what a group has in common, then all of its records; of conflicts the first ones."""
    found, of = members.of(group), f"All {count(group.kind, group.size)}"
    stuck = group.action is Action.CONFLICT
    yield "<article>\n"
    if not stuck:
        yield _block(_in_common(group))
    else:
        yield from found[:ALIKE]
        found, of = found[ALIKE:], f"{group.size - ALIKE:,} more like this"
    if not stuck or group.size > ALIKE:
        yield f"<details>\n<summary>{_text(of)}</summary>\n"
        yield from found
        if missing := group.size - len(members.of(group)):
            yield _paragraph(f"… and {plural(missing, 'more record')}. {_FULL}")
        yield "</details>\n"
    yield "</article>\n"


def _in_common(group: Group) -> Iterator[Line]:
    apart = sum(len(unit.records) for unit in group.apart)
    if apart:
        yield apart_line(group, apart)
        yield from chain.from_iterable(map(unit_lines, group.apart))
        yield BLANK
    yield from common_lines(group, apart)
    yield from example_lines(group)


def _record(unit: UnitView, record: RecordView) -> str:
    """Return one record in full, below the order or cart that it belongs to."""
    alone = UnitView(unit.address, (record,), 0)
    lines = chain.from_iterable(record_lines(alone))
    kind, action = _word(record.address.kind), _word(record.action)
    data = f'data-kind="{kind}" data-action="{action}"'
    return f'<div class="lines record" {data}>{_lines(lines)}</div>\n'


def _word(name: str) -> str:
    """Return a kind or an action, or nothing: no other text may be in an attribute."""
    return name if name in kinds() or name in list(Action) else ""


def _block(lines: Iterable[Line]) -> str:
    return f'<div class="lines">{_lines(lines)}</div>\n'


def _lines(lines: Iterable[Line]) -> str:
    return "".join(map(_line, lines))


def _line(line: Line) -> str:
    glyph = _span(f"{line.glyph} ", line.mark) if line.glyph else ""
    spans = "".join(_span(text, style) for text, style in line.spans)
    return f"<div>{' ' * line.indent}{glyph}{spans}</div>"


def _span(text: str, style: str) -> str:
    shown = html.escape(text)
    return f'<span class="{style}">{shown}</span>' if style.isalpha() else shown


def _text(text: str) -> str:
    return html.escape(visible(text))


def _paragraph(text: str, style: str = "") -> str:
    named = f' class="{style}"' if style else ""
    return f"<p{named}>{_text(text)}</p>\n"
