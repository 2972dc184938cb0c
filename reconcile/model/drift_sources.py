"""What set a value that drifted: a user, an integration, a workflow, as property history says."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import NamedTuple

from reconcile.model.printable import clean
from reconcile.model.records import Version


class SourceKind(StrEnum):
    """What kind of thing set a value."""

    USER = "user"
    INTEGRATION = "integration"
    WORKFLOW = "workflow"
    IMPORT = "import"
    CALCULATION = "calculation"
    OTHER = "other"
    UNKNOWN = "unknown"  # the history does not have the value


@dataclass(frozen=True, slots=True, order=True)
class DriftSource:
    """What set a value. ``id`` is HubSpot's; either may be empty.

    ``name`` is a user's e-mail address, the label that HubSpot gives, or its word for another kind.
    """

    kind: SourceKind
    id: str = ""
    name: str = ""


@dataclass(frozen=True, slots=True)
class SetBy:
    """What set a value, and when: ISO 8601 in UTC, empty if the history does not say."""

    source: DriftSource
    at: str = ""


NOT_KNOWN = SetBy(DriftSource(SourceKind.UNKNOWN))


class SourceCount(NamedTuple):
    """How many records of a kind have a property that one source set."""

    kind: str
    property: str
    source: DriftSource
    records: int


@dataclass(frozen=True, slots=True)
class DriftSources:
    """What set the values that a plan leaves alone, to be shown with them.

    ``records`` is the number of records whose histories were read, 0 if none were. ``unread`` says
    why others could not be read.
    """

    records: int = 0
    counts: tuple[SourceCount, ...] = ()
    unread: str = ""


NO_DRIFT_SOURCES = DriftSources()

_KINDS = {
    "API": SourceKind.INTEGRATION,
    "INTEGRATION": SourceKind.INTEGRATION,
    "AUTOMATION_PLATFORM": SourceKind.WORKFLOW,
    "WORKFLOWS": SourceKind.WORKFLOW,
    "IMPORT": SourceKind.IMPORT,
    "CALCULATED": SourceKind.CALCULATION,
}
"""HubSpot's source types. Any other with the id of a user is that user (reference §6)."""

_USER = re.compile(r"(?:userId:)?([0-9]+)")
_ID = re.compile(r"[0-9]+")
_DECIMALS = re.compile(r"-?[0-9]+\.[0-9]+")
_LONGEST = 80


def version_with(value: str, versions: Sequence[Version]) -> Version | None:
    """Return the latest version with a value, of a property's history.

    It is not the first one if somebody changed the value after it was read.
    """
    return next((one for one in versions if _trimmed(one.value) == _trimmed(value)), None)


def set_by(version: Version | None, emails: Mapping[str, str]) -> SetBy:
    """Return what set a version. ``emails`` are those of users, by id."""
    return NOT_KNOWN if version is None else SetBy(_source(version, emails), _moment(version.at))


def is_by_user(version: Version) -> bool:
    """Return whether a user set a version."""
    return _kind(version) is SourceKind.USER


def _kind(version: Version) -> SourceKind:
    if version.source in _KINDS:
        return _KINDS[version.source]
    if version.user or version.source_id.startswith("userId:"):
        return SourceKind.USER
    return SourceKind.OTHER if version.source else SourceKind.UNKNOWN


def _source(version: Version, emails: Mapping[str, str]) -> DriftSource:
    """Return the source of a version.

    An id is a number: of a workflow, HubSpot may give that of the record's enrollment instead,
    which names no workflow.
    """
    kind = _kind(version)
    if kind is SourceKind.USER:
        user = _USER.fullmatch(version.user or version.source_id)
        id_ = user[1] if user else ""
        return DriftSource(kind, id_, clean(emails.get(id_, ""), _LONGEST) or version.label)
    if kind is SourceKind.CALCULATION:
        return DriftSource(kind)
    id_ = version.source_id if _ID.fullmatch(version.source_id) else ""
    return DriftSource(
        kind, id_, version.label or (version.source if kind is SourceKind.OTHER else "")
    )


def _trimmed(text: str) -> str:
    """Return a number without zeros at the end of its decimals, which HubSpot may show or not."""
    return text.rstrip("0").rstrip(".") if _DECIMALS.fullmatch(text) else text


def _moment(text: str) -> str:
    """Return a moment in UTC, to the second; empty if the text is not one."""
    try:
        moment = datetime.fromisoformat(text)
        return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if moment.tzinfo else ""
    except (OverflowError, ValueError):
        return ""
