"""A project whose applies are killed, and what must be true when the work is done all the same."""

import os
import random
import signal
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from editing import Editor
from forked import Program
from world import EMAILS, KEY, Document, World, cart, line, order

from reconcile.model.plan import Reason
from reconcile.recovery.runs import unfinished

LEASE = 1.0
"""Seconds; of shared stores, whose locks outlive their holders."""

WAYS: Sequence[Sequence[str]] = (("resume",), ("apply", "--auto-approve"))
"""How people go on, beside applying the saved plan again."""


@dataclass(frozen=True)
class Ended:
    """How one run of the program ended. ``code`` is negative where a signal killed it."""

    code: int
    out: str
    err: str

    @property
    def killed(self) -> bool:
        """Whether it was killed."""
        return self.code == -signal.SIGKILL


def before(orders: int) -> list[Document]:
    """What the manifests say at first."""
    return [
        *(
            order(
                f"O-{n}",
                [
                    line(f"O-{n}:{i}", name=f"thing {i}", price="2", quantity="3", description="d")
                    for i in (1, 2)
                ],
                memo=f"first {n}",
                associations={"contact": [{"email": EMAILS[n % 3]}]},
            )
            for n in range(orders)
        ),
        *(cart(f"C-{n}", [line(f"C-{n}:1", name="thing")], memo="x") for n in range(orders // 10)),
    ]


def after(orders: int) -> list[Document]:
    """What they say later: edits, more and fewer associations, new lines, new orders."""
    return [
        *(
            order(
                f"O-{n}",
                [
                    *(
                        line(
                            f"O-{n}:{i}",
                            name=f"thing {i}",
                            price="2",
                            quantity=str(3 + n % 2),
                            description="d",
                        )
                        for i in (1, 2)
                    ),
                    *([line(f"O-{n}:3", name="one more", price="1")] if n % 3 == 0 else ()),
                ],
                memo=f"second {n}" if n % 2 else f"first {n}",
                associations={"contact": [{"email": EMAILS[(n + n % 4) % 3]}]},
            )
            for n in range(orders)
        ),
        *(cart(f"C-{n}", [line(f"C-{n}:1", name="thing")], memo="y") for n in range(orders // 10)),
        *(order(f"N-{n}", [line(f"N-{n}:1", name="new")], memo="n") for n in range(orders // 4)),
    ]


def fewer(orders: int) -> list[Document]:
    """What they say later, of fewer records: to be applied with ``--prune``."""
    kept = [one for n, one in enumerate(before(orders)) if one["kind"] == "order" and n % 3]
    return [
        one | {"line_items": one["line_items"][: 1 + n % 2], "properties": {"memo": f"third {n}"}}
        for n, one in enumerate(kept)
    ]


def records(documents: Sequence[Document]) -> int:
    """How many records these documents declare."""
    return sum(1 + len(one.get("line_items", ())) for one in documents)


class Scene:
    """A world, and the program run on it as a process of its own.

    ``prune`` is how many records the saved plan archives that nothing declares any more; ``allow``
    is what plans let in, everything by default.
    """

    def __init__(
        self, world: World, *, prune: int = 0, allow: Mapping[str, int] | None = None
    ) -> None:
        self.world = world
        self.prune = prune
        self.allow = allow

    @property
    def saved(self) -> Sequence[str]:
        """The command that applies the saved plan."""
        return ("apply", "plan.bin")

    def run(self, *args: str, crash: str = "", after: float | None = None) -> Ended:
        """Run the program; have it killed at a point, or after so many seconds."""
        environment = os.environ | self.world.environ | {"CRASH_AT": crash, "NO_COLOR": "1"}
        environment["LEASE"] = str(LEASE)
        environment.pop("CI", None)
        process = Program(*args, cwd=self.world.folder, environ=environment)
        try:
            if after is not None:
                time.sleep(after)
                process.send_signal(signal.SIGKILL)
            out, err = process.communicate(timeout=120)
        finally:
            process.close()
        return Ended(process.returncode, out, err)

    def finish(self, chance: random.Random, *, crashes: int = 0) -> list[Ended]:
        """Go on until nothing is left to do, some of the times being killed again."""
        ends: list[Ended] = []
        for attempt in range(8):
            way = (*self._way(chance, attempt), "--lock-timeout", str(3 * LEASE))
            crash = ""
            if attempt < crashes:
                crash = f"{chance.choice(('append', 'call'))}:{chance.randint(1, 12)}:after"
            ends.append(self.run(*way, crash=crash))
            over = ends[-1].code == 0 and not unfinished(self.world.store)
            plan = self.world.plan(prune=bool(self.prune), allow=self.allow) if over else None
            if plan is not None and not any(unit.changes for unit in plan.units):
                return ends
        raise AssertionError([(end.code, end.out[-2000:], end.err[-2000:]) for end in ends])

    def finish_among(self, editor: Editor, chance: random.Random) -> list[Ended]:
        """Go on while others edit, killed once more; then, undisturbed, until nothing is left."""
        ends = [self.run("resume", crash=f"append:{chance.randint(1, 12)}:after")]
        for attempt in range(8):
            if attempt == 2:
                editor.stop()
            ends.append(self.run("apply", "--auto-approve", *self.allowances()))
            over = ends[-1].code == 0 and not unfinished(self.world.store)
            if over and attempt > 2 and self.world.plan(prune=bool(self.prune)).empty:
                return ends
        raise AssertionError([(end.code, end.out[-2000:], end.err[-2000:]) for end in ends])

    def allowances(self) -> Sequence[str]:
        """Let in what a plan made now would hold back or leave alone, whatever it may be."""
        texts = self.world.plan(prune=bool(self.prune), in_doubt=True).allowed
        allow = [part for text in texts for part in ("--allow", text)]
        return [*(["--prune"] if self.prune else []), *allow]

    def _way(self, chance: random.Random, attempt: int) -> Sequence[str]:
        if self.prune:
            # A plan made anew would ask for another count of records to prune.
            begun = unfinished(self.world.store)
            return chance.choice((WAYS[0], self.saved)) if begun else self.saved
        anew = (*WAYS[1], *(self.allowances() if self.allow is None else ()))
        ways = (WAYS[0], anew, self.saved) if attempt < 3 else (WAYS[0], anew)
        if attempt > 5:  # resuming every time never begins what no run had begun
            return WAYS[0] if unfinished(self.world.store) else anew
        return chance.choice(ways)

    def blames_nobody(self) -> None:
        """Nobody has edited anything in HubSpot, so no plan may say so."""
        plan = self.world.plan(in_doubt=True)
        reasons = {field.reason for change in plan.records() for field in change.fields}
        assert not reasons & {Reason.DRIFT, Reason.BOTH}


def is_right(world: World, documents: Sequence[Document], *, gone: int = 0) -> None:
    """Every declared record is there once, whole and under its parent.

    Nothing else ever was, but for those that are ``gone`` now.
    """
    for object_, kind in (("orders", "order"), ("carts", "cart")):
        declared = [one for one in documents if one["kind"] == kind]
        assert world.keys(object_) == {one["key"]: 1 for one in declared}
        by_key = {values[KEY]: id_ for id_, values in world.dump(object_).items()}
        for one in declared:
            _is_whole(world, object_, by_key[one["key"]], one)
    ever = sum(len(world.ever(object_)) for object_ in ("orders", "carts", "line_items"))
    assert ever == records(documents) + gone
    live = sum(len(world.dump(object_)) for object_ in ("orders", "carts", "line_items"))
    assert live == records(documents)


def _is_whole(world: World, object_: str, id_: str, declared: Mapping[str, Any]) -> None:
    stored = world.dump(object_)[id_]
    assert declared["properties"].items() <= stored.items()
    lines = world.dump("line_items")
    there = {lines[i]["name"]: lines[i] for i in world.links((object_, id_), "line_items")}
    declared_lines = {one["properties"]["name"]: one for one in declared.get("line_items", ())}
    assert there.keys() == declared_lines.keys()
    for name, one in declared_lines.items():
        assert one["properties"].items() <= there[name].items()
        assert there[name].get(KEY) == (None if "line_item" in world.identity else one["key"])
    wanted = {one["email"] for one in declared.get("associations", {}).get("contact", ())}
    contacts = world.dump("contacts")
    found = {contacts[i]["email"] for i in world.links((object_, id_), "contacts")}
    assert found == wanted


def save_plan(scene: Scene) -> None:
    """Have the program save its plan, as CI does."""
    prune = ["--prune", "--allow", f"prune={scene.prune}"] if scene.prune else []
    ended = scene.run("plan", "--out", "plan.bin", *prune)
    assert ended.code == 0, ended.err
