"""Keys for records that get a document: from a property, and each only once."""

from collections.abc import Iterable, Mapping

from reconcile.manifests.field_reader import name_fault
from reconcile.model.address import BY_ID, fold


class Keys:
    """Chooses keys that no other document has. ``taken`` are those of documents that exist.

    ``repeated`` has the keys that several records would have, with the ids of the later ones, and
    ``lacking`` counts the records without one.
    """

    def __init__(self, taken: Iterable[str]) -> None:
        self._taken = {fold(key) for key in taken}
        self.repeated: dict[str, list[str]] = {}
        self.lacking = 0

    def choose(self, wanted: str, record_id: str, otherwise: str) -> str:
        """Return ``wanted``, or a key made from it and the id if another record has it.

        A record without one, or with one that cannot be a key, gets the key ``otherwise``.
        """
        key = wanted.strip()
        if key_fault(key):
            self.lacking += 1
            key = otherwise
        if not self.take(key):
            self.repeated.setdefault(key, []).append(record_id)
            while not self.take(key):
                key = f"{key}-{record_id}"
        return key

    def take(self, key: str) -> bool:
        """Return whether no other document has a key, and reserve it."""
        is_free = fold(key) not in self._taken
        self._taken.add(fold(key))
        return is_free


def key_fault(key: str) -> str:
    """Return why a text cannot be the key of a document, or empty text."""
    return name_fault(key) or ("has a reserved prefix" if key.casefold().startswith(BY_ID) else "")


def line_key(
    parent: str, record_id: str, properties: Mapping[str, str | None], names: Iterable[str]
) -> str:
    """Return a line item's key: its order's, and the first of its values that can be part of one.

    A value is taken from among these ``names``; without any it is the record's id.
    """
    values = (properties.get(name) or "" for name in names)
    own = next((value for value in values if value and not name_fault(value)), record_id)
    return f"{parent}:{own}"
