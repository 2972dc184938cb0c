"""The plan file: JSON lines with a head, the shared part, one line a unit, and a footer.

The footer has counts, so that they can be read without the units, and three digests:

- ``content`` covers what apply would do: the units' effect digests, the account, and the settings
  that decided about them. Reviews and approvals bind to it; a plan made again has the same one.
- ``pinned`` covers what the plan was made from as well: a later plan that would do the same again
  has another one, so no run is taken for that of another plan.
- ``file`` covers every byte before it.

They detect accidents and edits. Only the state's key proves that an effect digest is that of its
unit, which apply checks (``effect_digests``). So loading trusts nothing that it can derive: what
people read is derived from what is written (``derived``), and a plan that the planner cannot make
is refused (``consistency``).
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from itertools import zip_longest
from typing import Annotated, Any

from pydantic import AfterValidator, Field, TypeAdapter, ValidationError

from reconcile.errors import UsageError
from reconcile.model.address import Address
from reconcile.model.digest import canonical
from reconcile.model.drift_sources import NO_DRIFT_SOURCES, DriftSources
from reconcile.model.kinds import kinds
from reconcile.model.limits import as_limits
from reconcile.model.plan import Plan, TargetPin, UnitChange, ValueLabel
from reconcile.model.policy import LIMITED
from reconcile.model.selected import EVERYTHING, Selected
from reconcile.model.source import UNKNOWN, Files, Request, Source
from reconcile.planning.consistency import contradictions
from reconcile.planning.derived import Legend, derivable_title, derived
from reconcile.planning.effect_digests import altered_effects
from reconcile.planning.guards import ALLOWANCE, tripped_limits

FORMAT = 7
"""Version of the plan file's format. A file with another one is refused."""

_DERIVED: Any = {
    "parent": True,
    "fields": {"__all__": {"shown_before", "shown_after", "personal"}},
    "links": {"__all__": {"shown", "ours", "personal"}},
}
"""The parts of a record's change that are not written, since they follow from the rest."""


def _limit(given: tuple[str, str, int]) -> tuple[str, str, int]:
    name, kind, _ = given
    if name not in LIMITED or kind not in ("", *kinds()):
        raise ValueError("it is not a limit")
    return given


_Limit = Annotated[tuple[str, str, int], AfterValidator(_limit)]
_Allowed = Annotated[str, Field(pattern=f"^{ALLOWANCE.pattern}$")]
_Commit = Annotated[str, Field(pattern=rf"^(|{UNKNOWN}|[0-9a-f]{{40}}|[0-9a-f]{{64}})$")]


@dataclass(frozen=True, slots=True)
class _Head:
    """The first line: what is not part of what the plan does.

    ``unchanged``, ``undeclared``, ``others``, ``unkeyed`` and ``unchecked`` are what the plan says
    of other records, ``commit`` and ``files`` its source. Where there are any, ``drift_sources``
    are what set the values that it leaves alone, ``selected`` what it was limited to, and
    ``request`` the pull request that it was made for.
    """

    format: int
    reconcile: str
    created: str
    serial: int
    paths: tuple[str, ...]
    unchanged: int
    undeclared: tuple[Address, ...]
    others: int
    unkeyed: tuple[tuple[str, int], ...]
    unchecked: tuple[str, ...]
    resolved: tuple[Address, ...]
    in_doubt: tuple[Address, ...]
    commit: _Commit
    files: Files
    drift_sources: DriftSources = NO_DRIFT_SOURCES
    selected: Selected = EVERYTHING
    request: Request | None = None


@dataclass(frozen=True, slots=True)
class _Shared:
    """The second line: what applies to all units."""

    target: TargetPin
    lineage: str
    identities: tuple[tuple[str, str, str], ...]
    limits: tuple[_Limit, ...]
    allowed: tuple[_Allowed, ...]
    reverts: tuple[tuple[str, str], ...]
    manage: tuple[tuple[str, str], ...]
    keyed: bool
    prune: bool
    labels: tuple[ValueLabel, ...]
    personal: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Footer:
    """The last line. ``counts`` has how many records of a kind have an action: action, kind."""

    content: str
    pinned: str
    file: str
    counts: Mapping[str, Mapping[str, int]]


@dataclass(frozen=True, slots=True)
class _Policy:
    """What the content digest covers beside the effect digests."""

    target: TargetPin
    identities: tuple[tuple[str, str, str], ...]
    limits: tuple[tuple[str, str, int], ...]
    allowed: tuple[str, ...]
    reverts: tuple[tuple[str, str], ...]
    manage: tuple[tuple[str, str], ...]
    keyed: bool
    personal: tuple[tuple[str, str], ...]


_UNIT = TypeAdapter(UnitChange)
_ANY = TypeAdapter(dict[str, Any])
_HEAD = TypeAdapter(_Head)
_SHARED = TypeAdapter(_Shared)
_POLICY = TypeAdapter(_Policy)
_FOOTER = TypeAdapter(Footer)


def content_digest(plan: Plan) -> str:
    """Return the digest that approvals bind to: of the effects, the account and the settings."""
    policy = _Policy(
        plan.target,
        plan.identities,
        plan.limits,
        plan.allowed,
        plan.reverts,
        plan.manage,
        plan.keyed,
        plan.personal,
    )
    effects = sorted(unit.effect_digest for unit in plan.units if unit.effective)
    return _digest([_line(_POLICY, policy), *(f"{effect}\n".encode() for effect in effects)])


def pinned_digest(plan: Plan) -> str:
    """Return the digest of what a plan does and of what it was made from; no clock, no run."""
    return _digest(_content(plan))


def dump(plan: Plan, *, version: str, created: str) -> Iterator[bytes]:
    """Yield the file's lines. ``version`` is reconcile's own, ``created`` a time in ISO 8601."""
    pinned, file = sha256(), sha256()
    head = _head_line(
        _Head(
            FORMAT,
            version,
            created,
            plan.serial,
            plan.paths,
            plan.unchanged,
            plan.undeclared,
            plan.others,
            plan.unkeyed,
            plan.unchecked,
            plan.resolved,
            plan.in_doubt,
            plan.source.commit,
            plan.source.files,
            plan.drift_sources,
            plan.selected,
            plan.source.request,
        )
    )
    file.update(head)
    yield head
    for line in _content(plan):
        pinned.update(line)
        file.update(line)
        yield line
    yield _footer(plan, pinned.hexdigest(), file.hexdigest())


def footer_of(last: bytes) -> Footer:
    """Return what the last line of an intact plan file says."""
    return _FOOTER.validate_json(last)


def load(data: bytes) -> tuple[Plan, Footer]:
    """Return a plan and its footer; raise UsageError unless the plan file is intact."""
    lines = data.splitlines(keepends=True)
    if len(lines) < 3 or not data.endswith(b"\n"):
        raise _damaged("it is truncated, or not a plan file")
    try:
        head = _ANY.validate_json(lines[0])
    except ValidationError as error:
        raise _damaged("it is not a plan file") from error
    _require_format(head.get("format"))
    if _stated_digest(lines[-1]) != _digest(lines[:-1]):
        raise _damaged("its digest does not match its content")
    try:
        read = _HEAD.validate_json(lines[0])
        plan = _plan(read, _SHARED.validate_json(lines[1]), lines[2:-1])
    except ValidationError as error:
        raise _damaged("its content is not a plan") from error
    again = dump(plan, version=read.reconcile, created=read.created)
    if any(line != one for line, one in zip_longest(lines, again)):
        raise _damaged("it contains more than a plan, or is encoded in another way")
    fault = next(contradictions(plan), "")
    if not fault and not plan.keyed:
        fault = next(altered_effects(plan, None), "")
    if fault:
        raise UsageError(f"the plan file contradicts itself: {fault}", hint=_AGAIN)
    return plan, footer_of(lines[-1])


def _content(plan: Plan) -> Iterator[bytes]:
    yield _line(
        _SHARED,
        _Shared(
            plan.target,
            plan.lineage,
            plan.identities,
            plan.limits,
            plan.allowed,
            plan.reverts,
            plan.manage,
            plan.keyed,
            plan.prune,
            plan.labels,
            plan.personal,
        ),
    )
    for unit in plan.units:
        yield canonical(_unit_line(unit)) + b"\n"


def _unit_line(unit: UnitChange) -> dict[str, Any]:
    left_out = {name: {"__all__": _DERIVED} for name in ("changes", "held", "left_alone")}
    raw: dict[str, Any] = _UNIT.dump_python(
        unit, mode="json", exclude_defaults=True, exclude=left_out
    )
    every = [*raw.get("changes", ()), *raw.get("held", ())]
    for change, one in zip(every, (*unit.changes, *unit.held), strict=True):
        if derivable_title(one) is not None:
            change.pop("title", None)
    return raw


def _plan(head: _Head, shared: _Shared, lines: list[bytes]) -> Plan:
    legend = Legend(shared.labels, shared.personal)
    units = derived((_UNIT.validate_json(line) for line in lines), legend)
    return Plan(
        target=shared.target,
        units=units,
        lineage=shared.lineage,
        identities=shared.identities,
        unchanged=head.unchanged,
        undeclared=head.undeclared,
        guards=tripped_limits(units, as_limits(shared.limits), shared.allowed),
        prune=shared.prune,
        labels=shared.labels,
        personal=shared.personal,
        limits=shared.limits,
        allowed=shared.allowed,
        reverts=shared.reverts,
        manage=shared.manage,
        keyed=shared.keyed,
        serial=head.serial,
        paths=head.paths,
        resolved=head.resolved,
        in_doubt=head.in_doubt,
        source=Source(head.commit, head.files, head.request),
        others=head.others,
        unkeyed=head.unkeyed,
        unchecked=head.unchecked,
        drift_sources=head.drift_sources,
        selected=head.selected,
    )


def _head_line(head: _Head) -> bytes:
    raw: dict[str, Any] = _HEAD.dump_python(head, mode="json")
    if head.drift_sources == NO_DRIFT_SOURCES:
        del raw["drift_sources"]
    if head.selected == EVERYTHING:
        del raw["selected"]
    if head.request is None:
        del raw["request"]
    return canonical(raw) + b"\n"


def _line(adapter: TypeAdapter[Any], data: object) -> bytes:
    return canonical(adapter.dump_python(data, mode="json")) + b"\n"


def _digest(lines: Iterable[bytes]) -> str:
    found = sha256()
    for line in lines:
        found.update(line)
    return found.hexdigest()


def _footer(plan: Plan, pinned: str, file: str) -> bytes:
    counts: dict[str, dict[str, int]] = {}
    for change in plan.records():
        of_kinds = counts.setdefault(change.action, {})
        of_kinds[change.address.kind] = of_kinds.get(change.address.kind, 0) + 1
    return _line(_FOOTER, Footer(content_digest(plan), pinned, file, counts))


def _stated_digest(last: bytes) -> str:
    try:
        return footer_of(last).file
    except ValidationError:
        return ""


def _require_format(found: object) -> None:
    if found == FORMAT and type(found) is int:
        return
    if type(found) is not int or not 0 <= found < 10**6:
        raise _damaged("it is not a plan file")
    raise UsageError(
        f"the plan file has format {found}; this version reads {FORMAT}",
        hint="make the plan again with this version of reconcile",
    )


_AGAIN = "make the plan again; a plan file must not be edited"


def _damaged(how: str) -> UsageError:
    return UsageError(f"the plan file cannot be trusted: {how}", hint=_AGAIN)
