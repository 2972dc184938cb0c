"""Comparison of two nested documents. The only module that knows deepdiff.

deepdiff takes some 200 µs for two documents with a few differences, and at least twice that if they
are among much that is equal; comparing two dicts takes 1 µs. So it gets only the members that are
unequal, in one call, and is imported when the first of them is found.
"""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple, Union

Value = Union[str, bool, Mapping[str, "Value"]]  # noqa: UP007  ("|" takes no name that follows)
Document = Mapping[str, Value]
"""A nested document: texts and flags by names that no user has chosen."""


class Difference(NamedTuple):
    """A member that differs. ``before`` or ``after`` is None if that document has no such member.

    A member that only one document has is one difference, whatever is nested in it.
    """

    path: tuple[str, ...]
    before: Value | None
    after: Value | None

    def leaves(self) -> Iterator[tuple[str, ...]]:
        """Yield the paths of all that differs here and is not a document itself."""
        value = self.before if self.after is None else self.after
        return _leaves(self.path, value)


def differences(actual: Document, desired: Document) -> list[Difference]:
    """Return what turns ``actual`` into ``desired``, in no particular order."""
    if actual == desired:
        return []
    left, right = _unequal(actual, desired)
    if not left:  # as for a record that does not exist
        return [Difference((name,), None, value) for name, value in right.items()]
    return list(_deepdiff(left, right))


def _unequal(left: Document, right: Document) -> tuple[Document, Document]:
    """Return both documents without what is equal in them, at every level."""
    one = {name: value for name, value in left.items() if right.get(name) != value}
    other = {name: value for name, value in right.items() if left.get(name) != value}
    for name in one.keys() & other.keys():
        before, after = one[name], other[name]
        if isinstance(before, Mapping) and isinstance(after, Mapping):
            one[name], other[name] = _unequal(before, after)
    return one, other


def _deepdiff(left: Document, right: Document) -> Iterator[Difference]:
    from deepdiff import DeepDiff  # noqa: PLC0415  (half a second that a plan without changes saves)

    tree = DeepDiff(
        left,
        right,
        view="tree",
        custom_operators=[_Texts()],
        # By default, names that begin with two underscores are not compared.
        ignore_private_variables=False,
        # By default, two documents with few names in common are one single change.
        threshold_to_diff_deeper=0,
    )
    for report, levels in tree.items():
        for level in levels:
            before = None if report == "dictionary_item_added" else level.t1
            after = None if report == "dictionary_item_removed" else level.t2
            yield Difference(tuple(level.path(output_format="list")), before, after)


class _Texts:
    """Makes deepdiff report texts without comparing their lines: long ones take seconds."""

    def match(self, level: Any) -> bool:
        texts = isinstance(level.t1, str) and isinstance(level.t2, str)
        return texts and level.t1 != level.t2

    def give_up_diffing(self, level: Any, diff_instance: Any) -> bool:
        diff_instance.custom_report_result("values_changed", level)
        return True


def _leaves(path: tuple[str, ...], value: Value | None) -> Iterator[tuple[str, ...]]:
    if isinstance(value, Mapping):
        for name, member in value.items():
            yield from _leaves((*path, name), member)
    else:
        yield path
