"""Addresses: the names of records as people write and read them."""

import re
from typing import NamedTuple
from unicodedata import normalize

BY_ID = "id:"
"""Prefix of the key in the address of a parent that is named by id. No other key may begin so."""


_RECORD_ID = re.compile(r"[1-9][0-9]{0,19}")

ADDRESS = r"(?s)^[^/]+/.+$"
"""Pattern of an address, for readers of files that others may have written."""


class Address(NamedTuple):
    """A record's name in git: ``order/NW-10248``, ``line_item/NW-10248:11``.

    Sorts by kind, then key. ``key`` is the author's text; two keys that ``fold`` alike are
    the same key.
    """

    kind: str
    key: str

    def __str__(self) -> str:
        return f"{self.kind}/{self.key}"

    def folded(self) -> "Address":
        """Return the address that all spellings of its key share."""
        return Address(self.kind, fold(self.key))

    @classmethod
    def parse(cls, text: str) -> "Address":
        """Return the address that ``kind/key`` is; raise ValueError if either part is missing."""
        kind, slash, key = text.partition("/")
        if not (kind and slash and key):
            raise ValueError(
                f"{text[:80]!r} is not an address: write kind/key, as in order/NW-10248"
            )
        return cls(kind, key)


def is_record_id(text: str) -> bool:
    """Return whether a text can be a record's id as HubSpot writes it: a number from 1 on."""
    return _RECORD_ID.fullmatch(text) is not None


def fold(key: str) -> str:
    """Return what all spellings of one key have in common: trimmed, casefolded, in Unicode NFC.

    Whether HubSpot compares unique values by case or Unicode form, or trims them, is not known
    (reference §7, low confidence), so two keys that differ in these alone are never both allowed.
    """
    if key.isascii():
        return key.strip().lower()
    # Folded while decomposed, as Unicode's canonical caseless matching asks for (D145).
    return normalize("NFC", normalize("NFD", key.strip()).casefold())


def other_forms(key: str) -> tuple[str, ...]:
    """Return the key in Unicode's composed and decomposed forms, as far as they differ from it.

    Which form a record carries depends on where it was typed: an é is one code point or two.
    """
    if key.isascii():
        return ()
    return tuple(form for name in ("NFC", "NFD") if (form := normalize(name, key)) != key)
