"""Check the project's policy against the account: what it names must exist there."""

from collections.abc import Iterator, Mapping

from reconcile.errors import Problem
from reconcile.model.definitions import Definitions
from reconcile.model.kinds import kinds
from reconcile.model.records import Location
from reconcile.model.values import nearest, show


def policy_problems(
    drift: Mapping[str, Mapping[str, Location]], definitions: Definitions
) -> Iterator[Problem]:
    """Yield a problem for each property whose drift is to be put back and that does not exist.

    ``drift`` has the places of the properties, by kind. A kind of which nothing is planned has no
    definitions, and nothing to put back.
    """
    for kind, names in drift.items():
        if kind not in definitions.properties:
            continue
        known = definitions.properties[kind]
        for name, location in names.items():
            if name not in known:
                message = f"{kinds()[kind].plural} have no property {show(name)}"
                yield Problem(*location, message + nearest(name, known))
