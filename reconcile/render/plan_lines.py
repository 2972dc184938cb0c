"""The lines of a plan, for every renderer that shows text: styled pieces of visible text."""

from collections.abc import Iterable, Iterator, Sequence

from reconcile.model.address import Address
from reconcile.model.kinds import kinds
from reconcile.model.plan import Action, Guard, Plan
from reconcile.model.plan_options import options_again, options_to_let_in, options_to_put_back
from reconcile.render.change_groups import sections
from reconcile.render.drift_words import unread_note
from reconcile.render.escaping import shorten, visible, width
from reconcile.render.group_lines import section_lines
from reconcile.render.not_applied import (
    HELD_BACK,
    KEEP,
    LEFT_ALONE,
    drift_rows,
    held_changes,
    how_to_accept,
    how_to_keep,
    sources_note,
)
from reconcile.render.overview import LOOK_TWICE, anomaly_texts, total_texts
from reconcile.render.phrasing import count, kind_order, plural, selection_words
from reconcile.render.plan_view import PlanView
from reconcile.render.styled_lines import BLANK, Line, plain
from reconcile.render.tree_banner import banner
from reconcile.render.unit_lines import NAMES, define_line, unit_lines

COLUMNS = 80
"""Hints that end with options, and counts, fit into this many columns, so that none is broken."""
LISTED = 10
"""Maximum addresses to list; the rest is counted."""
HELD_LISTED = 40
"""Maximum records held back to list, and properties that drifted."""

LET_IN = "to let them in, plan with"
PUT_BACK = "to put it back, plan with"
LET_THROUGH = "if this is intended, plan with"

LEFT_OUT = "Left out, because an interrupted run wrote to them and the outcome is not known yet"
LEFT_OUT_HINT = (
    "`reconcile resume` continues that run; any apply first finds out what became of its writes"
)


def plan_lines(view: PlanView) -> Iterator[Line]:
    """Yield the whole plan, from target line to target line."""
    heading = plain(visible(view.heading), "heading")
    yield heading
    yield from selection_lines(view.plan)
    yield from banner_lines(view.plan)
    grouped = view.is_long and not view.full
    if view.is_long:
        yield plain(view.footer, "heading")
    yield BLANK
    yield from _overview(view)
    yield from _before(view)
    if grouped:
        yield from _grouped(view)
    else:
        yield from _every_unit(view)
    yield from _after(view)
    yield plain(view.footer, "heading")
    yield heading


def around(view: PlanView) -> Iterator[Line]:
    """Yield all that a plan says beside its changes and its summary."""
    yield from selection_lines(view.plan)
    yield from banner_lines(view.plan)
    yield from _before(view)
    yield from _after(view)


def _before(view: PlanView) -> Iterator[Line]:
    yield from _left_out(view)
    yield from _held_first(view)


def _after(view: PlanView) -> Iterator[Line]:
    yield from _adopted(view)
    yield from _held(view)
    yield from _drift(view)
    yield from _of_whole(view)


def _overview(view: PlanView) -> Iterator[Line]:
    """Yield the money that the plan moves, and what looks like a slip."""
    sums = list(total_texts(view, visible)) if view.is_long else []
    twice = list(anomaly_texts(view, visible))
    yield from (plain(f"Totals: {text}") for text in sums)
    yield from (plain(f"{LOOK_TWICE}: {text}", "drift") for text in twice)
    if sums or twice:
        yield BLANK


def _grouped(view: PlanView) -> Iterator[Line]:
    """Yield equal changes as groups, most risky first."""
    for define in view.plan.defines:
        yield define_line(define)
    if view.plan.defines:
        yield BLANK
    for section in sections(view.units):
        yield from section_lines(section)
    yield plain("Equal changes are grouped: --full lists every record", "note")
    yield BLANK


def _every_unit(view: PlanView) -> Iterator[Line]:
    """Yield every unit."""
    above = 0
    for define in view.plan.defines:
        yield define_line(define)
        above = 2
    for unit in view.units():
        lines = list(unit_lines(unit))
        if above and above + len(lines) > 2:  # units of one line stand together
            yield BLANK
        above = len(lines)
        yield from lines
    if above:
        yield BLANK


def _adopted(view: PlanView) -> Iterator[Line]:
    if texts := view.adoptions.texts(listed_above=view.verbose):
        yield from (plain(visible(text), "note") for text in texts)
        yield BLANK


def banner_lines(plan: Plan) -> Iterator[Line]:
    """Yield what a plan of a pull request says first."""
    for one in banner(plan):
        text = f"{one.text}: {visible(one.quoted)}" if one.quoted else one.text
        yield plain(text, "conflict" if one.warns else "note")


def selection_lines(plan: Plan) -> Iterator[Line]:
    """Yield what a plan is limited to."""
    if options := plan.selected.options:
        yield plain(f"Selection: {visible(' '.join(options))}", "note")
        yield plain(selection_words(plan.selected), "note", indent=2)


def _left_out(view: PlanView) -> Iterator[Line]:
    if view.plan.in_doubt:
        yield plain(f"{LEFT_OUT}: {address_list(view.plan.in_doubt)}", "conflict")
        yield plain(f"hint: {LEFT_OUT_HINT}", "note", indent=2)
        yield BLANK


def _held_first(view: PlanView) -> Iterator[Line]:
    if number := held_changes(view.plan):
        many = plural(number, "declared change")
        yield plain(f"{many} will NOT be applied: held back, see below", "conflict")
        yield BLANK


def _held(view: PlanView) -> Iterator[Line]:
    """Yield what is held back, and how to let it in."""
    if number := held_changes(view.plan):
        yield plain(HELD_BACK, "conflict")
        if number > HELD_LISTED and not view.full:
            for section in sections(view.held, limit=HELD_LISTED):
                yield from section_lines(section)
        else:
            for unit in view.held():
                yield from unit_lines(unit)
        yield from option_lines(LET_IN, options_to_let_in(view.plan))
        if command := how_to_keep(view.plan):
            yield plain(f"hint: {KEEP}: `{visible(command)}`", "note", indent=2)
        yield BLANK


def _drift(view: PlanView) -> Iterator[Line]:
    """Yield the drift that is left alone, a line for each property."""
    rows = drift_rows(view.plan, personal=view.personal)
    if not rows:
        return
    yield plain(LEFT_ALONE, "heading")
    column = min(max(width(visible(row.name)) for row in rows), NAMES)
    for row in rows[:HELD_LISTED]:
        name, by = visible(row.name), row.by(visible)
        line = name + " " * (column - width(name) + 2) + row.many
        fits = width(f"{line}: {by}") <= COLUMNS - 4
        yield plain(f"{line}: {by}" if by and fits else line, "", indent=4)
        if by and not fits:
            yield plain(by, "", indent=6)
    if len(rows) > HELD_LISTED:
        yield plain(
            f"… and {plural(len(rows) - HELD_LISTED, 'more property', 'more properties')}",
            "note",
            indent=4,
        )
    if why := view.plan.drift_sources.unread:
        yield plain(visible(unread_note(why, personal=view.personal)), "conflict", indent=2)
    yield plain(sources_note(view.plan), "note", indent=2)
    yield from option_lines(PUT_BACK, options_to_put_back(view.plan))
    if hint := how_to_accept(view.plan):
        yield plain(f"hint: {hint}", "note", indent=2)
    yield BLANK


def _of_whole(view: PlanView) -> Iterator[Line]:
    """Yield what is not declared, what could not be checked, and the limits that are exceeded."""
    plan = view.plan
    if plan.others:
        yield plain(others_note(plan), "note")
    if plan.undeclared:
        yield plain(f"{left_alone(view)}: {address_list(plan.undeclared)}", "note")
        yield plain(f"hint: {undeclared_hint(view)}", "note", indent=2)
    for text in plan.unchecked:
        yield plain(warning(text), "conflict")
    for guard in plan.guards:
        yield Line(0, "!", Action.CONFLICT, ((limit_line(guard), "conflict"),))
    if plan.guards:
        yield from option_lines(LET_THROUGH, options_again(plan))
    if plan.others or plan.undeclared or plan.unchecked or plan.guards:
        yield BLANK


def left_alone(view: PlanView) -> str:
    """Return the heading for the records that no manifest declares."""
    if view.plan.prune:
        return "No longer declared, but protected or still referenced (left alone)"
    return "No longer declared (left alone)"


def others_note(plan: Plan) -> str:
    """Return how many line items nobody declares under what is declared."""
    children = {child for kind in kinds().values() for child in kind.children}
    many = count(children.pop() if len(children) == 1 else "", plan.others)
    are = "is" if plan.others == 1 else "are"
    return f"{many} under declared orders and carts {are} in no manifest (left alone)"


def undeclared_hint(view: PlanView) -> str:
    """Return what to do about the records that no manifest declares."""
    if view.plan.prune:
        return (
            "apply protected ones once without protect, remove the references to the others, or "
            "stop managing them with `reconcile state rm ADDRESS`"
        )
    return (
        "declare them again, archive them with `reconcile plan --prune`, or stop managing them "
        "with `reconcile state rm ADDRESS`"
    )


def address_list(addresses: Iterable[Address]) -> str:
    """Return ``order/X, order/Y, line_item/X:1, … and 12 more``: orders before their lines."""
    kinds_first = {name: rank for rank, name in enumerate(kind_order())}
    found = sorted(addresses, key=lambda one: (kinds_first.get(one.kind, len(kinds_first)), one))
    names = [visible(shorten(str(address))) for address in found[:LISTED]]
    more = len(found) - len(names)
    return ", ".join(names) + (f", … and {more:,} more" if more else "")


def warning(text: str) -> str:
    """Return the line for something that could not be checked."""
    return f"warning: {visible(text)}"


def limit_line(guard: Guard) -> str:
    """Return what exceeds a limit."""
    message = guard.message or f"{guard.count:,} where the limit is {guard.limit:,}"
    return f"{visible(guard.name)}: {visible(message)}"


def option_lines(says: str, options: Sequence[str]) -> Iterator[Line]:
    """Yield a hint that ends with options, which can be pasted if they take lines of their own."""
    shown = [visible(option) for option in options]
    hint = f"hint: {says}"
    if 2 + width(" ".join((hint, *shown))) <= COLUMNS:
        yield plain(" ".join((hint, *shown)), "note", indent=2)
        return
    yield plain(hint, "note", indent=2)
    rows = [""]
    for option in shown:
        if rows[-1] and 4 + width(f"{rows[-1]} {option} \\") > COLUMNS:
            rows.append("")
        rows[-1] += f" {option}" if rows[-1] else option
    *above, last = rows
    yield from (plain(f"{row} \\", "note", indent=4) for row in above)
    yield plain(last, "note", indent=4)
