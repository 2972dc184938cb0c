"""Personal values in messages that CI keeps, where one value is part of another."""

from hypothesis import given
from hypothesis import strategies as st

from reconcile.model.address import Address
from reconcile.model.outcome import Outcome, Report, Status
from reconcile.model.plan import (
    Action,
    FieldChange,
    Plan,
    Reason,
    RecordChange,
    TargetPin,
    UnitChange,
)
from reconcile.render import escaping
from reconcile.render.report import report_lines

NAMES = ("Ines", "Ines Rocha", "Ines Rocha Lda")


def test_the_longest_of_nested_values_is_masked_whole() -> None:
    """What is left of it after masking a shorter one would be readable."""
    text = "Ines Rocha Lda is refused, and so are Ines Rocha and Ines"
    for values in (NAMES, NAMES[::-1]):
        assert escaping.mask(text, values) == (
            "(personal) is refused, and so are (personal) and (personal)"
        )


@given(st.lists(st.text("abcdefg", min_size=4, max_size=8), min_size=2, max_size=5))
def test_nothing_is_left_of_a_value_that_holds_others(pieces: list[str]) -> None:
    """However values are nested, and in whatever order they come."""
    whole = "x".join(pieces)
    values = [*pieces, "x".join(pieces[:2]), whole]
    for order in (values, values[::-1], sorted(values, key=len)):
        assert escaping.mask(f"<{whole}>", order) == "<(personal)>"


def test_a_report_in_ci_keeps_nothing_of_a_nested_value() -> None:
    """HubSpot's refusal repeats what was sent; a shorter value of the record is a part of it."""
    address = Address("order", "A")
    fields = tuple(
        FieldChange(f"hs_shipping_address_{number}", "", name, Reason.CHANGE, personal=True)
        for number, name in enumerate(NAMES)
    )
    target = TargetPin("shop", 1, "STANDARD")
    change = RecordChange(address, Action.UPDATE, id="1", fields=fields)
    plan = Plan(target, (UnitChange(address, (change,)),))
    message = "Property value Ines Rocha Lda is too long"
    report = Report(target, (Outcome(address, Action.UPDATE, Status.FAILED, "1", message),))
    text = "\n".join(line.text() for line in report_lines(report, personal=False, plan=plan))
    assert "Property value (personal) is too long" in text
    assert not any(word in text for word in ("Ines", "Rocha", "Lda"))
