"""Inventory of what the probe created in the account, so that all of it can be removed."""

from dataclasses import dataclass, field


@dataclass(slots=True)
class Inventory:
    """Records by object and id, properties, and creates whose outcome is unknown.

    A create is added by its record's title before it is sent, and a property by its name, so that
    an interruption at any moment leaves nothing unlisted. Confirmed removals are deleted from it.
    """

    records: dict[str, dict[str, None]] = field(default_factory=dict)
    properties: dict[tuple[str, str], None] = field(default_factory=dict)
    unanswered: dict[tuple[str, str], None] = field(default_factory=dict)
    problems: dict[str, None] = field(default_factory=dict)

    def add(self, object_: str, id_: str) -> None:
        """Add a record that the probe created."""
        if id_:
            self.records.setdefault(object_, {})[id_] = None

    def removed(self, object_: str, id_: str) -> None:
        """Delete a record that no longer exists."""
        self.records.get(object_, {}).pop(id_, None)

    def answered(self, object_: str, title: str) -> None:
        """Note that the create of this record had an answer."""
        self.unanswered.pop((object_, title), None)

    def remaining(self) -> tuple[str, ...]:
        """Return what still exists, or may exist, in words; then what went wrong."""
        lines = [
            f"{object_} with the ids {', '.join(ids)}"
            for object_, ids in self.records.items()
            if ids
        ]
        lines += [f"the property {name} of {object_}" for object_, name in self.properties]
        lines += [
            f"possibly one of the {object_} named {title}: its create had no answer"
            for object_, title in self.unanswered
        ]
        return (*lines, *self.problems) if lines else ()
