"""Which scopes a call needs (ref §2).

A requirement is a tuple of alternatives: holding any one of them suffices. Object scopes are H;
which scopes property definitions and pipelines accept is M.
"""

from reconcile.sandbox.object_types import OBJECT_TYPES, ORDER, ObjectType, custom_object

Alternatives = tuple[str, ...]
OWNERS_READ = "crm.objects.owners.read"  # the owners guide


def object_scope(kind: ObjectType, access: str) -> Alternatives:
    """Return the scopes that allow reading or writing records of a type."""
    return (f"crm.objects.{kind.scope_object or kind.plural}.{access}", *_legacy(kind))


def schema_scope(kind: ObjectType, access: str) -> Alternatives:
    """Return the scopes for property definitions; only reading accepts the object scopes."""
    name = "custom" if kind.is_custom else kind.plural
    wanted = [f"crm.schemas.{name}.{access}"]
    if access == "read":
        wanted += [object_scope(kind, "read")[0], f"crm.schemas.{name}.write"]
    return (*wanted, *_legacy(kind))


def pipeline_scope(kind: ObjectType, access: str) -> Alternatives:
    """Return the scopes for pipelines."""
    return (f"crm.pipelines.{kind.plural}.{access}",)


def _legacy(kind: ObjectType) -> Alternatives:
    return () if kind.legacy_scope is None else (kind.legacy_scope,)


def _all_scopes() -> frozenset[str]:
    """Return every scope that a call may need."""
    scopes = {"oauth", OWNERS_READ}
    for kind in (*OBJECT_TYPES, custom_object("2-1")):
        for access in ("read", "write"):
            scopes.update(object_scope(kind, access), schema_scope(kind, access))
    scopes.update(pipeline_scope(ORDER, "read"), pipeline_scope(ORDER, "write"))
    return frozenset(scopes)


ALL_SCOPES = _all_scopes()
