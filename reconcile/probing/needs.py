"""The rights that a question needs of the token, as HubSpot's scopes."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from reconcile.model.kinds import Kind, kinds

KINDS: Mapping[str, Kind] = MappingProxyType({kind.object: kind for kind in kinds().values()})
"""The kinds by HubSpot's name for their records: ``orders``."""


class Need(NamedTuple):
    """A right that a question needs: ``read``, ``write``, ``schema`` or ``pipelines``."""

    object: str
    access: str

    @property
    def scopes(self) -> tuple[str, ...]:
        """The scopes of which any one gives this right (reference §2)."""
        kind = KINDS[self.object]
        match self.access:
            case "read":
                return kind.read_scopes
            case "write":
                return kind.write_scopes
            case "schema":
                return kind.schema_scopes
            case _:
                return (f"crm.pipelines.{self.object}.read",)


def to_write(*objects: str) -> tuple[Need, ...]:
    """Return what it takes to read and write records of these objects."""
    return tuple(Need(name, access) for name in objects for access in ("read", "write"))


def to_define(*objects: str) -> tuple[Need, ...]:
    """Return what it takes to read and write records of these objects, and to define properties."""
    return (*to_write(*objects), *(Need(name, "schema") for name in objects))
