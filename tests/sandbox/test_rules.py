"""Rules about values, tried with random ones."""

from collections.abc import Callable
from decimal import Decimal

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconcile.sandbox import Sandbox, Switches
from reconcile.sandbox.rules.property_values import (
    BadValueError,
    append_to_set,
    canonical_number,
    number,
)

DIGITS = st.text("0123456789", min_size=1, max_size=20)
NUMBERS = st.builds(
    lambda sign, whole, fraction: f"{sign}{whole}{fraction}",
    st.sampled_from(["", "-", "+"]),
    DIGITS,
    st.one_of(st.just(""), st.just("."), DIGITS.map(lambda digits: f".{digits}")),
)


@given(NUMBERS)
def test_canonical_numbers_keep_their_value(text: str) -> None:
    """Canonical text means the same number, and is its own canonical text."""
    canonical = canonical_number(number(text))
    assert Decimal(canonical) == Decimal(text)
    assert canonical_number(canonical) == canonical


@given(st.integers(), st.integers(min_value=0, max_value=6))
def test_equal_numbers_have_one_canonical_text(value: int, zeros: int) -> None:
    """Zeros that mean nothing leave no trace."""
    digits = str(abs(value))
    text = ("-" if value < 0 else "") + "0" * zeros + digits
    assert canonical_number(text + "." + "0" * zeros) == str(value)


@given(st.text(max_size=20).filter(lambda text: not set(text) <= set("0123456789.+-")))
def test_other_text_is_not_a_number(text: str) -> None:
    """Anything but digits, a point and a sign is refused."""
    with pytest.raises(BadValueError):
        number(text)


@given(st.lists(st.sampled_from("abcdef")), st.lists(st.sampled_from("abcdef"), min_size=1))
def test_appending_is_a_union(existing: list[str], sent: list[str]) -> None:
    """A leading semicolon gives the union of what is there and what is sent, each once."""
    joined = append_to_set(";".join(existing), ";" + ";".join(sent)).split(";")
    assert sorted(joined) == sorted(set(existing) | set(sent))


def test_the_seed_fixes_the_order(start: Callable[[Switches], Sandbox]) -> None:
    """Batch results come in an order of their own, the same for the same seed (ref §4)."""
    orders = set()
    for seed in (1, 1, 2, 3):
        sandbox = start(Switches(shuffle_seed=seed))
        headers = {"Authorization": f"Bearer {sandbox.token}"}
        inputs = [{"properties": {"hs_tags": str(number)}} for number in range(8)]
        path = f"{sandbox.url}/crm/v3/objects/carts/batch/create"
        made = httpx.post(path, headers=headers, json={"inputs": inputs}).json()["results"]
        orders.add("".join(one["properties"]["hs_tags"] for one in made))
    assert len(orders) == 3
    assert "01234567" not in orders
