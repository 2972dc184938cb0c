"""The text that explains a conflict: reasons, and hints on how to resolve it."""

import re

_LOCATED = re.compile(r".+?:\d+:\d+: ")


def reasons_and_hints(why: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the reasons and the hints in a change's ``why``.

    The first line is a reason, and so is each later line that begins with a location in a manifest.
    """
    first, *later = why.split("\n")
    reasons = (first, *(line for line in later if _LOCATED.match(line)))
    hints = tuple(line for line in later if line.strip() and not _LOCATED.match(line))
    return reasons, hints
