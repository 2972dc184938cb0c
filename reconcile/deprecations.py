"""Former names of options and settings: they work for one more minor version, with a warning.

``reconcile docs compatibility`` promises that. The warnings go to the logger
``reconcile.deprecations``, which the command line shows on stderr. Once the package has the version
in which an entry is removed, a test fails until the entry is gone.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass

from reconcile.model.versions import Release

LOGGER = "reconcile.deprecations"
"""The logger's name."""


@dataclass(frozen=True, slots=True)
class Deprecation:
    """A former name, the present one, and the first version that warned.

    An option is written with its command (``audit log --from``), a setting with its path in
    reconcile.yaml (``targets.*.key``). What has no successor has an empty ``new``, and still works.
    """

    old: str
    new: str
    since: str

    @property
    def removed_in(self) -> Release:
        """The version in which the former name stops working: the next minor one."""
        return Release.parse(self.since).next_minor()

    def warn(self) -> None:
        """Log what to write instead."""
        instead = f"use {self.new}" if self.new else "leave it out"
        logging.getLogger(LOGGER).warning(
            "%s is deprecated and will be removed in reconcile %s: %s",
            self.old,
            self.removed_in,
            instead,
        )


OPTIONS: tuple[Deprecation, ...] = ()
SETTINGS: tuple[Deprecation, ...] = ()


def with_current_options(typed: Sequence[str]) -> list[str]:
    """Return a command line with the present names of its options; warn of each former one."""
    end = typed.index("--") if "--" in typed else len(typed)
    words = list(typed[:end])
    for one in OPTIONS:
        *command, old = one.old.split()
        if words[: len(command)] == command:
            words = _renamed(words, old, one)
    return [*words, *typed[end:]]


def _renamed(words: list[str], old: str, deprecation: Deprecation) -> list[str]:
    new = deprecation.new.rpartition(" ")[2] or old
    found = [word == old or word.startswith(f"{old}=") for word in words]
    if any(found):
        deprecation.warn()
    return [
        new + word.removeprefix(old) if matches else word
        for word, matches in zip(words, found, strict=True)
    ]
