"""Decide what became of a value that reads back differently than it was sent. No I/O.

HubSpot may rewrite values by an account's rules (reference §12), people and other programs edit
them, and some values are echoed but not kept (reference §6). Property history distinguishes these,
and a property's type limits how far a rewrite can go.
"""

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_DOWN, ROUND_HALF_UP, Context, Decimal, InvalidOperation
from enum import Enum, auto
from itertools import dropwhile, takewhile

from reconcile.model.definitions import Property
from reconcile.model.records import Version
from reconcile.model.values import MAX_LENGTH, same

History = Mapping[str, Sequence[Version]]
"""Versions of a record's properties by name, latest first."""

OURS = frozenset({"API", "INTEGRATION"})
"""Sources in the history that an API write can have; ``INTEGRATION`` in every recording
(reference §6). People, imports and workflows have others.
"""

COMPUTED = "CALCULATED"
"""The source in the history of values that HubSpot calculates itself."""

DECIMALS = 2
"""Decimals that a rewritten number keeps. A rule of the account may state another number; these
rules are not read yet.
"""

_EXACT = Context(prec=MAX_LENGTH + 1)


class Fate(Enum):
    """What became of a value: as sent, rewritten by HubSpot, edited since, or not persisted."""

    KEPT = auto()
    REWRITTEN = auto()
    EDITED = auto()
    NOT_PERSISTED = auto()


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one value.

    ``now`` is the value that HubSpot holds; ``source`` is what wrote it, if history says so.
    ``written`` says that HubSpot holds our write, or held it at some time since planning.
    """

    fate: Fate
    now: str
    source: str = ""
    written: bool = False


def judge(
    sent: str,
    stored: str,
    before: str,
    versions: Sequence[Version],
    definition: Property,
    *,
    created: bool,
) -> Verdict:
    """Decide what became of a value that was ``sent`` and reads back as ``stored``.

    ``before`` is the value that the last re-check before the write found; ``created`` says that the
    write created the record. ``versions`` is the property's history, latest first, and empty if
    HubSpot shows none.

    It is a rewrite only if exactly one version is newer than ``before`` (for a created record:
    exactly one exists), and that one is ours and within ``may_rewrite``. Without history, or if
    HubSpot itself replaced our value, the value did not persist.
    """

    def is_before(version: Version) -> bool:
        return same(version.value, before, definition)

    def is_sent(version: Version) -> bool:
        return same(version.value, sent, definition) or _is_rewrite(sent, version, definition)

    if same(stored, sent, definition):
        return Verdict(Fate.KEPT, stored, written=True)
    if not versions:
        return Verdict(Fate.NOT_PERSISTED, stored)
    latest = versions[0]
    is_known = any(same(stored, version.value, definition) for version in versions)
    if not (is_known or same(stored, before, definition)):
        # The history lags behind the read: the value that came after our version is an edit.
        if same(latest.value, sent, definition):
            return Verdict(Fate.EDITED, stored, written=True)
        return Verdict(Fate.NOT_PERSISTED, stored)
    if same(latest.value, sent, definition):
        return Verdict(Fate.KEPT, latest.value, latest.source, written=True)
    newer = versions if created else list(takewhile(lambda one: not is_before(one), versions))
    if not newer:
        # Reverted right after, or never changed? No proof that this very write was carried out.
        older = dropwhile(is_before, versions)
        reverted = any(is_sent(one) for one in takewhile(lambda one: not is_before(one), older))
        fate = Fate.EDITED if reverted else Fate.NOT_PERSISTED
        return Verdict(fate, latest.value, latest.source)
    written = any(is_sent(version) for version in newer)
    if latest.source == COMPUTED:
        fate = Fate.NOT_PERSISTED
    elif len(newer) > 1 or latest.source not in OURS:
        fate = Fate.EDITED
    else:
        fate = Fate.REWRITTEN if written else Fate.NOT_PERSISTED
    return Verdict(fate, latest.value, latest.source, written=written)


def is_initial_value(sent: str, versions: Sequence[Version], definition: Property) -> bool:
    """Return whether a property's first version is the value sent, or a rewrite of it."""
    if not versions:
        return same("", sent, definition)
    first = versions[-1]
    return same(first.value, sent, definition) or _is_rewrite(sent, first, definition)


def may_rewrite(sent: str, stored: str, definition: Property) -> bool:
    """Return whether the property's type allows that HubSpot rewrote ``sent`` as ``stored``.

    - Text may change case, spaces and punctuation. The rest must stay, in the same order, as must
      a point or comma between digits and a leading minus, which belong to a number.
    - A number may lose decimals, rounded (half away from zero) or cut off, but keeps at least
      ``DECIMALS``, and does not become zero.
    - Dates, datetimes, booleans and enumerations are never rewritten.
    """
    match definition.type:
        case "string" | "phone_number":
            return _essence(sent) == _essence(stored) != ""
        case "number":
            return _loses_decimals(sent, stored)
        case _:
            return False


def _is_rewrite(sent: str, version: Version, definition: Property) -> bool:
    return version.source in OURS and may_rewrite(sent, version.value, definition)


def _essence(text: str) -> str:
    text = unicodedata.normalize("NFC", text.strip().casefold())
    return "".join(one for place, one in enumerate(text) if _counts(text, place))


def _counts(text: str, place: int) -> bool:
    one, before, after = text[place], text[place - 1 : place], text[place + 1 : place + 2]
    if one in ".,":
        return before.isdigit() and after.isdigit()
    if one == "-":
        return place == 0 and after.isdigit()
    return not one.isspace() and not unicodedata.category(one).startswith(("P", "Z"))


def _loses_decimals(sent: str, stored: str) -> bool:
    try:
        ours, theirs = Decimal(sent), Decimal(stored)
    except InvalidOperation:
        return False
    if not theirs or not (ours.is_finite() and theirs.is_finite()):
        return False
    _, _, exponent = theirs.normalize(_EXACT).as_tuple()
    step = Decimal(1).scaleb(-max(DECIMALS, -int(exponent)))
    return any(theirs == ours.quantize(step, how, _EXACT) for how in (ROUND_HALF_UP, ROUND_DOWN))
