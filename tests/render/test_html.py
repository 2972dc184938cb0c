"""A plan as one HTML file."""

import re
from base64 import b64encode
from collections import Counter
from hashlib import sha256
from html.parser import HTMLParser
from itertools import chain

import pytest
from hostile_plans import HOSTILE, edits
from reader_plans import PLANS, TARGET

from reconcile.model.address import Address
from reconcile.model.explanation import Explanation
from reconcile.model.plan import Action, FieldChange, Plan, Reason, RecordChange, UnitChange
from reconcile.render.html_report import RECORDS, html_report


class Page(HTMLParser):
    """A page as a parser sees it."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: Counter[str] = Counter()
        self.attributes: set[tuple[str, str]] = set()
        self.open: list[str] = []
        self.texts: dict[str, list[str]] = {}
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        self.attributes |= {(name, value or "") for name, value in attrs}
        if tag not in ("meta", "input"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.setdefault(self.open[-1] if self.open else "", []).append(data)
        if not {"style", "script"}.intersection(self.open):
            self.text += data


def page(plan: Plan) -> Page:
    """Return the page of a plan."""
    parsed = Page("".join(html_report(plan, digest="0123abcd")))
    assert parsed.open == []
    return parsed


def test_the_policy_allows_the_pages_own_style_and_script_and_nothing_else() -> None:
    """By their hashes."""
    seen = page(PLANS["mixed_changes"]())
    (policy,) = [value for name, value in seen.attributes if "default-src" in value]
    hashes = {}
    for tag in ("style", "script"):
        (content,) = seen.texts[tag]
        digest = b64encode(sha256(content.encode()).digest()).decode()
        hashes[tag] = f"{tag}-src 'sha256-{digest}'"
    assert policy == (
        f"default-src 'none'; {hashes['style']}; {hashes['script']}; base-uri 'none'; "
        "form-action 'none'"
    )
    assert not {"link", "img", "iframe", "a", "svg"} & seen.tags.keys()


def test_it_says_what_a_terminal_says(plan: Plan) -> None:
    """Target, sentence, digest, limits, conflicts with their hints, and every change."""
    seen = page(plan)
    for said in (
        "Target northwind-sandbox: sandbox account 8675309 (DEVELOPER_TEST)",
        "Plan: 1 property to define; 1 order, 2 line items, 1 cart to create;",
        "Totals: USD 0.00 -> 472.38 (+472.38), 1 order",
        "Content digest: 0123abcd",
        "limit-update: 4 records would be updated, and the limit is 3",
        "hint: restore it there, or --recreate it",
        "No longer declared (left alone): order/OLD-00",
        "property orders.reconcile_key",
    ):
        assert said in seen.text
    for change in plan.records():
        assert str(change.address) in seen.text or change.is_remembered


def test_every_record_of_a_group_can_be_expanded() -> None:
    """In full, beside what they have in common."""
    seen = page(PLANS["equal_edits"]())
    assert seen.text.count("hs_pipeline_stage  Delivered -> Open") == 733
    assert "All 732 orders" in seen.text
    assert ("data-kind", "order") in seen.attributes
    assert ("data-action", "update") in seen.attributes


def test_conflicts_of_one_sort_are_five_and_the_rest() -> None:
    """None is lost."""
    units = []
    for number in range(90):
        address = Address("order", f"A-{number:02}")
        why = (Explanation(f"{address} is archived"),)
        units.append(UnitChange(address, (RecordChange(address, Action.CONFLICT, why=why),)))
    seen = page(Plan(TARGET, tuple(units)))
    assert "85 more like this" in seen.text
    assert all(seen.text.count(f"order/A-{number:02}  #") == 1 for number in range(90))


def test_a_page_has_so_many_records_and_counts_the_others() -> None:
    """So that a phone can open it."""
    units = []
    for number in range(RECORDS + 7):
        address = Address("order", f"A-{number}")
        field = FieldChange("hs_tags", "", "a", Reason.NEW)
        units.append(UnitChange(address, (RecordChange(address, Action.CREATE, fields=(field,)),)))
    seen = page(Plan(TARGET, tuple(units)))
    assert "… and 7 more records. `reconcile show FILE --full` prints" in seen.text
    assert (
        len(
            re.findall(r"^ +\+ order/A-", seen.text.replace("+ order", "\n  + order"), re.MULTILINE)
        )
        > 0
    )
    assert ("class", "lines record") in seen.attributes


@pytest.mark.parametrize("value", HOSTILE)
def test_hostile_values_are_text(value: str) -> None:
    """As a value, a name, a key, a title, a reason, a hint and a target; one by one and grouped."""
    harmless = page(edits("plain"))
    for values in ([value], [value] * 70):
        seen = page(edits(*values))
        assert seen.tags.keys() == harmless.tags.keys() | (
            seen.tags.keys() & {"details", "summary"}
        )
        allowed = {("data-kind", "order"), ("data-kind", "line_item")}
        new = seen.attributes - harmless.attributes - allowed
        assert not any("pwned" in part for part in chain.from_iterable(new))
        assert not any(name.startswith("on") for name, _ in seen.attributes)
        assert "\u202e" not in seen.text
        assert "\x1b" not in seen.text
        assert "pwned" not in "".join(seen.texts["style"] + seen.texts["script"])


def test_personal_values_and_those_of_others_are_not_in_it(plan: Plan) -> None:
    """A file is passed on."""
    text = "".join(html_report(plan))
    for value in ("Reims", "Abbaye", "paul.henriot", "Münster", "Thomas", "1.00 -> 2.00"):
        assert value not in text
    assert "(differs)" in text
