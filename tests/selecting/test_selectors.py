"""Selectors: which units each matches, and what a selection makes of several."""

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconcile.errors import UsageError
from reconcile.model.address import Address, fold
from reconcile.selecting.selectors import Changes, NameSelector, Selection, Selector, parse

KEYS = st.text(st.sampled_from("aAß[]!-é./\n"), max_size=6).filter(lambda key: key.strip() != "")
GLOBS = st.text(st.sampled_from("aAß[]!-é./\n*?"), min_size=1, max_size=6)


def unchanged(_: str) -> Changes:
    """Return what has changed since a commit: nothing."""
    return Changes(frozenset())


def is_like(text: str, glob: str) -> bool:
    """Return whether a text matches a glob, by its definition."""
    if not glob:
        return not text
    if glob[0] == "*":
        return any(is_like(text[start:], glob[1:]) for start in range(len(text) + 1))
    return bool(text) and glob[0] in ("?", text[0]) and is_like(text[1:], glob[1:])


def named(*texts: str) -> Mapping[Address, list[Address]]:
    """Return units without line items, by folded address."""
    found = [Address.parse(text) for text in texts]
    return {address.folded(): [address] for address in found}


def selected(*selectors: Selector, exclude: tuple[Selector, ...] = ()) -> set[str]:
    """Return the keys that are selected of three orders that are tied in a row, and a cart."""
    a, b, c = (Address("order", key) for key in "abc")
    tied = {a: [b], b: [a, c], c: [b]}
    names = named("order/A", "order/B", "order/C", "order/D", "cart/E")
    return {one.key for one in Selection(selectors, exclude).of(names, tied)}


@given(KEYS, GLOBS)
def test_only_stars_and_question_marks_stand_for_other_text(key: str, glob: str) -> None:
    """Everything else in a selector is compared as keys are."""
    if fold(glob):
        selector = parse(f"order/{glob}", unchanged)
        unit = Address("order", key).folded()
        assert selector.matches(unit, ()) == is_like(fold(key), fold(glob))
        assert not selector.matches(Address("cart", unit.key), ())


@given(KEYS)
def test_an_address_matches_itself(key: str) -> None:
    """However it is spelled."""
    selector = NameSelector("", f"order/{key}")
    if selector.is_exact:
        assert selector.matches(Address("order", key.upper()).folded(), ()) == (
            fold(key.upper()) == fold(key)
        )
        assert selector.matches(Address("order", key).folded(), ())


@pytest.mark.parametrize(
    ("glob", "matched"),
    [("A*", {"A*", "AB", "A?"}), (r"A\*", {"A*"}), (r"A\?", {"A?"}), (r"\B", {r"\B"})],
)
def test_a_key_with_a_star_can_be_named_alone(glob: str, matched: set[str]) -> None:
    """Behind a backslash, which stands for itself anywhere else."""
    selector = NameSelector("", f"order/{glob}")
    keys = ("A*", "AB", "A?", r"\B")
    found = {key for key in keys if selector.matches(Address("order", key).folded(), ())}
    assert found == matched
    assert selector.is_exact == (len(matched) == 1)


def test_many_stars_take_no_time() -> None:
    """A selector is not tried in every way that its stars could be filled."""
    selector = parse("order/" + "*a" * 40 + "*b", unchanged)
    assert not selector.matches(Address("order", "a" * 400), ())


def test_tied_units_are_selected_and_left_out_together() -> None:
    """Also those that are tied through a third one."""
    a, d = parse("order/a", unchanged), parse("order/d", unchanged)
    assert selected(a) == {"a", "b", "c"}
    assert selected(exclude=(a,)) == {"d", "e"}
    assert selected(parse("order", unchanged), exclude=(a,)) == {"d"}
    assert selected(a, d, exclude=(d,)) == {"a", "b", "c"}


def test_what_changed_may_be_nothing() -> None:
    """The other selectors have to match all the same."""
    changed = parse("changed:main", unchanged)
    assert selected(changed) == set()
    assert selected(changed, parse("cart", unchanged)) == {"e"}
    assert selected(changed, exclude=(parse("order/x*", unchanged),)) == set()
    assert selected(exclude=(changed,)) == {"a", "b", "c", "d", "e"}
    for wrong in ("order/x", "order/x*"):
        with pytest.raises(UsageError, match="matches no record"):
            selected(changed, parse(wrong, unchanged))


def test_where_a_commit_is_unclear_all_but_what_is_the_same_may_have_changed() -> None:
    """Also what nothing declares: a file that cannot be read may have declared it."""
    same = frozenset((Address("order", "a"), Address("cart", "e")))
    changed = parse("changed:main", lambda _: Changes(frozenset((Address("order", "d"),)), same))
    assert selected(changed) == {"a", "b", "c", "d"}  # a is tied to b
    assert selected(exclude=(changed,)) == {"e"}


def test_nothing_to_leave_anything_out_of_is_no_error() -> None:
    """A project may have no unit yet."""
    assert Selection(exclude=(parse("cart", unchanged),)).of({}) == frozenset()
