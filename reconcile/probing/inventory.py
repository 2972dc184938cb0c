"""What the probe has made in the account, so that all of it can be removed."""

from dataclasses import dataclass, field


@dataclass(slots=True)
class Inventory:
    """Records by object and id, properties, and creates whose outcome is not known.

    A create is entered by its record's title before it is sent, and a property by its name, so that
    an interruption at any moment leaves nothing unnamed. What is removed for certain is struck off.
    """

    records: dict[str, dict[str, None]] = field(default_factory=dict)
    properties: dict[tuple[str, str], None] = field(default_factory=dict)
    unsettled: dict[tuple[str, str], None] = field(default_factory=dict)
    problems: dict[str, None] = field(default_factory=dict)

    def add(self, object_: str, id_: str) -> None:
        """A record that is ours."""
        if id_:
            self.records.setdefault(object_, {})[id_] = None

    def gone(self, object_: str, id_: str) -> None:
        """A record that is no longer there."""
        self.records.get(object_, {}).pop(id_, None)

    def settled(self, object_: str, title: str) -> None:
        """The create of this record had an answer."""
        self.unsettled.pop((object_, title), None)

    def left(self) -> tuple[str, ...]:
        """What is still there, or may be, in words; then what went wrong."""
        lines = [
            f"{object_} with the ids {', '.join(ids)}"
            for object_, ids in self.records.items()
            if ids
        ]
        lines += [f"the property {name} of {object_}" for object_, name in self.properties]
        lines += [
            f"perhaps one of the {object_} named {title}: its create had no answer"
            for object_, title in self.unsettled
        ]
        return (*lines, *self.problems) if lines else ()
