"""Two long values: every difference between them is shown or counted."""

import io
import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconcile.model.address import Address
from reconcile.model.plan import Action, FieldChange, Plan, Reason, RecordChange, UnitChange
from reconcile.render import escaping
from reconcile.render.markdown import markdown
from reconcile.render.output import write_plan
from reconcile.render.text_diff import LONGEST, Span, differences, excerpt, grouped

LEFT_OUT = re.compile(r" … \[([\d,]+) characters(?:, ([\d,]+) differences?)?\] … ")
NOTE = " ".join(f"word{number}" for number in range(130))
"""A note of about 900 characters, none of which stands in it twice in the same company."""

WORDS = st.lists(st.sampled_from(["Lorem", "ipsum,", "dolor", "été", "a", "\n", "x" * 40, "  "]))


@st.composite
def edited(draw: st.DrawFn) -> tuple[str, str]:
    """A text, and the same text after a few edits anywhere in it."""
    words = draw(WORDS) * draw(st.integers(1, 12)) + draw(st.lists(st.text(max_size=9)))
    changed = list(words)
    for _ in range(draw(st.integers(1, 8))):
        place = draw(st.integers(0, len(changed)))
        changed[place : place + draw(st.integers(0, 2))] = draw(st.lists(st.text(max_size=5)))
    return " ".join(words).replace("…", "."), " ".join(changed).replace("…", ".")


PAIRS = edited() | st.tuples(st.text(), st.text())


def shown(text: str, spans: list[Span]) -> tuple[list[Span], list[tuple[Span, int]]]:
    """The spans of a text that an excerpt shows, and those left out with what it counts there."""
    kept: list[Span] = []
    out: list[tuple[Span, int]] = []
    at, cursor = 0, 0
    cut = excerpt(text, spans)
    for marker in LEFT_OUT.finditer(cut):
        kept.append((at, at + marker.start() - cursor))
        assert cut[cursor : marker.start()] == text[slice(*kept[-1])]
        end = kept[-1][1] + int(marker[1].replace(",", ""))
        out.append(((kept[-1][1], end), int((marker[2] or "0").replace(",", ""))))
        at, cursor = end, marker.end()
    assert cut[cursor:] == text[at:]
    return [*kept, (at, len(text))], out


@given(PAIRS)
def test_outside_the_differences_two_texts_are_the_same(pair: tuple[str, str]) -> None:
    """Putting in what differs makes one text of the other; no difference is empty or overlaps."""
    before, after = pair
    for found in (differences(before, after), grouped(differences(before, after))):
        made, at = "", 0
        for one in found:
            made += before[at : one.before[0]] + after[slice(*one.after)]
            assert before[slice(*one.before)] != after[slice(*one.after)]
            assert one.before[0] >= at
            at = one.before[1]
        assert made + before[at:] == after


@given(PAIRS)
def test_every_difference_is_shown_or_counted(pair: tuple[str, str]) -> None:
    """On each side a difference is in what is shown, or in the count of what is left out."""
    groups = grouped(differences(*pair))
    for text, spans in (
        (pair[0], [one.before for one in groups]),
        (pair[1], [one.after for one in groups]),
    ):
        kept, out = shown(text, spans)
        for start, end in spans:
            whole = any(a <= start and end <= b for a, b in kept)
            assert whole or any(a < end and start < b and many for (a, b), many in out)
        for (a, b), many in out:
            assert many == sum((s < b and a < e) or a <= s == e <= b for s, e in spans)


@given(PAIRS)
def test_what_is_shown_is_bounded_and_harmless(pair: tuple[str, str]) -> None:
    """However long and many, two values fit a few lines and hold no control character."""
    for text in escaping.pair(*pair):
        assert escaping.visible(text) == text
    for side, text in enumerate(pair):
        spans = [one[side] for one in grouped(differences(*pair))]
        assert len(excerpt(text, spans)) <= 700


@given(edited())
def test_different_values_are_never_shown_alike(pair: tuple[str, str]) -> None:
    """Whatever differs, the two sides do."""
    before, after = pair
    shown_before, shown_after = escaping.pair(before, after)
    assert (shown_before == shown_after) == (before == after)


@pytest.mark.parametrize("places", [(20, 110), (64, 66), (1, 60, 128), (5, 35, 65, 95)])
def test_several_differences_in_a_note_are_all_in_the_plan(
    plan: Plan, places: tuple[int, ...]
) -> None:
    """In text and in Markdown each edit of a long note is to be seen, or counted."""
    words = NOTE.split(" ")
    for place in places:
        words[place] = f"edited{place}"
    field = FieldChange("hs_order_note", NOTE, " ".join(words), Reason.CHANGE)
    change = RecordChange(Address("order", "A"), Action.UPDATE, fields=(field,))
    one = replace(plan, units=(UnitChange(change.address, (change,)),), defines=())
    stream = io.StringIO()
    write_plan(one, stream, personal=True, color=False)
    for text in (stream.getvalue(), markdown(one)):
        seen = [place for place in places if f"edited{place} " in text]
        (line,) = [line for line in text.split("\n") if "hs_order_note" in line]
        _, _, after = line.partition(" -> ")
        counted = sum(int(found[2] or 0) for found in LEFT_OUT.finditer(after))
        assert len(seen) + counted == len(places)
        assert len(seen) == min(3, len(places))


def test_many_differences_are_counted() -> None:
    """Of five hundred edits three are shown, and the text says how many more there are."""
    words = [f"number {number} of the many words" for number in range(1500)]
    edits = [f"number {n} of the few words" if n % 3 == 1 else w for n, w in enumerate(words)]
    end = ", and nothing has been edited at the end of this list"
    before, after = escaping.pair(", ".join(words) + end, ", ".join(edits) + end)
    for text in (before, after):
        assert "497 differences]" in text
        assert len(text) < 700
    assert [f"number {n} of the few words" in after for n in (1, 4, 7, 10)] == [True] * 3 + [False]


def test_edits_within_what_repeats_are_told_apart() -> None:
    """Where nothing is unique, values of one length are compared place by place."""
    before = "0" * 3000
    after = f"{before[:500]}1{before[501:1500]}2{before[1501:2500]}3{before[2501:]}"
    assert [one.before for one in differences(before, after)] == [
        (500, 501),
        (1500, 1501),
        (2500, 2501),
    ]


def test_a_long_difference_shows_its_ends_and_says_so() -> None:
    """What replaces everything else is cut in its middle, where the difference is counted."""
    before, after = escaping.pair("a" * 1000, "b" * 2000)
    assert before.startswith("aaa")
    assert " … [1,900 characters, 1 difference] … " in after


def test_the_largest_values_are_compared() -> None:
    """HubSpot's longest texts, alike in nothing, in everything or by halves, come to an end."""
    longest = 65_536
    alike = "ab" * (longest // 2)
    for before, after in (
        ("a" * longest, "b" * longest),
        (alike, alike[1:] + "c"),
        (alike, "".join(reversed(alike)) + "x"),
        ("\n" * longest, "\r" * (longest - 1)),
        ("".join(map(chr, range(200, 200 + longest // 2))) * 2, alike),
    ):
        assert all(text for text in escaping.pair(before, after))


def test_a_look_alike_beside_another_difference_is_shown() -> None:
    """A narrow space is written out also where something else differs visibly."""
    assert escaping.pair("1\u00a0000 old", "1 000 new") == (r'"1\xa0000 old"', '"1 000 new"')
    assert escaping.pair("Münster, old", "Münster, new") == ("Münster, old", "Münster, new")


@pytest.mark.parametrize("extra", [0, 1])
def test_values_of_the_greatest_length_shown_are_whole(extra: int) -> None:
    """Up to the limit nothing is left out."""
    text = "x" * (LONGEST + extra)
    assert ("characters" in excerpt(text)) == bool(extra)
