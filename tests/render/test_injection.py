"""Whatever text manifests and HubSpot hold, output stays what it is."""

import io
import json
import re
import unicodedata
from collections.abc import Iterator

from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token
from rich.text import Text

from reconcile.errors import HubSpotError, ManifestError, Problem
from reconcile.model.address import Address
from reconcile.model.explanation import Explanation
from reconcile.model.outcome import Outcome, Report, Rewrite, Status
from reconcile.model.plan import (
    Action,
    FieldChange,
    Guard,
    LeftAlone,
    LinkChange,
    Plan,
    PropertyDefine,
    Reason,
    RecordChange,
    TargetPin,
    UnitChange,
)
from reconcile.model.records import NOWHERE, Location
from reconcile.render.error_lines import conflicts_in, format_error, github_annotations
from reconcile.render.json_plan import to_json
from reconcile.render.markdown import markdown
from reconcile.render.output import write_plan
from reconcile.render.plan_lines import plan_lines
from reconcile.render.plan_view import view
from reconcile.render.report import report_lines, write_report

HOSTILE = (
    "a\x7fb",
    "\x1b[2J\x1b]8;;http://evil\x07",
    "\u202eevil",
    "a\nerror: forged\r\n::add-mask::x",
    "::stop-commands::x",
    "##[command]x",
    "```\n# heading\n~~~",
    "`" * 7,
    "<script>alert(1)</script>",
    "</details><h1>x",
    "</code></summary>",
    "<!-- reconcile:plan:production -->",
    "-->",
    "@octocat fixes #12, GH-3, owner/repo#4",
    "[x](http://evil) ![x](http://evil) <http://evil>",
    "https://evil.example www.evil.example",
    "| a | b |\n|---|---|",
    "**bold** _it_ $x$ :tada: &lt; \\",
    "changed (personal)",
    "[red]x[/red]",
    " ",
    "",
)
TEXT = st.one_of(
    st.sampled_from(HOSTILE), st.text(max_size=12), st.text(min_size=190, max_size=230)
)
KIND = st.sampled_from(("order", "line_item", "cart", "<b>", "a\nb"))
ADDRESS = st.builds(Address, KIND, TEXT)
TYPES = st.just((("HUBSPOT_DEFINED", 1),))
FIELD = st.builds(FieldChange, TEXT, TEXT, TEXT, st.sampled_from(Reason), TEXT, TEXT, st.booleans())
LINK = st.builds(
    LinkChange,
    add=st.booleans(),
    to=TEXT,
    id=TEXT,
    address=st.none() | ADDRESS,
    types=TYPES,
    shown=TEXT,
    personal=st.booleans(),
)
LOCATION = st.builds(Location, TEXT, st.integers(0, 3), st.integers(0, 3))
EXPLANATION = st.builds(Explanation, TEXT, TEXT, st.just(NOWHERE) | LOCATION)
RECORD = st.builds(
    RecordChange,
    address=ADDRESS,
    action=st.sampled_from([a for a in Action if a is not Action.DEFINE]),
    id=TEXT,
    title=TEXT,
    fields=st.lists(FIELD, max_size=3).map(tuple),
    links=st.lists(LINK, max_size=1).map(tuple),
    adopts=st.booleans(),
    rekey=st.booleans(),
    recreates=st.booleans(),
    why=st.lists(EXPLANATION, max_size=3).map(tuple),
)


LEFT = st.builds(
    LeftAlone,
    address=ADDRESS,
    id=TEXT,
    title=TEXT,
    fields=st.lists(FIELD, max_size=3).map(tuple),
    links=st.lists(LINK, max_size=1).map(tuple),
)


@st.composite
def _units(draw: st.DrawFn) -> UnitChange:
    records = draw(st.lists(RECORD, max_size=3))
    held = draw(st.lists(RECORD, max_size=2))
    left = draw(st.lists(LEFT, min_size=0 if records or held else 1, max_size=2))
    address = draw(st.one_of(ADDRESS, *(st.just(one.address) for one in (records + held)[:1])))
    others = draw(st.integers(0, 2))
    return UnitChange(
        address, tuple(records), others=others, held=tuple(held), left_alone=tuple(left)
    )


TARGET = st.builds(TargetPin, TEXT, st.just(7), TEXT, st.booleans())
PLAN = st.builds(
    Plan,
    target=TARGET,
    units=st.lists(_units(), max_size=3).map(tuple),
    unchanged=st.integers(0, 2),
    defines=st.lists(st.builds(PropertyDefine, KIND, TEXT, TEXT, TEXT), max_size=1).map(tuple),
    undeclared=st.lists(ADDRESS, max_size=3).map(tuple),
    guards=st.lists(st.builds(Guard, TEXT, st.just(2), st.just(1), TEXT), max_size=1).map(tuple),
    allowed=st.sampled_from([(), ("both=1",), ("drift=2", "rekey=1")]),
)
REPORT = st.builds(
    Report,
    target=TARGET,
    outcomes=st.lists(
        st.builds(
            Outcome,
            ADDRESS,
            st.sampled_from(Action),
            st.sampled_from(Status),
            TEXT,
            TEXT,
            st.lists(st.builds(Rewrite, TEXT, TEXT, TEXT, st.booleans()), max_size=1).map(tuple),
            why=st.lists(EXPLANATION, max_size=3).map(tuple),
        ),
        max_size=4,
    ).map(tuple),
    interrupted=st.booleans(),
    held=st.lists(ADDRESS, max_size=2).map(tuple),
    still_held=st.integers(0, 2),
)
PROBLEM = st.builds(Problem, TEXT, st.integers(0, 3), st.integers(0, 3), TEXT, TEXT)


def _assert_harmless(text: str) -> None:
    for line in text.split("\n"):
        acting = [c for c in line if unicodedata.category(c) in {"Cc", "Cf", "Cs", "Zl", "Zp"}]
        assert not acting
        assert "##[" not in line
        assert not line.lstrip().startswith("::")


@given(plan=PLAN, personal=st.booleans())
def test_no_text_acts_on_a_terminal(plan: Plan, *, personal: bool) -> None:
    """No controls, no extra lines, no runner commands; colour changes nothing."""
    plain, colored = io.StringIO(), io.StringIO()
    write_plan(plan, plain, personal=personal, color=False)
    write_plan(plan, colored, personal=personal, color=True)
    _assert_harmless(plain.getvalue())
    rows = sum(1 for _ in plan_lines(view(plan, personal=personal)))
    assert plain.getvalue().count("\n") == rows
    stripped = re.sub(r"\x1b\[[0-9;]*m", "", colored.getvalue())
    assert stripped == plain.getvalue()
    for line in colored.getvalue().split("\n"):
        assert Text.from_ansi(line).plain == re.sub(r"\x1b\[[0-9;]*m", "", line)


@given(report=REPORT, personal=st.booleans())
def test_no_text_acts_in_a_report(report: Report, *, personal: bool) -> None:
    """The same holds for the end of an apply."""
    stream = io.StringIO()
    write_report(report, stream, personal=personal, color=False)
    _assert_harmless(stream.getvalue())
    rows = sum(1 for _ in report_lines(report, personal=personal))
    assert stream.getvalue().count("\n") == rows


@given(TEXT, TEXT, st.lists(PROBLEM, max_size=12))
def test_no_text_acts_in_an_error(message: str, hint: str, problems: list[Problem]) -> None:
    """Nor in errors; no message can add a line that looks like one of ours."""
    error = ManifestError(problems)
    error.hint = hint
    _assert_harmless(format_error(error))
    text = format_error(HubSpotError(message, correlation_id=hint, hint=hint))
    _assert_harmless(text)
    assert sum(line.startswith("error: ") for line in text.split("\n")) == 1


@given(st.lists(PROBLEM, max_size=12))
def test_no_text_leaves_its_annotation(problems: list[Problem]) -> None:
    """One workflow command a line, whose properties are only the ones it was given."""
    lines = github_annotations(problems)
    assert len(lines) == min(len(problems), 10)
    for line in lines:
        assert "\n" not in line
        head = re.match(r"::error( [^:]*)?::", line)
        assert head
        names = [part.split("=")[0] for part in (head[1] or "").strip().split(",") if part]
        assert set(names) <= {"file", "line", "col", "title"}


def _tokens(tokens: list[Token]) -> Iterator[Token]:
    for token in tokens:
        yield token
        yield from _tokens(token.children or [])


OURS = re.compile(
    r"<!-- reconcile:(plan|apply):[\w.-]* -->"
    r"|<details( open)?><summary><code>[^<>\n]*</code></summary>|</details>",
    re.ASCII,
)


def _assert_only_our_markup(text: str) -> None:
    _assert_harmless(text)
    assert text.startswith("<!-- reconcile:")
    assert text.count("<!--") == 1
    parser = MarkdownIt("commonmark").enable(["table", "strikethrough"])
    tokens = list(_tokens(parser.parse(text)))
    for token in tokens:
        assert token.type not in {"html_inline", "link_open", "image", "s_open", "em_open", "hr"}
        assert token.type not in {"code_block", "ordered_list_open"}
        if token.type == "html_block":
            assert OURS.fullmatch(token.content.strip()), token.content
        if token.type == "text":
            assert not re.search(r"[@#<>$]|://|www\.|GH-|evil|error", token.content)
    assert sum(token.type == "heading_open" for token in tokens) == 1


@given(PLAN, st.sampled_from((65_000, 3_000, 1)), TEXT)
def test_no_text_is_markup_in_a_comment(plan: Plan, limit: int, digest: str) -> None:
    """No HTML, link, heading, mention, reference, fence or marker but ours, at any length."""
    _assert_only_our_markup(markdown(plan, limit=limit, digest=digest))


@given(plan=PLAN, personal=st.booleans(), digest=TEXT)
def test_json_holds_every_text_and_acts_on_nothing(
    plan: Plan, *, personal: bool, digest: str
) -> None:
    """Printable ASCII only, and what is parsed is what was written."""
    text = to_json(plan, personal=personal, digest=digest)
    assert re.fullmatch(r"[\x20-\x7e\n]*", text)
    data = json.loads(text)
    assert data["content_digest"] == digest
    assert data["target"]["name"] == plan.target.name
    changes = data["resource_changes"][len(plan.defines) :]
    listed = [record for record in plan.records() if not record.is_remembered]
    assert [change["address"] for change in changes] == [str(one.address) for one in listed]
    held = [str(one.address) for unit in plan.units for one in unit.held]
    assert [change["address"] for change in data["held_back"]] == held
    left = [str(one.address) for unit in plan.units for one in unit.left_alone]
    assert [change["address"] for change in data["resource_drift"]] == left
    for change, record in zip(changes, listed, strict=True):
        if record.action is Action.CONFLICT:  # no reason can pretend to be several
            assert change["conflict"].count("\n") == max(len(record.why) - 1, 0)


SECRET = "Xq7Zk"


@given(PLAN, REPORT)
def test_personal_values_are_in_nothing_made_for_ci(plan: Plan, report: Report) -> None:
    """Not a trace of them, in whatever field they came."""
    field = FieldChange("f", SECRET, SECRET + "2", Reason.DRIFT, SECRET, SECRET, personal=True)
    link = LinkChange(
        add=True, to="contact", id=SECRET, address=None, types=(), shown=SECRET, personal=True
    )
    title = FieldChange("hs_order_name", "", SECRET, Reason.NEW, personal=True)
    address = Address("order", "A")
    why = (Explanation(f"is {SECRET}", f"not {SECRET}", Location("shop.yaml", 3, 1)),)
    records = tuple(
        RecordChange(address, action, title=SECRET, fields=(title, field), links=(link,), why=why)
        for action in Action
        if action is not Action.DEFINE
    )
    left = LeftAlone(address, "1", SECRET, (title, field), (link,))
    unit = UnitChange(address, records, held=records, left_alone=(left,))
    rewrite = Rewrite("f", SECRET, SECRET, personal=True)
    outcome = Outcome(
        address, Action.UPDATE, Status.FAILED, "1", f"no {SECRET}!", (rewrite,), why=why
    )
    plan = Plan(plan.target, (*plan.units, unit), guards=plan.guards)
    report = Report(report.target, (*report.outcomes, outcome))
    stream = io.StringIO()
    write_plan(plan, stream, personal=False, color=False)
    write_report(report, stream, personal=False, color=False, plan=plan)
    for text in (
        stream.getvalue(),
        markdown(plan),
        markdown(plan, limit=2000),
        to_json(plan, personal=False),
        *github_annotations([*conflicts_in(view(plan, personal=False))], "warning"),
    ):
        assert SECRET not in text
