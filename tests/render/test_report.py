"""The end of an apply."""

import io
from dataclasses import replace

import pytest

from reconcile.model.address import Address
from reconcile.model.explanation import Explanation
from reconcile.model.outcome import Outcome, Report, Rewrite, Status
from reconcile.model.plan import Action, Plan, TargetPin
from reconcile.model.records import Location
from reconcile.render.report import sentence, write_report

PIN = TargetPin("shop", 7, "STANDARD")


def _outcomes(
    action: Action,
    status: Status,
    kind: str,
    many: int,
    message: str = "",
    *,
    remembered: bool = False,
) -> list[Outcome]:
    addresses = [Address(kind, f"{action}-{status}-{n}") for n in range(many)]
    return [
        Outcome(one, action, status, message=message, remembered=remembered) for one in addresses
    ]


def _report(*outcomes: list[Outcome], interrupted: bool = False, calls: int = 0) -> Report:
    return Report(PIN, tuple(o for many in outcomes for o in many), calls, 3.4, interrupted)


def _text(report: Report, *, personal: bool = True, plan: Plan | None = None) -> str:
    stream = io.StringIO()
    write_report(report, stream, personal=personal, color=False, plan=plan)
    return stream.getvalue()


DONE, FAILED, CONFLICT = Status.DONE, Status.FAILED, Status.CONFLICT
AGAIN = "Plan and apply again to continue."


PROVED = "Verified: a new plan is empty."


@pytest.mark.parametrize(
    ("report", "said"),
    [
        (_report(), "Apply complete: nothing to change."),
        (
            _report(
                _outcomes(Action.CREATE, DONE, "order", 830),
                _outcomes(Action.CREATE, DONE, "line_item", 2155),
                _outcomes(Action.UPDATE, DONE, "order", 1),
                calls=92,
            ),
            "Apply complete: 830 orders, 2,155 line items created; 1 order updated. "
            f"92 calls in 3.4 s. {PROVED}",
        ),
        (
            _report(
                _outcomes(Action.CREATE, DONE, "order", 828),
                _outcomes(Action.CREATE, FAILED, "order", 2),
                _outcomes(Action.CONFLICT, CONFLICT, "order", 1),
            ),
            f"Applied in part: 828 of 830 orders created; 2 failed, 1 conflict. {AGAIN}",
        ),
        (
            _report(
                _outcomes(Action.ARCHIVE, DONE, "order", 2),
                _outcomes(Action.ARCHIVE, DONE, "line_item", 5),
                _outcomes(Action.FORGET, DONE, "cart", 1),
            ),
            f"Apply complete: 2 orders, 5 line items archived; 1 cart forgotten. {PROVED}",
        ),
        (
            _report(
                _outcomes(Action.ADOPT, DONE, "order", 2, remembered=True),
                _outcomes(Action.ADOPT, DONE, "cart", 1),
            ),
            f"Apply complete: 1 cart adopted; entries of 2 orders in the state renewed. {PROVED}",
        ),
        (
            _report(
                _outcomes(Action.ADOPT, DONE, "cart", 1),
                _outcomes(Action.CONFLICT, CONFLICT, "order", 2),
            ),
            "Applied in part: 1 cart adopted; 2 conflicts. "
            "Conflicts were left alone; correct the manifest or the account, then plan again.",
        ),
        (
            _report(_outcomes(Action.CONFLICT, CONFLICT, "order", 2)),
            "Nothing was applied: 2 conflicts. "
            "Conflicts were left alone; correct the manifest or the account, then plan again.",
        ),
        (
            _report(
                _outcomes(Action.UPDATE, CONFLICT, "order", 1),
                _outcomes(Action.CREATE, Status.SKIPPED, "line_item", 1),
                calls=7,
            ),
            "Nothing was applied: 1 conflict, 1 skipped. 7 calls in 3.4 s. "
            "Conflicts were left alone; plan again to resolve them.",
        ),
        (
            _report(_outcomes(Action.CREATE, Status.UNKNOWN, "order", 1)),
            f"Applied in part: 0 of 1 order created; 1 unknown. {AGAIN}",
        ),
        (
            _report(
                _outcomes(Action.UPDATE, Status.UNKNOWN, "order", 1),
                _outcomes(Action.UPDATE, Status.SKIPPED, "order", 3),
                interrupted=True,
                calls=1,
            ),
            f"Interrupted: 0 of 4 orders updated; 3 skipped, 1 unknown. 1 call in 3.4 s. {AGAIN}",
        ),
    ],
)
def test_the_last_sentence_gives_the_outcome(report: Report, said: str) -> None:
    """Whole kinds are counted, others as so many of so many; then what to do next."""
    assert sentence(report) == said


def test_what_was_not_done_has_a_line_with_its_reason() -> None:
    """Between the target's two lines, each with a glyph, so that no colour is needed."""
    report = _report(
        _outcomes(Action.CREATE, DONE, "order", 1),
        _outcomes(Action.CREATE, FAILED, "order", 1, "hs_total_price is no number"),
        _outcomes(Action.CONFLICT, CONFLICT, "order", 1, "archived in HubSpot"),
        _outcomes(Action.UPDATE, Status.UNKNOWN, "cart", 1),
    )
    assert _text(report).split("\n") == [
        "Target shop: account 7 (STANDARD)",
        "",
        "  x order/create-failed-0  create failed: hs_total_price is no number",
        "  ! order/conflict-conflict-0  conflict: archived in HubSpot",
        "  ? cart/update-unknown-0  update unknown",
        "",
        "Applied in part: 1 of 2 orders created; 0 of 1 cart updated; "
        f"1 failed, 1 conflict, 1 unknown. {AGAIN}",
        "Target shop: account 7 (STANDARD)",
        "",
    ]


WHY = (
    Explanation("record 5 is archived in HubSpot", "restore it in HubSpot"),
    Explanation("no contact has id '7'", "correct the reference", Location("shop.yaml", 4, 9)),
    Explanation("no company has id '8'", "correct the reference", Location("shop.yaml", 5, 9)),
)


def _in_conflict(number: int, *why: Explanation, standing: bool = False) -> Outcome:
    address = Address("order", f"A{number}")
    return Outcome(address, Action.CONFLICT, CONFLICT, standing=standing, why=why)


def test_the_reasons_and_hints_of_a_conflict_have_lines_of_their_own() -> None:
    """As in a plan: each reason with its location, each hint once, below the last it is for."""
    report = _report([_in_conflict(1, *WHY, standing=True)])
    assert _text(report).split("\n")[2:-4] == [
        "  ! order/A1  conflict  # existed before this run",
        "      record 5 is archived in HubSpot",
        "      hint: restore it in HubSpot",
        "      shop.yaml:4:9: no contact has id '7'",
        "      shop.yaml:5:9: no company has id '8'",
        "      hint: correct the reference",
    ]


def test_equal_conflicts_are_counted_wherever_the_manifest_has_them() -> None:
    """Five are shown, with their reasons and hints; another hint is another conflict."""
    gone = [
        _in_conflict(n, replace(WHY[1], location=Location("shop.yaml", n + 1, 9)))
        for n in range(100)
    ]
    lines = _text(_report(gone, [_in_conflict(100, replace(WHY[1], hint="ask"))])).split("\n")
    assert lines.count("      hint: correct the reference") == 5
    assert "      shop.yaml:5:9: no contact has id '7'" in lines
    at = lines.index("  … and 95 more like this")
    assert lines[at + 1] == "  ! order/A100  conflict"
    assert lines[at + 3] == "      hint: ask"


def test_a_record_with_many_reasons_leaves_room_for_others() -> None:
    """Five reasons of one record are shown, with their hints; the others are counted."""
    many = [Explanation(f"orders have no property 'p{n}'", "correct it") for n in range(60)]
    lines = _text(_report([_in_conflict(1, *many), _in_conflict(2, *WHY)])).split("\n")
    assert lines[3:10] == [
        *(f"      orders have no property 'p{n}'" for n in range(5)),
        "      hint: correct it",
        "      … and 55 more reasons",
    ]
    assert "      hint: restore it in HubSpot" in lines


def test_many_skipped_for_one_reason_are_counted() -> None:
    """An interrupted run does not list all that it did not come to."""
    text = _text(_report(_outcomes(Action.CREATE, Status.SKIPPED, "order", 2000, "interrupted")))
    assert text.count("create skipped: interrupted") == 5
    assert "  … and 1,995 more skipped: interrupted" in text


def test_what_hubspot_rewrote_is_told_once_a_property() -> None:
    """With one record as the example."""
    rewrites = (
        Rewrite("hs_total_price", "19.90", "19.9"),
        Rewrite("hs_note", "Jo", "", personal=True),
    )
    outcomes = [
        Outcome(Address("order", f"A{n}"), Action.UPDATE, DONE, rewrites=rewrites) for n in range(3)
    ]
    text = _text(_report(outcomes))
    assert "  ~ hs_total_price  19.90 -> 19.9  (order/A0 and 2 more)" in text
    assert "  ~ hs_note  Jo -> (empty)  (order/A0 and 2 more)" in text
    assert "  ~ hs_note  changed (personal)  (order/A0" in _text(_report(outcomes), personal=False)


def test_messages_lose_the_personal_values_of_the_plan(plan: Plan) -> None:
    """HubSpot's errors quote what was sent; the plan says which of it is personal."""
    message = "Thomas and Munster, and (tom@example.com), are not valid for order 9001"
    outcome = Outcome(Address("order", "NW-10249"), Action.UPDATE, FAILED, message=message)
    report = Report(PIN, (outcome,))
    assert message in _text(report, plan=plan)
    masked = "(personal) and (personal), and ((personal)), are not valid for order 9001"
    assert masked in _text(report, personal=False, plan=plan)


LOST = "HubSpot did not keep hs_external_id: a fresh read shows it empty"


def test_what_hubspot_did_not_keep_has_a_line_with_its_record() -> None:
    """The record is done, the apply is not complete, and running it again would not help."""
    lost = Outcome(
        Address("line_item", "A:1"),
        Action.CREATE,
        DONE,
        "7",
        LOST,
        not_persisted=("hs_external_id",),
    )
    assert _text(_report(_outcomes(Action.CREATE, DONE, "order", 1), [lost])).split("\n") == [
        "Target shop: account 7 (STANDARD)",
        "",
        f"  ! line_item/A:1  create done: {LOST}",
        "",
        "Applied in part: 1 order, 1 line item created; 1 value not kept by HubSpot. "
        "What HubSpot did not keep is sent again only when its manifest changes.",
        "Target shop: account 7 (STANDARD)",
        "",
    ]


def test_many_records_that_lost_the_same_value_are_counted() -> None:
    """A property that HubSpot never keeps does not fill the screen."""
    lost = [
        Outcome(
            Address("line_item", f"A:{n}"),
            Action.UPDATE,
            DONE,
            message=LOST,
            not_persisted=("x", "y"),
        )
        for n in range(2000)
    ]
    text = _text(_report(lost))
    assert text.count(f"update done: {LOST}") == 5
    assert f"  … and 1,995 more done: {LOST}" in text
    assert "4,000 values not kept by HubSpot" in text


def test_conflicts_count_for_more_than_lost_values() -> None:
    """What to do next is said of them."""
    lost = Outcome(Address("cart", "A"), Action.UPDATE, DONE, message=LOST, not_persisted=("x",))
    report = _report([lost], _outcomes(Action.UPDATE, CONFLICT, "order", 1))
    assert sentence(report) == (
        "Applied in part: 0 of 1 order, 1 cart updated; 1 conflict, "
        "1 value not kept by HubSpot. Conflicts were left alone; plan again to resolve them."
    )
