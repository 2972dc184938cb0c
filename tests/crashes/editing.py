"""Other people who edit records while the program runs, and whether it said what became of that."""

import random
import threading
from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from world import World

from reconcile.audit.log import AuditLog

WINDOW = 1.0
"""Seconds that a re-check may be old when the write is sent: an edit in there goes unseen."""

_ON_ITS_WAY = 0.5
"""Seconds that a write may be on its way on a machine that is busy."""

_TEXT = {
    "orders": ("memo", "hs_tags"),
    "carts": ("memo", "hs_tags"),
    "line_items": ("description",),
}
"""What people edit: values that manifests declare, and values that they do not."""


@dataclass(frozen=True)
class Edit:
    """One value that somebody gave a record."""

    object: str
    id: str
    property: str
    value: str


class Editor:
    """Edits records at random, right before the program's calls, and right after their answers.

    Each edit's value is its own, so that it can be followed through histories and logs.
    """

    def __init__(self, world: World, chance: random.Random, share: float) -> None:
        self._world = world
        self._chance = chance
        self._share = share
        self._turn = threading.Lock()
        self.edits: list[Edit] = []

    def before(self, method: str, path: str, body: Any) -> None:
        """Edit, now and then, before a call is carried out; a hook of the proxy."""
        self._perhaps(path)

    def after(self, method: str, path: str, answer: Any) -> Any:
        """Edit, now and then, when a call was carried out and its answer is on its way."""
        self._perhaps(path)
        return answer

    def stop(self) -> None:
        """Edit nothing more."""
        self._share = 0.0

    def _perhaps(self, path: str) -> None:
        with self._turn:
            if "/objects/" in path and self._chance.random() < self._share:
                self._edit()

    def _edit(self) -> None:
        object_ = self._chance.choice(("orders", "orders", "carts", "line_items"))
        ids = sorted(self._world.dump(object_))
        if not ids:
            return
        name = self._chance.choice(_TEXT[object_])
        edit = Edit(object_, self._chance.choice(ids), name, f"edit {len(self.edits)}")
        path = f"/crm/v3/objects/{edit.object}/{edit.id}"
        answer = self._world.http.patch(path, json={"properties": {edit.property: edit.value}})
        if answer.status_code == 200:  # else it was archived this instant
            self.edits.append(edit)


def fates(world: World, edits: list[Edit]) -> "Counter[str]":
    """What became of edits: they stand, were reported, or fell between a re-check and its write.

    Raises AssertionError for one that was overwritten without a word.
    """
    log = AuditLog(world.store)
    said = {
        value
        for entry in log.entries()
        for record in log.full(entry).records
        for detail in record.details
        for value in detail.values or ()
    }
    return Counter(_fate(world, edit, said) for edit in edits)


def _fate(world: World, edit: Edit, said: set[str]) -> str:
    versions = _history(world, edit)
    values = [one["value"] for one in versions]
    place = values.index(edit.value)
    newer = versions[:place]
    if not newer:
        return "stands"
    if newer[-1]["value"].startswith("edit "):
        return "edited again"
    if any(edit.value in text for text in said):
        return "reported"
    age = _moment(newer[-1]) - _moment(versions[place])
    assert age.total_seconds() <= WINDOW + _ON_ITS_WAY, (edit, versions)
    return "in the window"


def _history(world: World, edit: Edit) -> list[dict[str, str]]:
    """The values that the property had, the latest first."""
    path = f"/crm/v3/objects/{edit.object}/{edit.id}"
    for archived in ("false", "true"):
        asked = {"propertiesWithHistory": edit.property, "archived": archived}
        answer = world.http.get(path, params=asked)
        if answer.status_code == 200:
            found: list[dict[str, str]] = answer.json()["propertiesWithHistory"][edit.property]
            return found
    raise AssertionError(f"{edit} is nowhere")


def _moment(version: dict[str, str]) -> datetime:
    return datetime.fromisoformat(version["timestamp"])
