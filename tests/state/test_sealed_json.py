"""JSON with a checksum: damage is refused, whatever was damaged, and its layout does not matter."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconcile.model.digest import canonical
from reconcile.model.sealed_json import seal, unseal

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
OBJECTS = st.dictionaries(st.text().filter(lambda name: name != "checksum"), VALUES, min_size=1)


@given(OBJECTS, st.integers(0, 4))
def test_what_was_sealed_is_unsealed(content: dict[str, Any], indent: int) -> None:
    """As canonical JSON, also after somebody has formatted it."""
    data = seal(content, "a", "b")
    assert unseal(data, "a", "b") == canonical(content)
    formatted = json.dumps(json.loads(data), indent=indent or None).encode()
    assert unseal(formatted, "a", "b") == canonical(content)


@given(OBJECTS, st.data())
def test_one_other_byte_is_noticed(content: dict[str, Any], data: st.DataObject) -> None:
    """Wherever it is; only white space may be added."""
    sealed = seal(content, "a")
    at = data.draw(st.integers(0, len(sealed) - 1))
    other = data.draw(st.integers(0, 255).filter(lambda byte: byte != sealed[at]))
    damaged = sealed[:at] + bytes([other]) + sealed[at + 1 :]
    try:
        found = unseal(damaged, "a")
    except ValueError:
        return
    assert found == canonical(content)


@pytest.mark.parametrize("about", [(), ("b",), ("a", "b"), ("a", ""), ("",)])
def test_what_it_is_about_is_sealed_too(about: tuple[str, ...]) -> None:
    """A file that lies in another one's place has a wrong checksum."""
    with pytest.raises(ValueError, match="its checksum is wrong"):
        unseal(seal({"x": 1}, "a"), *about)


@pytest.mark.parametrize(
    "data",
    [b"", b"[]", b"{}", b'{"x":1}', b'{"checksum":1}', b'{"checksum":"","x":', b"[" * 100_000],
)
def test_what_was_never_sealed_is_a_value_error(data: bytes) -> None:
    """Whatever it is."""
    with pytest.raises(ValueError, match=r"."):
        unseal(data)
