"""Who may write what in the chosen target, and which line of the project file says so."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from reconcile.manifests.files import PROJECT_FILE
from reconcile.manifests.problems import ProblemReport, an
from reconcile.manifests.yaml_nodes import Items, Node, Table, Text, read
from reconcile.model.explained import Rule
from reconcile.model.kinds import Kind, kinds
from reconcile.model.manage import Manage
from reconcile.model.records import NOWHERE, Location
from reconcile.project import Settings

OURS = "reconcile"
OTHERS = "others"
_NOBODY = "nobody, until allowed"

_Path = tuple[str, ...]


def rules(settings: Settings) -> Iterator[Rule]:
    """Yield who may write what; what no line of the project file says is a default."""
    places = _places(settings)
    here: _Path = ("targets", settings.target.name)
    yield from _of_manage(settings, places, here)
    yield from _of_keys(settings, places, here)
    yield from _of_drift(settings, places)
    yield Rule("what nobody has looked at (guards)", _NOBODY)
    yield from _of_limits(settings, places)


def _of_manage(settings: Settings, places: Mapping[_Path, Location], here: _Path) -> Iterator[Rule]:
    manage, path = settings.target.manage, (*here, "manage")
    whole = places.get(path, NOWHERE)
    for kind in kinds().values():
        place = places.get((*path, kind.name), whole)
        if not manage.has_kind(kind.name):
            yield Rule(kind.plural, f"{OTHERS} only", place)
            continue
        at = {name: places.get((*path, kind.name, name), place) for name in _names_of(kind, manage)}
        yield from _of_kind(kind, _listed(manage, kind, settings), at, place)
    for word, allowed in (
        ("create", manage.may_create),
        ("archive", manage.may_archive),
    ):
        who = OURS if allowed else f"{OTHERS} only"
        yield Rule(f"{word.removesuffix('e')}ing records", who, places.get((*path, word), whole))


def _names_of(kind: Kind, manage: Manage) -> Iterable[str]:
    return (manage.names or {}).get(kind.name) or ()


def _of_kind(
    kind: Kind, listed: Sequence[str] | None, at: Mapping[str, Location], place: Location
) -> Iterator[Rule]:
    """Yield what may be written of a kind: what is ``listed``, or all that is declared."""
    if listed is None:
        yield Rule(f"what is declared of {kind.plural}", OURS, place)
    for name in listed or ():
        what = f"association with {an(name)}" if name in kind.associations else name
        yield Rule(f"{kind.name}: {what}", OURS, at.get(name, place))
    rest = "what is not declared" if listed is None else "everything else"
    yield Rule(f"{rest} of {kind.plural}", f"{OTHERS}; not read", place)


def _listed(manage: Manage, kind: Kind, settings: Settings) -> list[str] | None:
    """Return the names that `manage` lists of a kind, None for all."""
    listed = (manage.names or {}).get(kind.name)
    if listed is None:
        return None
    return sorted(listed - set(settings.target.identity[kind.name].properties))


def _of_keys(settings: Settings, places: Mapping[_Path, Location], here: _Path) -> Iterator[Rule]:
    for kind in kinds().values():
        identity = settings.target.identity[kind.name]
        place = places.get((*here, "identity", kind.name), NOWHERE)
        if identity.key_is_id:
            yield Rule(f"{kind.name}: key, its HubSpot id", "HubSpot", place)
        elif identity.key_property:
            yield Rule(f"{kind.name}: key, {identity.name}", OURS, place)
        else:
            yield Rule(f"{kind.name}: key, {identity.name} within its parent", OURS, place)
    stamp = OURS if settings.target.stamp else "nobody"
    yield Rule("the key of adopted records", stamp, places.get((*here, "stamp"), NOWHERE))


def _of_drift(settings: Settings, places: Mapping[_Path, Location]) -> Iterator[Rule]:
    for kind, names in sorted(settings.drift.items()):
        for name in sorted(names):
            yield Rule(
                f"drift of {kind}: {name}",
                f"{OURS} puts it back",
                places.get(("drift", kind, name), NOWHERE),
            )
    yield Rule("other drift" if settings.drift else "drift", f"{OTHERS}; left alone")


def _of_limits(settings: Settings, places: Mapping[_Path, Location]) -> Iterator[Rule]:
    for name in ("archive", "create", "update"):
        most = getattr(settings.limits, name)
        if most is not None:
            yield Rule(
                f"a plan to {name} more than {most}",
                _NOBODY,
                places.get(("limits", name), NOWHERE),
            )


def _places(settings: Settings) -> Mapping[_Path, Location]:
    """Return where each name of the project file stands, and each word of a list."""
    if not settings.has_file:
        return {}
    data = (settings.root / PROJECT_FILE).read_bytes()
    documents = read(data, ProblemReport(PROJECT_FILE), any_comment=True)
    return dict(place for node in documents for place in _inside(node, ()))


def _inside(node: Node, path: _Path) -> Iterator[tuple[_Path, Location]]:
    if isinstance(node, Table):
        for name, entry in node.entries.items():
            yield (*path, name), Location(PROJECT_FILE, entry.line, entry.column)
            yield from _inside(entry.value, (*path, name))
    elif isinstance(node, Items):
        for one in node.nodes:
            if isinstance(one, Text):
                yield (*path, one.value), Location(PROJECT_FILE, one.line, one.column)
