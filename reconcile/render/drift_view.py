"""The view model of a report on drift: by property and source, before any medium. Pure."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from reconcile.model.address import Address
from reconcile.model.drift_sources import DriftSource
from reconcile.model.drifted import DriftedRecord, DriftReport, Fate, drift_of
from reconcile.model.guarded import counts
from reconcile.render.drift_words import source_words
from reconcile.render.escaping import mask
from reconcile.render.not_applied import association_name
from reconcile.render.phrasing import listed, plural, target_line
from reconcile.render.record_views import FieldView, LinkView, left_alone_view


@dataclass(frozen=True, slots=True)
class DriftedValue:
    """One value that others changed, or one association that they removed.

    Of a value ``field`` has the declared one ``after`` and HubSpot's ``before``. ``source`` and
    ``at`` are what set it and when, if that was read; ``by`` is the source in words.
    """

    unit: Address
    address: Address
    id: str
    title: str
    name: str
    fate: Fate
    field: FieldView | None = None
    link: LinkView | None = None
    source: DriftSource | None = None
    by: str = ""
    at: str = ""


@dataclass(frozen=True, slots=True)
class SourceGroup:
    """What one source changed of one property, newest first; ``by`` is empty if none is named."""

    by: str
    values: tuple[DriftedValue, ...]


@dataclass(frozen=True, slots=True)
class PropertyGroup:
    """What others changed of one property, or which associations of one sort they removed."""

    name: str
    records: Mapping[str, int]
    sources: tuple[SourceGroup, ...]

    @property
    def many(self) -> str:
        """``812 orders``."""
        return listed(self.records)


@dataclass(frozen=True, slots=True)
class DriftView:
    """A report on drift, ready for any medium."""

    report: DriftReport
    personal: bool
    groups: tuple[PropertyGroup, ...]

    @property
    def heading(self) -> str:
        """The line that every output begins and ends with."""
        return target_line(self.report.plan.target)

    @property
    def values(self) -> Iterator[DriftedValue]:
        """All values, by property and source."""
        return (value for group in self.groups for one in group.sources for value in one.values)

    @property
    def unread(self) -> str:
        """Why some sources are not named; empty if all could be read."""
        return self.report.unread if self.personal else mask(self.report.unread)

    @property
    def both(self) -> str:
        """How many records changed in git too, which is not drift; empty if none did."""
        number = counts(self.report.plan)["both"]
        if not number:
            return ""
        many = plural(number, "record")
        return f"{many} changed on both sides, which is not drift: see `reconcile plan`"

    @property
    def footer(self) -> str:
        """The report in one sentence, and what the next apply does about it."""
        if not self.groups:
            return "No drift."
        records = Counter(address.kind for address in {one.address for one in self.values})
        fields = Counter(one.fate for one in self.values if one.field)
        links = sum(one.link is not None for one in self.values)
        parts = [plural(fields.total(), "value")] if fields else []
        parts += [plural(links, "association")] if links else []
        said = f"Drift in {listed(records)}: {' and '.join(parts)}."
        back = fields[Fate.PUT_BACK]
        return f"{said} The next apply puts back {plural(back, 'value')}." if back else said


def drift_view(report: DriftReport, *, personal: bool) -> DriftView:
    """Return the view of a report; ``personal=False`` for CI, logs and comments."""
    by_name: dict[str, list[DriftedValue]] = {}
    for one in drift_of(report.plan):
        for value in _values(one, report, personal=personal):
            by_name.setdefault(value.name, []).append(value)
    order = sorted(by_name.items(), key=lambda item: (-len(item[1]), item[0]))
    return DriftView(report, personal, tuple(_group(name, values) for name, values in order))


def _values(one: DriftedRecord, report: DriftReport, *, personal: bool) -> Iterator[DriftedValue]:
    seen = left_alone_view(one.drift, personal=personal)
    about = (one.unit, seen.address, seen.id, seen.title)
    for field in seen.fields:
        found = (report.sources or {}).get((seen.address, field.name))
        yield DriftedValue(
            *about,
            field.name,
            one.fate,
            field=field,
            source=found.source if found else None,
            by=source_words(found.source, personal=personal) if found else "",
            at=found.at if found else "",
        )
    for link in seen.links:
        yield DriftedValue(*about, association_name(link.to), one.fate, link=link)


def _group(name: str, values: Sequence[DriftedValue]) -> PropertyGroup:
    by_source: dict[str, list[DriftedValue]] = {}
    for value in values:
        by_source.setdefault(value.by, []).append(value)
    order = sorted(by_source.items(), key=lambda item: (-len(item[1]), item[0]))
    groups = tuple(SourceGroup(by, tuple(_newest_first(some))) for by, some in order)
    records = {value.address for value in values}
    return PropertyGroup(name, Counter(address.kind for address in records), groups)


def _newest_first(values: Sequence[DriftedValue]) -> list[DriftedValue]:
    return sorted(sorted(values, key=lambda one: one.address), key=lambda one: one.at, reverse=True)
