"""The positions of a record's values, packed: a project may have a million of them."""

from array import array
from collections.abc import Iterator, Mapping


class SourceMap(Mapping[str, tuple[int, int]]):
    """A mapping of property name → (line, column), in a tenth of a dict's space.

    ``numbers`` are line and column of each value in the order of ``properties``, which must not
    change.
    """

    __slots__ = ("_numbers", "_properties")

    def __init__(self, properties: Mapping[str, str], numbers: "array[int]") -> None:
        self._properties = properties
        self._numbers = numbers

    def __getitem__(self, name: str) -> tuple[int, int]:
        for index, known in enumerate(self._properties):
            if known == name:
                return self._numbers[2 * index], self._numbers[2 * index + 1]
        raise KeyError(name)

    def __iter__(self) -> Iterator[str]:
        return iter(self._properties)

    def __len__(self) -> int:
        return len(self._properties)

    def __repr__(self) -> str:
        return repr(dict(self))
