"""Names of records as people write and read them."""

from typing import NamedTuple

BY_ID = "id:"
"""How the address of a parent begins that manifests name by its id; no key may begin so."""


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
        """The address that every spelling of its key shares."""
        return Address(self.kind, fold(self.key))

    @classmethod
    def parse(cls, text: str) -> "Address":
        """Read ``kind/key``. Raises ValueError when there is no kind or no key."""
        kind, slash, key = text.partition("/")
        if not (kind and slash and key):
            raise ValueError(f"{text[:80]!r} is no address: write kind/key, as in order/NW-10248")
        return cls(kind, key)


def fold(key: str) -> str:
    """What two spellings of one key have in common.

    Whether HubSpot compares unique values by case or trims them is not known
    (reference §7, low confidence), so two keys that differ only so are never both allowed.
    """
    return key.strip().casefold()
