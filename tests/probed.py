"""An account that is probed: its content to compare, its calls, the probe with some questions."""

import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reconcile.hubspot.client import HubSpot
from reconcile.hubspot.connection import Reply
from reconcile.probing import QUESTIONS, Probe, Question, Report, Result
from reconcile.sandbox import Sandbox

BY_ID = {question.id: question for question in QUESTIONS}

TABLES = (
    "SELECT * FROM record WHERE archived_at IS NULL",
    "SELECT association.* FROM association "
    "JOIN record a ON a.type = from_type AND a.id = from_id AND a.archived_at IS NULL "
    "JOIN record b ON b.type = to_type AND b.id = to_id AND b.archived_at IS NULL",
    "SELECT unique_value.* FROM unique_value "
    "JOIN record r ON r.type = unique_value.type AND r.id = record_id AND r.archived_at IS NULL",
    "SELECT type, name, definition FROM property WHERE archived_at IS NULL",
    "SELECT * FROM property_group",
    "SELECT * FROM pipeline",
    "SELECT * FROM stage",
    "SELECT * FROM label",
)
"""All an account holds. Left out: what is archived, the last id given, the request log, tokens."""

Interfere = Callable[[str, str, bytes, Callable[[], Reply]], Reply]
"""Answers a call: of its method, path, body, and what sends it."""


@dataclass
class Probed:
    """An account of the test's own, and the client on it."""

    path: Path
    sandbox: Sandbox
    hubspot: HubSpot
    granted: frozenset[str] | None = None

    def probe(self, *ids: str, questions: Sequence[Question] = ()) -> Probe:
        """The probe with some of its questions, or all; it waits on the sandbox's clock."""
        return Probe(
            self.hubspot,
            self.hubspot.definitions.account(),
            api="v3",
            granted=self.granted,
            questions=questions or [BY_ID[id_] for id_ in ids] or QUESTIONS,
            sleep=advance(self.sandbox),
        )

    def run(self, *ids: str, questions: Sequence[Question] = ()) -> Report:
        """Run it."""
        return self.probe(*ids, questions=questions).run(lambda _: None)

    def answer(self, id_: str) -> str:
        """What the probe finds for one question."""
        return self.result(id_).answer

    def result(self, id_: str) -> Result:
        """What comes of one question."""
        report = self.run(id_)
        assert report.complete, report
        return report.results[0]

    def dump(self) -> list[list[tuple[Any, ...]]]:
        """All the account holds but what is archived."""
        with closing(sqlite3.connect(f"file:{self.path}?mode=ro", uri=True)) as connection:
            return [sorted(connection.execute(table), key=repr) for table in TABLES]

    def writes(self) -> list[str]:
        """The calls that could have changed something."""
        return [
            f"{call.method} {call.path}"
            for call in self.sandbox.requests()
            if call.method != "GET"
            and not call.path.endswith(("/batch/read", "/search", "/access-token-info"))
        ]


def advance(sandbox: Sandbox) -> Callable[[float], None]:
    """Waiting that takes no time: the sandbox's clock goes on instead."""

    def sleep(seconds: float) -> None:
        sandbox.clock.advance(seconds)

    return sleep
