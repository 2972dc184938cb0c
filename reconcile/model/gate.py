"""What the gate relies on: settings of the forge, and whether they are on."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum


class SettingState(StrEnum):
    """Whether a setting is as the gate needs it; in the order in which they are shown."""

    OFF = "off"
    UNKNOWN = "unknown"
    """The token may not read it, or GitHub does not say it."""
    ON = "on"


@dataclass(frozen=True, slots=True)
class GateSetting:
    """One setting. ``text`` says how it is, and what that means; ``hint`` where to change it."""

    name: str
    state: SettingState
    text: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class GateReport:
    """The settings of one repository, for one branch, environment and check."""

    repository: str
    branch: str
    environment: str
    check: str
    settings: tuple[GateSetting, ...]

    def of(self, state: SettingState) -> Iterator[GateSetting]:
        """Yield the settings that are in a state."""
        return (one for one in self.settings if one.state is state)

    @property
    def is_complete(self) -> bool:
        """Return whether every setting is known to be on."""
        return all(one.state is SettingState.ON for one in self.settings)
