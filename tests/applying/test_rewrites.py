"""What became of a value that reads back as something else, decided from its history and type."""

import pytest

from reconcile.applying.rewrites import Fate, Verdict, is_initial_value, judge, may_rewrite
from reconcile.model.definitions import Property
from reconcile.model.records import Version

TEXT = Property("memo", "string")
PHONE = Property("phone", "phone_number")
NUMBER = Property("weight", "number")
DATE = Property("due", "date")
MOMENT = Property("seen_at", "datetime")
BOOL = Property("gift", "bool")
OPTION = Property("channel", "enumeration", options={"web": "Web", "Web": "Other"})
OPTIONS = Property("topics", "enumeration", options={"a": "A", "A": "B"}, multiple=True)

US, PERSON, HUBSPOT = "INTEGRATION", "CRM_UI", "CALCULATED"

REFUSED = [
    (NUMBER, "0.40", "0"),
    (NUMBER, "1.50", "2"),
    (NUMBER, "19.90", "20"),
    (NUMBER, "1.50", "150"),
    (NUMBER, "19.90", "1990"),
    (NUMBER, "10000", "9990"),
    (NUMBER, "472.38", "472"),
    (NUMBER, "-5", "5"),
    (NUMBER, "5", "-5"),
    (NUMBER, "1.2345", "1.2"),
    (NUMBER, "1.2345", "1.24"),
    (NUMBER, "1.235", "1.22"),
    (NUMBER, "1.2345", "1.236"),
    (NUMBER, "1.25", "1.2"),
    (NUMBER, "0.004", "0"),
    (NUMBER, "0.004", "0.01"),
    (NUMBER, "-1.235", "1.24"),
    (NUMBER, "10", "10.01"),
    (NUMBER, "1200", "1200 USD"),
    (NUMBER, "1200", "NaN"),
    (NUMBER, "1200", "Infinity"),
    (NUMBER, "1200", ""),
    (TEXT, "theirs", "ours"),
    (TEXT, "x", ""),
    (TEXT, "!", "?"),
    (TEXT, " ", "-"),
    (TEXT, "ab", "ba"),
    (TEXT, "5 €", "5 $"),
    (TEXT, "1.50 kg", "150 kg"),
    (TEXT, "-5", "5"),
    (TEXT, "caf\u00e9", "cafe"),
    (PHONE, "+1 (555) 010", "1555010"),
    (DATE, "2024-03-10", "2024-03-11"),
    (DATE, "2024-03-10", "2024.03.10"),
    (MOMENT, "2024-03-10T14:00:00Z", "2024-03-11T14:00:00Z"),
    (MOMENT, "2024-03-10T14:00:00Z", "2024-03-10 14:00"),
    (BOOL, "true", "false"),
    (BOOL, "true", "TRUE."),
    (OPTION, "web", "shop"),
    (OPTION, "web", "Web"),
    (OPTION, "1.235", "1.24"),
    (OPTIONS, "a", "A"),
    (MOMENT, "1710079200000", "1710079200000.5"),
    (Property("odd", "json"), "a", "A"),
]
"""Pairs that are never a rewrite, even with a single version of ours."""

ACCEPTED = [
    (NUMBER, "1.2345", "1.23"),
    (NUMBER, "1.2345", "1.235"),
    (NUMBER, "1.2345", "1.234"),
    (NUMBER, "1.235", "1.24"),
    (NUMBER, "1.235", "1.23"),
    (NUMBER, "-1.235", "-1.24"),
    (NUMBER, "1.204", "1.2"),
    (NUMBER, "19.996", "20"),
    (NUMBER, "1.2345", "1.2300"),
    (NUMBER, "9" * 40 + ".125", "9" * 40 + ".13"),
    (TEXT, "rue de la paix", "Rue de la Paix"),
    (TEXT, " x  y ", "x y"),
    (TEXT, "a\r\nb", "a\nb"),
    (TEXT, "Smith, John", "Smith John"),
    (TEXT, "v1.5 -beta", "V1.5 beta"),
    (TEXT, "cafe\u0301", "Caf\u00e9"),
    (TEXT, "STRASSE", "straße"),
    (PHONE, "+1 (555) 010-99", "+155501099"),
]
"""Pairs that are a rewrite where history shows one newer version, ours."""

EQUAL = [
    (NUMBER, "1200.00", "1200"),
    (NUMBER, "36.250", "36.25"),
    (NUMBER, "0.00", "0"),
    (DATE, "2024-03-10", "1710028800000"),
    (MOMENT, "2024-03-10T14:00:00+01:00", "2024-03-10T13:00:00Z"),
    (BOOL, "true", "TRUE"),
    (OPTIONS, "a;A", "A;a"),
]


def versions(*values: tuple[str, str]) -> tuple[Version, ...]:
    """Versions by value and source, the latest first."""
    return tuple(Version(value, "2024-03-10T14:00:00Z", source) for value, source in values)


def decided(
    definition: Property,
    sent: str,
    stored: str,
    history: tuple[Version, ...],
    *,
    before: str = "",
    created: bool = False,
) -> Fate:
    """The fate of a value."""
    return judge(sent, stored, before, history, definition, created=created).fate


@pytest.mark.parametrize(("definition", "sent", "stored"), REFUSED)
def test_a_value_beyond_the_limits_of_its_type_is_never_a_rewrite(
    definition: Property, sent: str, stored: str
) -> None:
    """One version that is ours does not make it one, of new records and of others."""
    assert not may_rewrite(sent, stored, definition)
    ours = versions((stored, US))
    assert decided(definition, sent, stored, ours, created=True) is Fate.NOT_PERSISTED
    assert not is_initial_value(sent, ours, definition)
    ours += versions(("7", PERSON))
    assert decided(definition, sent, stored, ours, before="7") is Fate.NOT_PERSISTED


@pytest.mark.parametrize(("definition", "sent", "stored"), ACCEPTED)
def test_one_version_of_ours_within_the_limits_is_a_rewrite(
    definition: Property, sent: str, stored: str
) -> None:
    """Of a new record it is the only version, of others the only one newer than the last look."""
    assert may_rewrite(sent, stored, definition)
    ours = versions((stored, US))
    assert decided(definition, sent, stored, ours, created=True) is Fate.REWRITTEN
    assert is_initial_value(sent, versions(("later", PERSON), (stored, US)), definition)
    ours += versions(("7", PERSON), (sent, US))
    assert decided(definition, sent, stored, ours, before="7") is Fate.REWRITTEN
    assert judge(sent, stored, "7", ours, definition, created=False) == Verdict(
        Fate.REWRITTEN, stored, US, written=True
    )


@pytest.mark.parametrize(("definition", "sent", "stored"), ACCEPTED)
def test_a_second_version_is_an_edit(definition: Property, sent: str, stored: str) -> None:
    """However near it is to what was sent, and whoever has made it."""
    for source in (US, PERSON):
        history = versions((stored, source), (sent, US))
        assert decided(definition, sent, stored, history, created=True) is Fate.EDITED
        history += versions(("7", PERSON))
        assert decided(definition, sent, stored, history, before="7") is Fate.EDITED


@pytest.mark.parametrize(("definition", "sent", "stored"), ACCEPTED)
@pytest.mark.parametrize("source", [PERSON, "IMPORT", "AUTOMATION_PLATFORM", ""])
def test_a_version_of_others_is_an_edit(
    definition: Property, sent: str, stored: str, source: str
) -> None:
    """A person, an import or a workflow never writes for us, nor does nobody known."""
    history = versions((stored, source))
    assert decided(definition, sent, stored, history, created=True) is Fate.EDITED
    assert not is_initial_value(sent, history, definition)
    history += versions(("7", US))
    assert decided(definition, sent, stored, history, before="7") is Fate.EDITED


@pytest.mark.parametrize(("definition", "sent", "stored"), ACCEPTED + REFUSED)
def test_without_history_a_value_did_not_persist(
    definition: Property, sent: str, stored: str
) -> None:
    """Nothing is taken for a rewrite on its looks."""
    verdict = judge(sent, stored, "7", (), definition, created=False)
    assert verdict == Verdict(Fate.NOT_PERSISTED, stored)


@pytest.mark.parametrize(("definition", "sent", "stored"), EQUAL)
def test_another_notation_of_the_same_value_is_as_sent(
    definition: Property, sent: str, stored: str
) -> None:
    """Equal values need no history, and are no rewrite."""
    assert decided(definition, sent, stored, ()) is Fate.KEPT


@pytest.mark.parametrize(
    ("before", "stored", "history", "fate", "written"),
    [
        # HubSpot kept nothing: not even a version.
        ("", "", [], Fate.NOT_PERSISTED, False),
        ("a", "a", [("a", US)], Fate.NOT_PERSISTED, False),
        ("a", "a", [("a", PERSON), ("b", US), ("c", US)], Fate.NOT_PERSISTED, False),
        # The reading lags behind the history.
        ("a", "a", [("ours", US), ("a", US)], Fate.KEPT, True),
        ("a", "OURS", [("theirs", PERSON), ("OURS", US), ("a", US)], Fate.EDITED, True),
        # The history lags behind the reading.
        ("a", "theirs", [("ours", US), ("a", US)], Fate.EDITED, True),
        ("a", "theirs", [("a", US)], Fate.NOT_PERSISTED, False),
        ("a", "OURS", [("a", US)], Fate.NOT_PERSISTED, False),
        # Somebody edited ours, a rewrite of ours, or what was there before us.
        ("a", "theirs", [("theirs", PERSON), ("ours", US), ("a", US)], Fate.EDITED, True),
        ("a", "theirs", [("theirs", PERSON), ("OURS", US), ("a", US)], Fate.EDITED, True),
        ("a", "theirs", [("theirs", PERSON), ("a", US)], Fate.EDITED, False),
        ("a", "OURS", [("OURS", US), ("theirs", PERSON), ("a", US)], Fate.EDITED, True),
        # Somebody put back what was there before us, which may also be long ago.
        ("a", "a", [("a", PERSON), ("ours", US), ("a", US)], Fate.EDITED, False),
        ("a", "a", [("a", PERSON), ("OURS", US), ("a", US)], Fate.EDITED, False),
        ("", "", [("", PERSON), ("ours", US)], Fate.EDITED, False),
        ("a", "a", [("a", PERSON), ("b", US), ("a", US), ("ours", US)], Fate.NOT_PERSISTED, False),
        # HubSpot works the value out by itself.
        ("a", "9", [("9", HUBSPOT), ("ours", US), ("a", US)], Fate.NOT_PERSISTED, True),
        ("a", "9", [("9", HUBSPOT), ("a", US)], Fate.NOT_PERSISTED, False),
    ],
)
def test_what_history_shows_decides(
    before: str, stored: str, history: list[tuple[str, str]], fate: Fate, *, written: bool
) -> None:
    """Nothing kept, a late reading, an edit, and a computed value each look different."""
    verdict = judge("ours", stored, before, versions(*history), TEXT, created=False)
    assert (verdict.fate, verdict.written) == (fate, written)


def test_of_a_new_record_every_version_counts() -> None:
    """A value that was cleared and set again in between is not its first."""
    history = versions(("OURS", US), ("", PERSON), ("ours", US))
    assert decided(TEXT, "ours", "OURS", history, created=True) is Fate.EDITED
    assert decided(TEXT, "ours", "", history[1:], created=True) is Fate.EDITED


def test_a_record_begins_with_its_first_version() -> None:
    """What it had later, and what it never had, is not what it began with."""
    assert not is_initial_value("ours", versions(("ours", US), ("theirs", PERSON)), TEXT)
    assert not is_initial_value("ours", (), TEXT)
    assert is_initial_value("", (), TEXT)
