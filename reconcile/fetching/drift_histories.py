"""Read from property history what set the values that drifted."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from reconcile.errors import Fatal, HubSpotError
from reconcile.hubspot.client import HubSpot
from reconcile.model.address import Address
from reconcile.model.batches import HISTORIES, split
from reconcile.model.drift_sources import SetBy, is_by_user, set_by, version_with
from reconcile.model.kinds import kinds
from reconcile.model.plan import LeftAlone
from reconcile.model.records import Version

_CHUNK = 20 * HISTORIES
"""Records whose histories are held at a time."""

_Value = tuple[Address, str]
"""A record and one of its properties."""


class SourcesRead(NamedTuple):
    """What set which value, and why some histories could not be read."""

    found: Mapping[_Value, SetBy]
    unread: str = ""


def read_sources(hubspot: HubSpot, drifted: Iterable[LeftAlone]) -> SourcesRead:
    """Return what set each value that drifted. A call reads the histories of 50 records of a kind.

    What HubSpot refuses to show is left out, and so is everything after an error with which every
    further call would end. Owners, who lead from users to their e-mail addresses, are read if a
    user is among the sources.
    """
    versions, unread = _read_versions(hubspot, [one for one in drifted if one.fields])
    by_user = any(one is not None and is_by_user(one) for one in versions.values())
    emails = _emails(hubspot) if by_user else {}
    return SourcesRead({value: set_by(one, emails) for value, one in versions.items()}, unread)


def _read_versions(
    hubspot: HubSpot, drifted: Iterable[LeftAlone]
) -> tuple[dict[_Value, Version | None], str]:
    found: dict[_Value, Version | None] = {}
    unread = ""
    by_kind: dict[str, list[LeftAlone]] = defaultdict(list)
    for one in drifted:
        by_kind[one.address.kind].append(one)
    chunks = ((k, chunk) for k, records in by_kind.items() for chunk in split(records, _CHUNK))
    for kind, chunk in chunks:
        try:
            histories = _histories(hubspot, kind, chunk)
        except HubSpotError as error:
            unread = unread or str(error)
            if isinstance(error, Fatal):
                return found, unread
        else:
            found |= {
                (one.address, field.name): version_with(
                    field.before, histories.get(one.id, {}).get(field.name, ())
                )
                for one in chunk
                for field in one.fields
            }
    return found, unread


def _histories(
    hubspot: HubSpot, kind: str, records: Sequence[LeftAlone]
) -> Mapping[str, Mapping[str, Sequence[Version]]]:
    names = sorted({field.name for one in records for field in one.fields})
    return hubspot.records.histories(kinds()[kind].object, [one.id for one in records], names)


def _emails(hubspot: HubSpot) -> Mapping[str, str]:
    """Return users' e-mail addresses by their id; none if the token may not read owners."""
    try:
        owners = hubspot.definitions.owners()
    except HubSpotError:
        return {}
    return {one.user: one.email for one in owners or () if one.user}
