"""The records of an apply that did not end as planned, worst first, in a few lines."""

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import NamedTuple

from reconcile.model.address import Address
from reconcile.model.explanation import Explanation
from reconcile.model.outcome import UNKNOWN_OVERWRITE, Outcome, Overwrite, Report, Status
from reconcile.model.plan import Action
from reconcile.render.capped import capped
from reconcile.render.escaping import mask, shorten, visible
from reconcile.render.phrasing import plural
from reconcile.render.record_views import masked
from reconcile.render.styled_lines import Line, plain
from reconcile.render.unit_lines import REASONS, explanation_lines

Typed = Callable[..., str]
"""The command to type for some words: ``("audit", "show", "R")`` -> ``reconcile audit show R``."""

DONE = {
    Action.CREATE: "created",
    Action.UPDATE: "updated",
    Action.ADOPT: "adopted",
    Action.ASSOCIATE: "associated",
    Action.ARCHIVE: "archived",
    Action.FORGET: "forgotten",
}
GLYPHS = {Status.FAILED: "x", Status.CONFLICT: "!", Status.SKIPPED: ".", Status.UNKNOWN: "?"}
FROM_BEFORE = "existed before this run"
_WORST_FIRST = (Status.FAILED, Status.CONFLICT, Status.UNKNOWN, Status.DONE, Status.SKIPPED)

LINES = 50
"""Maximum lines for records that did not end as planned; the audit log has every record."""


class _End(NamedTuple):
    """How a record ended, in texts that may be shown."""

    outcome: Outcome
    message: str
    why: tuple[Explanation, ...]
    overwritten: str

    def group(self) -> tuple[str, str, tuple[tuple[str, str], ...], str]:
        """Return what records that ended alike have in common: not the location in a manifest."""
        why = tuple((one.reason, one.hint) for one in self.why)
        return self.status, self.message, why, self.overwritten

    def lines(self) -> list[Line]:
        """Return the record's line, and those of its explanations below it."""
        lines = [_outcome(self), *explanation_lines(self.why[:REASONS], indent=6)]
        if (more := len(self.why) - REASONS) > 0:
            lines.append(plain(f"… and {plural(more, 'more reason')}", "note", indent=6))
        return lines

    @property
    def status(self) -> str:
        """``failed``, or ``created, then failed`` where HubSpot has the record all the same."""
        status, action = self.outcome.status, self.outcome.action
        is_there = self.outcome.written and action in DONE
        return f"{DONE[action]}, then {status}" if is_there else str(status)


def not_as_planned(
    report: Report,
    secret: Mapping[Address, Sequence[str]],
    *,
    personal: bool,
    typed: Typed,
) -> Iterator[Line]:
    """Yield the records that did not end as planned, worst first, in at most ``LINES`` lines."""
    ends = []
    for outcome in report.outcomes:
        if outcome.status is Status.DONE and not (outcome.overwrites or outcome.not_persisted):
            continue
        message, why = outcome.message, outcome.why
        if not personal:
            values = secret.get(outcome.address, ())
            message, why = mask(message, values), masked(why, values)
        overwritten = overwrote(outcome.overwrites, personal=personal) if outcome.overwrites else ""
        ends.append(_End(outcome, message, why, overwritten))
    ends.sort(key=lambda end: _WORST_FIRST.index(end.outcome.status) if not end.overwritten else -1)
    found = capped(ends, _End.group, lines=LINES, height=lambda end: len(end.lines()))
    for one in found.shown:
        yield from one.item.lines()
        if one.more:
            yield _more(one.item, one.more)
    if found.left_out:
        counts = Counter(end.outcome.status for end in found.left_out)
        parts = [f"{counts[status]:,} {status}" for status in _WORST_FIRST if counts[status]]
        every = f"; `{typed('audit', 'show', report.run)}` lists all" if report.run else ""
        more = f"… and {len(found.left_out):,} more ({', '.join(parts)}){every}"
        yield plain(visible(more), "note", indent=2)


def _more(end: _End, number: int) -> Line:
    """Return the line that counts records that ended like the one above it."""
    says = f"{end.status}: {visible(end.message)}" if end.message else end.status
    if end.why:
        says = "like this"
    return plain(f"… and {number:,} more {says}", str(end.outcome.status), indent=2)


def _outcome(end: _End) -> Line:
    outcome, status, ended = end.outcome, str(end.outcome.status), end.status
    if ended == status and outcome.action is not Action.CONFLICT:
        ended = f"{outcome.action} {status}"
    if end.overwritten:
        ended += f", {end.overwritten}"
    says = f"  {ended}: {visible(end.message)}" if end.message else f"  {ended}"
    address = visible(str(outcome.address))
    style = "conflict" if outcome.status is Status.DONE else status
    note = ((f"  # {FROM_BEFORE}", "note"),) if outcome.standing else ()
    return Line(2, GLYPHS.get(outcome.status, "!"), style, ((address, style), (says, ""), *note))


def overwrote(overwrites: Collection[Overwrite], *, personal: bool) -> str:
    """Return which edits a write overwrote: ``overwrote 'HUMAN' of hs_tags by CRM_UI``."""
    known = [one for one in overwrites if one != UNKNOWN_OVERWRITE]
    parts = [f"overwrote {', '.join(_edit(one, personal=personal) for one in known)}"]
    if UNKNOWN_OVERWRITE in overwrites:
        parts.append("may have overwritten an edit that HubSpot's history does not show")
    return visible(" and ".join(parts if known else parts[1:]))


def _edit(one: Overwrite, *, personal: bool) -> str:
    text = repr(shorten(one.value))
    if not personal:
        text = "a personal value" if one.personal else mask(text)
    return f"{text} of {one.name}" + (f" by {one.source}" if one.source else "")
