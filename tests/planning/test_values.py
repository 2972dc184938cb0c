"""Comparing values the way their types mean them."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from types import MappingProxyType

import pytest
from hypothesis import given
from hypothesis import strategies as st
from random_examples import examples
from strategies import VALUES

from reconcile.model.definitions import Property
from reconcile.model.values import MAX_LENGTH, fault, normalise, same

QUICK = examples(200)
OPTIONS = MappingProxyType({"a": "Alpha", "b": "Beta", "c d": "C D"})
NUMBER = Property("n", "number")
DATE = Property("d", "date")
DATETIME = Property("t", "datetime")
BOOL = Property("b", "bool")
TEXT = Property("s", "string")
CHOICE = Property("e", "enumeration", options=OPTIONS)
CHOICES = Property("m", "enumeration", options=OPTIONS, multiple=True)
OPEN = Property("o", "enumeration", open_options=True)
ALL = (NUMBER, DATE, DATETIME, BOOL, TEXT, CHOICE, CHOICES, OPEN)

SAME = [
    (NUMBER, "1200", "1200.00"),
    (NUMBER, "0.5", ".5"),
    (NUMBER, "5.", "5"),
    (NUMBER, "-0", "0"),
    (NUMBER, "007", "7"),
    (NUMBER, "0.90", "0.9"),
    (DATE, "1996-07-04", "836438400000"),
    (DATE, "1996-07-04", "1996-07-04T00:00:00Z"),
    (DATETIME, "1996-07-04T10:00:00Z", "1996-07-04T10:00:00.000Z"),
    (DATETIME, "1996-07-04T10:00:00Z", "1996-07-04T12:00:00+02:00"),
    (DATETIME, "1996-07-04T10:00:00Z", "836474400000"),
    (DATETIME, "1996-07-04", "1996-07-04T00:00:00Z"),
    (DATETIME, "2024-03-10 14:03:22 -0500", "2024-03-10T19:03:22Z"),
    (BOOL, "true", "TRUE"),
    (CHOICES, "a;b", "b;a"),
    (CHOICES, "a;b", ";b;a;"),
    (CHOICES, "a;a", "a"),
    *((definition, "", None) for definition in ALL),
]
DIFFERENT = [
    (NUMBER, "1200", "1200.01"),
    (NUMBER, "1", "-1"),
    (NUMBER, "0", ""),
    (NUMBER, "1e9999999", "1e9999998"),
    (DATE, "1996-07-04", "1996-07-05"),
    (DATETIME, "1996-07-04T10:00:00Z", "1996-07-04T10:00:00+02:00"),
    (DATETIME, "1996-07-04T10:00:00Z", "1996-07-04T10:00:00.001Z"),
    (BOOL, "true", "false"),
    (BOOL, "false", ""),
    (TEXT, "05021", "5021"),
    (TEXT, "a", "A"),
    (TEXT, "a", " a"),
    (TEXT, "19.90", "19.9"),
    (CHOICE, "a", "A"),
    (CHOICES, "a;b", "a"),
]


@pytest.mark.parametrize(("definition", "one", "other"), SAME)
def test_two_spellings_of_one_value_are_the_same(
    definition: Property, one: str, other: str | None
) -> None:
    """Either way round, and so are their canonical forms."""
    assert same(one, other, definition)
    assert same(other, one, definition)
    assert normalise(one, definition) == normalise(other, definition)


@pytest.mark.parametrize(("definition", "one", "other"), DIFFERENT)
def test_two_values_are_not_the_same(definition: Property, one: str, other: str) -> None:
    """However alike they look."""
    assert not same(one, other, definition)
    assert not same(other, one, definition)


@QUICK
@given(st.sampled_from(ALL), st.text(max_size=20))
def test_normalising_twice_changes_nothing(definition: Property, text: str) -> None:
    """A canonical form is its own, whatever was stored."""
    once = normalise(text, definition)
    assert once == normalise(once, definition)


@QUICK
@given(st.sampled_from(["weight", "seen_at", "due", "gift"]), st.data())
def test_good_values_normalise_to_themselves_once(name: str, data: st.DataObject) -> None:
    """So do all that authors write."""
    definition = {"weight": NUMBER, "seen_at": DATETIME, "due": DATE, "gift": BOOL}[name]
    text = data.draw(VALUES[name])
    assert fault(text, definition) is None
    once = normalise(text, definition)
    assert once == normalise(once, definition)
    assert same(text, once, definition)


@QUICK
@given(st.decimals(allow_nan=False, allow_infinity=False, places=6), st.integers(0, 3))
def test_a_number_is_its_value(number: Decimal, zeros: int) -> None:
    """Zeros at either end mean nothing."""
    plain = format(number, "f")
    sign, digits = ("-", plain[1:]) if plain.startswith("-") else ("", plain)
    spelled = f"{sign}{'0' * zeros}{digits}{'0' * zeros}"
    assert fault(spelled, NUMBER) is None
    assert same(plain, spelled, NUMBER)
    assert not same(plain, format(number + Decimal("0.000001"), "f"), NUMBER)


@QUICK
@given(st.integers(10**30, 10**31))
def test_numbers_too_long_for_decimal_arithmetic_are_not_confused(number: int) -> None:
    """Twenty-eight digits are no limit of HubSpot's."""
    assert not same(str(number), str(number + 1), NUMBER)


@QUICK
@given(st.datetimes(datetime(1980, 1, 1), datetime(2100, 1, 1)), st.integers(-12, 14))  # noqa: DTZ001
def test_a_moment_is_its_instant(moment: datetime, hours: int) -> None:
    """Whatever zone it is written in."""
    moment = moment.replace(microsecond=0, tzinfo=UTC)
    local = (moment + timedelta(hours=hours)).replace(tzinfo=None)
    spelled = f"{local.isoformat()}{'-' if hours < 0 else '+'}{abs(hours):02}:00"
    assert fault(spelled, DATETIME) is None
    assert same(f"{moment:%Y-%m-%dT%H:%M:%SZ}", spelled, DATETIME)
    assert same(str(int(moment.timestamp()) * 1000), spelled, DATETIME)


@QUICK
@given(st.dates(date(1975, 1, 1), date(2200, 1, 1)))
def test_a_date_is_its_midnight_in_utc(day: date) -> None:
    """HubSpot takes and shows either."""
    midnight = datetime(day.year, day.month, day.day, tzinfo=UTC)
    assert same(day.isoformat(), str(int(midnight.timestamp()) * 1000), DATE)


@QUICK
@given(st.permutations(list(OPTIONS)), st.integers(0, 3))
def test_a_set_has_no_order(options: list[str], size: int) -> None:
    """Nor duplicates."""
    text = ";".join(options[:size])
    assert fault(text, CHOICES) is None
    assert same(text, ";".join(sorted(options[:size]) * 2), CHOICES)


@pytest.mark.parametrize(
    ("definition", "text", "says"),
    [
        (NUMBER, "12,50", "not a number"),
        (NUMBER, "1e3", "not a number"),
        (NUMBER, " 1", "not a number"),
        (NUMBER, "NaN", "not a number"),
        (NUMBER, "1_000", "not a number"),
        (NUMBER, "٣", "not a number"),
        (NUMBER, ".", "not a number"),
        (NUMBER, "-", "not a number"),
        (NUMBER, "1\n", "not a number"),
        (NUMBER, "9" * (MAX_LENGTH + 1), "65,537 characters"),
        (DATE, "04.07.1996", "not a date"),
        (DATE, "1996-02-30", "not a date"),
        (DATE, "1996-07-04T10:00:00Z", "not a date"),
        (DATETIME, "1996-07-04T10:00:00", "has no offset from UTC"),
        (DATETIME, "1996-07-04 10:00", "has no offset from UTC"),
        (DATETIME, "1996-07-04 10:00:00  -0500", "not a date and time"),
        (DATETIME, "1996-02-30T10:00:00", "not a date and time"),
        (DATETIME, "1996-07-04T25:00:00Z", "not a date and time"),
        (DATETIME, "soon", "not a date and time"),
        (DATETIME, "0001-01-01T00:00:00+14:00", "not a date and time"),
        (DATE, "9999-12-31T23:59:59-14:00", "not a date"),
        (BOOL, "yes", "not true or false"),
        (BOOL, "True", "not true or false"),
        (CHOICE, "Alpha", "is a label; the option's internal name is 'a'"),
        (CHOICE, "A", "not one of the options"),
        (CHOICE, "a;b", "not one of the options"),
        (CHOICES, "a;z", "'z' is not one of the options"),
        (TEXT, "x" * (MAX_LENGTH + 1), "65,537 characters"),
    ],
)
def test_what_hubspot_would_refuse_is_told_in_words(
    definition: Property, text: str, says: str
) -> None:
    """With what to write in its place where that is known."""
    assert says in (fault(text, definition) or "")


@pytest.mark.parametrize("definition", ALL)
def test_clearing_is_never_a_fault(definition: Property) -> None:
    """`""` is good for every type."""
    assert fault("", definition) is None


def test_options_from_elsewhere_are_not_judged() -> None:
    """A list that HubSpot fills from another place is not complete."""
    assert fault("anything", OPEN) is None
