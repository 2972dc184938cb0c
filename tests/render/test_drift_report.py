"""A report on drift in every medium, and the sources in a plan: who changed what, and when."""

import io
import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from markdown_it import MarkdownIt
from rich.text import Text

from reconcile import __version__
from reconcile.model.address import Address
from reconcile.model.drift_sources import (
    DriftSource,
    DriftSources,
    SetBy,
    SourceCount,
    SourceKind,
)
from reconcile.model.drifted import DriftReport
from reconcile.model.plan import (
    Action,
    FieldChange,
    LeftAlone,
    LinkChange,
    LinkReference,
    Plan,
    Reason,
    RecordChange,
    TargetPin,
    UnitChange,
)
from reconcile.render.drift_lines import drift_lines
from reconcile.render.drift_markdown import drift_markdown
from reconcile.render.drift_view import drift_view
from reconcile.render.drift_words import source_json, source_words
from reconcile.render.escaping import width
from reconcile.render.json_drift import drift_json
from reconcile.render.json_plan import to_json
from reconcile.render.markdown import markdown
from reconcile.render.output import write_lines, write_plan

GOLDEN = Path(__file__).parent / "golden"
TARGET = TargetPin("shop", 7, "STANDARD")
DRIFT = Reason.DRIFT


def _order(key: str) -> Address:
    return Address("order", key)


def _stage(there: str) -> FieldChange:
    return FieldChange("hs_pipeline_stage", there.lower(), "open", DRIFT, there, "Open")


def _left(key: str, *fields: FieldChange, links: tuple[LinkChange, ...] = ()) -> UnitChange:
    drift = LeftAlone(_order(key), f"90{key[-1]}", "Hanari Carnes", fields, links)
    return UnitChange(_order(key), (), left_alone=(drift,))


CITY = FieldChange("hs_shipping_address_city", "Lisboa", "Porto", DRIFT, personal=True)
TAGS = FieldChange("hs_tags", "", "vip", DRIFT)
CONTACT = LinkChange(
    add=True,
    to="contact",
    id="55",
    address=None,
    types=(("HUBSPOT_DEFINED", 507),),
    shown="contact email=ines@example.com",
    ours=(("HUBSPOT_DEFINED", 507),),
    personal=True,
    references=(LinkReference("email", "ines@example.com", "", "HUBSPOT_DEFINED", 507),),
)
BACK = RecordChange(
    Address("line_item", "NW-4:1"),
    Action.UPDATE,
    "6",
    (FieldChange("quantity", "9", "10", DRIFT),),
    title="Tofu",
)
HELD = RecordChange(
    _order("NW-5"), Action.UPDATE, "905", (FieldChange("memo", "theirs", "ours", Reason.BOTH),)
)
PLAN = Plan(
    TARGET,
    (
        _left("NW-1", _stage("Shipped")),
        _left("NW-2", _stage("Shipped"), CITY),
        _left("NW-3", _stage("Delivered"), TAGS, links=(CONTACT,)),
        UnitChange(_order("NW-4"), (BACK,)),
        UnitChange(_order("NW-5"), (), held=(HELD,)),
    ),
    reverts=(("line_item", "quantity"),),
)
SHOPIFY = DriftSource(SourceKind.INTEGRATION, "777", "Shopify")
ANA = DriftSource(SourceKind.USER, "41", "ana@example.com")
REPORT = DriftReport(
    PLAN,
    {
        (_order("NW-1"), "hs_pipeline_stage"): SetBy(SHOPIFY, "2026-11-29T09:12:00Z"),
        (_order("NW-2"), "hs_pipeline_stage"): SetBy(SHOPIFY, "2026-11-30T09:12:59Z"),
        (_order("NW-2"), "hs_shipping_address_city"): SetBy(ANA, "2026-11-30T10:00:00Z"),
        (_order("NW-3"), "hs_pipeline_stage"): SetBy(ANA, "2026-11-30T10:01:00Z"),
        (_order("NW-3"), "hs_tags"): SetBy(DriftSource(SourceKind.WORKFLOW)),
        (BACK.address, "quantity"): SetBy(DriftSource(SourceKind.UNKNOWN)),
    },
)
PERSONAL = ("ana@", "ines@", "Lisboa", "Porto", "Hanari", '"41"')
BOLD = ("strong_open", "strong_close")
HOSTILE = (
    "\x1b[31mzq\x1b[0m",
    "z\u202eq",
    "zq\nTwo: 3",
    "::error::zq",
    "##[error]zq",
    "<!-- x --> @zq #1 | `zq` <img src=zq>",
    "zq, 9 by bob@example.com",
    "zq -> b",
    "",
    " ",
    "zq" * 500,
    "``` \n# zq",
)


def text(report: DriftReport, *, personal: bool = True, color: bool = False) -> str:
    """The report as a terminal gets it."""
    stream = io.StringIO()
    write_lines(drift_lines(drift_view(report, personal=personal)), stream, color=color)
    return stream.getvalue()


def plan_text(plan: Plan, *, personal: bool = True) -> str:
    """The plan as a terminal gets it."""
    stream = io.StringIO()
    write_plan(plan, stream, personal=personal, color=False)
    return stream.getvalue()


@pytest.mark.parametrize(("name", "personal"), [("drift", True), ("drift-ci", False)])
def test_values_stand_under_their_property_and_source(name: str, *, personal: bool) -> None:
    """What most records have comes first, and of one source the newest."""
    assert text(REPORT, personal=personal) == (GOLDEN / f"{name}.txt").read_text(encoding="utf-8")


def test_a_summary_counts_first_and_then_lists() -> None:
    """Without personal values."""
    assert drift_markdown(REPORT) == (GOLDEN / "drift.md").read_text(encoding="utf-8")


def test_a_summary_fits_into_a_comment() -> None:
    """Numbers stay; of values, as many as fit, and no more than 100 of one source."""
    keys = [f"NW-{n:05}" for n in range(3000)]
    fields = [FieldChange(f"p{n:02}", "x" * 150, "y" * 150, DRIFT) for n in range(40)]
    many = [_left(key, fields[n % 40]) for n, key in enumerate(keys)]
    long = DriftReport(replace(PLAN, units=(*PLAN.units, *many)), REPORT.sources)
    said = drift_markdown(long)
    assert 50_000 < len(said.encode()) <= 65_000
    assert "- `p39`: 75 orders\n" in said
    assert re.search(r"\nLeft out to fit: [0-9,]+ values\. `reconcile drift` prints all\.\n", said)
    short = FieldChange("memo", "x", "y", DRIFT)
    units = tuple(_left(key, short) for key in keys)
    said = drift_markdown(DriftReport(replace(PLAN, units=units), {}))
    assert said.count("y -> x\n") == 100
    assert "Left out to fit: 2,900 values." in said


def test_programs_get_each_value_with_its_source() -> None:
    """In ASCII, a line each."""
    shown = drift_json(REPORT, personal=True)
    expected = json.loads((GOLDEN / "drift.json").read_text(encoding="utf-8"))
    assert json.loads(shown) == expected | {"reconcile_version": __version__}
    assert shown.isascii()
    assert len(shown.splitlines()) == 2 + 7


def test_nothing_personal_leaves_ci() -> None:
    """Neither values, nor titles, nor who it was: people are counted together."""
    shown = (
        text(REPORT, personal=False),
        drift_markdown(REPORT),
        drift_json(REPORT, personal=False),
    )
    for said in shown:
        assert not [value for value in PERSONAL if value in said]
        assert "people" in said
        assert "hs_shipping_address_city" in said
        assert "integration Shopify" in said


def test_without_sources_the_values_stand_alone() -> None:
    """As `--no-sources` asks for: no source, no time."""
    said = text(replace(REPORT, sources=None))
    assert "\nhs_pipeline_stage: 3 orders\n    order/NW-1  Open -> Shipped\n" in said
    assert " by " not in said.replace("by others", "").replace("by the next", "")
    data = json.loads(drift_json(replace(REPORT, sources=None), personal=True))
    assert data["sources"] == "not_asked"
    assert {one["source"] for one in data["drift"]} == {None}


def test_what_could_not_be_read_is_said() -> None:
    """The values whose sources are known keep them; what HubSpot said is masked in CI."""
    sources = {key: one for key, one in (REPORT.sources or {}).items() if key[0].key == "NW-1"}
    report = replace(REPORT, sources=sources, unread="no access for ana@example.com\x1b[2J")
    said = text(report)
    assert "\nsources could not be read: no access for ana@example.com\\x1b[2J\n" in said
    assert "  1 by integration Shopify\n" in said
    assert "an unknown source" not in said
    assert "no access for (personal)" in text(report, personal=False)
    assert "> `sources could not be read: no access for (personal)" in drift_markdown(report)
    data = json.loads(drift_json(report, personal=False))
    assert (data["sources"], data["unread"][:9]) == ("incomplete", "no access")


def test_no_drift_is_one_sentence() -> None:
    """What changed on both sides is none, and is counted."""
    none = DriftReport(replace(PLAN, units=PLAN.units[-1:]), {})
    assert not none.drifted
    said = text(none)
    assert "\nNo drift.\n" in said
    assert "1 record changed on both sides, which is not drift: see `reconcile plan`\n" in said
    assert "hint" not in said
    assert "\n\nNo drift.\n\n" in drift_markdown(none)
    assert json.loads(drift_json(none, personal=True))["drift"] == []


def test_what_is_left_out_of_a_plan_is_named() -> None:
    """Its drift is not known."""
    report = replace(REPORT, plan=replace(PLAN, in_doubt=(_order("NW-9"),)))
    assert "outcome is not known yet: order/NW-9\n" in text(report)
    assert "`order/NW-9`" in drift_markdown(report)
    assert json.loads(drift_json(report, personal=True))["in_doubt"] == ["order/NW-9"]


def test_colour_adds_nothing() -> None:
    """The words carry the meaning."""
    colored = text(REPORT, color=True)
    assert "\x1b[" in colored
    assert "\n".join(Text.from_ansi(line).plain for line in colored.split("\n")) == text(REPORT)


def test_lines_fit_a_terminal_of_80_columns() -> None:
    """The footer may wrap."""
    assert [one[:8] for one in text(REPORT).splitlines() if width(one) > 80] == ["Drift in"]


# Names from HubSpot


def named(name: str) -> DriftReport:
    """The report with an integration, a user and another source of this name."""
    kinds = (SourceKind.INTEGRATION, SourceKind.USER, SourceKind.OTHER)
    sources = {
        key: SetBy(DriftSource(kind, "", name), one.at)
        for (key, one), kind in zip((REPORT.sources or {}).items(), kinds * 2, strict=True)
    }
    return replace(REPORT, sources=sources)


def plan_with(*names: str) -> Plan:
    """The plan, whose tags were changed by integrations with these names."""
    sources = sorted({DriftSource(SourceKind.INTEGRATION, "", name) for name in names})
    counts = tuple(SourceCount("order", "hs_tags", one, 1) for one in sources)
    return replace(PLAN, drift_sources=DriftSources(3, counts))


@pytest.mark.parametrize("name", HOSTILE)
def test_a_name_directs_nothing(name: str) -> None:
    """No escape, line, command, markup or other source comes out of it."""
    report, plan = named(name), plan_with(name)
    plain = [text(report), text(report, personal=False), plan_text(plan)]
    lines = text(named("plain")).count("\n")
    for said in plain:
        assert all(one.isprintable() for one in said.splitlines())
        assert not [one for one in said.splitlines() if one.lstrip().startswith("::")]
        assert "##[" not in said
    assert text(report).count("\n") == lines
    assert not re.search(r"^ +\d+ by bob", text(report), re.MULTILINE)
    for said in (drift_markdown(report), markdown(plan)):
        assert said.count("<!--") == 1
        tokens = MarkdownIt("commonmark", {"html": True}).parse(said)
        inline = [child for token in tokens for child in token.children or ()]
        assert {one.type for one in inline} <= {
            "text",
            "code_inline",
            "softbreak",
            "hardbreak",
            *BOLD,
        }
        assert not [one for one in inline if one.type == "text" and "zq" in one.content]
        blocks = [one.content for one in tokens if one.type == "html_block"]
        assert not [one for one in blocks if re.search(r"<(?!/?(details|summary|code|!--))", one)]
    for data in (drift_json(report, personal=True), to_json(plan, personal=True)):
        assert data.isascii()
        assert "##[" not in data


@pytest.mark.parametrize(
    ("source", "words"),
    [
        (SHOPIFY, "integration Shopify"),
        (DriftSource(SourceKind.INTEGRATION, "777"), "integration 777"),
        (DriftSource(SourceKind.INTEGRATION), "an integration"),
        (
            DriftSource(SourceKind.INTEGRATION, "7", "Shop, 9 by bob"),
            'integration "Shop, 9 by bob"',
        ),
        (ANA, "ana@example.com"),
        (DriftSource(SourceKind.USER, "41", "Ana"), "user Ana"),
        (DriftSource(SourceKind.USER, "41"), "user 41"),
        (DriftSource(SourceKind.USER), "a user"),
        (DriftSource(SourceKind.WORKFLOW, "42", "Ship it"), "workflow Ship it"),
        (DriftSource(SourceKind.WORKFLOW), "a workflow"),
        (DriftSource(SourceKind.IMPORT, "5"), "import 5"),
        (DriftSource(SourceKind.CALCULATION), "HubSpot's calculation"),
        (DriftSource(SourceKind.OTHER, "", "FORM"), "source FORM"),
        (DriftSource(SourceKind.UNKNOWN), "an unknown source"),
    ],
)
def test_a_source_in_words(source: DriftSource, words: str) -> None:
    """By name, else by id, else by what it is."""
    assert source_words(source, personal=True) == words


@pytest.mark.parametrize(
    "name", ["ana@example.com", "Zap of ana@example.com", "Zap of 'Ana Maria'"]
)
def test_names_that_may_be_personal_are_masked(name: str) -> None:
    """Also in the label of an integration; users are never named."""
    assert source_words(DriftSource(SourceKind.USER, "41", name), personal=False) == "people"
    said = source_words(DriftSource(SourceKind.INTEGRATION, "7", name), personal=False)
    assert "ana" not in said.lower()


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (SourceKind.USER, "people"),
        (SourceKind.IMPORT, "an import"),
        (SourceKind.OTHER, "another source"),
    ],
)
def test_labels_are_masked_where_they_may_name_a_person(kind: SourceKind, words: str) -> None:
    """An app for phones and an import have the label of whoever uses them; the type stays."""
    source = DriftSource(kind, "5", "Dora Secretname")
    assert source_words(source, personal=False) == words
    stated = {"type": str(kind), "id": "", "name": "", "text": words}
    assert source_json(source, personal=False) == stated


# In a plan


def test_a_plan_names_main_sources_by_property() -> None:
    """Three of them; the others are counted."""
    plan = plan_with("a", "b", "c", "d")
    by = "1 by integration a, 1 by integration b, 1 by integration c, 1 by others"
    assert f"    hs_tags                     1 order\n      of 4: {by}\n" in plan_text(plan)
    assert "1 order (of 4: 1 by `integration a`, 1 by `integration b`, " in markdown(plan)


def test_a_plan_says_of_how_many_records_its_sources_are() -> None:
    """And where all are found."""
    every = "`reconcile drift` lists each value with its source"
    assert f"  {every}\n" in plan_text(plan_with("a"))
    one = replace(plan_with("a"), drift_sources=replace(plan_with("a").drift_sources, records=1))
    assert f"  sources are of 1 of 3 records; {every}\n" in plan_text(one)
    assert f"Sources are of 1 of 3 records; {every}.  \n" in markdown(one)


def test_a_plan_says_what_it_could_not_read() -> None:
    """HubSpot's words are escaped, and masked in CI."""
    plan = replace(PLAN, drift_sources=DriftSources(unread="not for ana@example.com\x1b[2J"))
    assert "  sources could not be read: not for ana@example.com\\x1b[2J\n" in plan_text(plan)
    for said in (plan_text(plan, personal=False), markdown(plan), to_json(plan, personal=False)):
        assert "ana@" not in said
        assert "not for (personal)" in said


def test_people_are_one_source_in_ci() -> None:
    """So their number stays, and who they are does not."""
    bo = DriftSource(SourceKind.USER, "42", "bo@example.com")
    counts = tuple(SourceCount("order", "hs_pipeline_stage", one, 1) for one in (SHOPIFY, ANA, bo))
    plan = replace(PLAN, drift_sources=DriftSources(3, counts))
    row = "3 orders\n      1 by ana@example.com, 1 by bo@example.com, 1 by integration Shopify\n"
    assert row in plan_text(plan)
    assert "3 orders: 2 by people, 1 by integration Shopify\n" in plan_text(plan, personal=False)
    assert "3 orders (2 by `people`, 1 by `integration Shopify`)\n" in markdown(plan)
    stated = json.loads(to_json(plan, personal=False))["drift_sources"]
    assert stated["counts"][1]["source"] == {"type": "user", "id": "", "name": "", "text": "people"}
    assert json.loads(to_json(plan, personal=True))["drift_sources"]["counts"][1]["source"] == {
        "type": "user",
        "id": "41",
        "name": "ana@example.com",
        "text": "ana@example.com",
    }
