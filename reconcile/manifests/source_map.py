"""The positions of a record's values, packed: a project may have a million of them."""

from array import array
from collections.abc import Iterator, Mapping
from itertools import islice


class SourceMap(Mapping[str, tuple[int, int]]):
    """A mapping of property name → (line, column), in a tenth of a dict's space.

    ``numbers`` are line and column of the first values of ``properties``, in their order, which
    must not change. Later ones have no position here: they are from another file, or looked up.
    """

    __slots__ = ("_numbers", "_properties")

    def __init__(self, properties: Mapping[str, str], numbers: "array[int]") -> None:
        self._properties = properties
        self._numbers = numbers

    def __getitem__(self, name: str) -> tuple[int, int]:
        for index, known in enumerate(self):
            if known == name:
                return self._numbers[2 * index], self._numbers[2 * index + 1]
        raise KeyError(name)

    def __iter__(self) -> Iterator[str]:
        return islice(self._properties, len(self))

    def __len__(self) -> int:
        return len(self._numbers) // 2

    def __repr__(self) -> str:
        return repr(dict(self))
