"""Kill applies at random, many times, and count what it did: the long form of test_crashes.

    .venv/bin/python tests/crashes/run.py --runs 200 --store local
    .venv/bin/python tests/crashes/run.py --runs 200 --store postgresql

Each run begins anew: it plans (everything to create, a mixture of changes, or fewer records, to be
pruned), with unique keys for line items or finding them within their parents, applies, is killed
with SIGKILL at a random point or moment, goes on by a random way, is killed once more, goes on to
the end, and is then compared with the manifests, record by record, in the account itself.

In half of the runs other people edit records all the while, before, between and after the writes;
what became of each edit is compared with what the audit log says. In a tenth of the runs the rate
limit is so tight that writes have to wait.
"""

import argparse
import json
import os
import random
import shutil
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parent.parent)]

import servers  # noqa: E402  (found through the line above)
from editing import Editor, fates  # noqa: E402
from proxy import Proxy  # noqa: E402
from scene import Scene, after, before, fewer, is_right, records, save_plan  # noqa: E402
from world import World, seed  # noqa: E402

from reconcile.sandbox import Sandbox  # noqa: E402

EDITS = 0.15
"""The share of calls around which somebody edits a record."""

TIGHT = 20
"""Calls in 10 seconds, where the limit is tight."""

SORTS = ("create", "mixed", "prune", "edited", "tight")
FATES = ("stands", "edited again", "reported", "in the window")


def main() -> int:
    """Run them and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--store", choices=("local", "postgresql", "seaweedfs"), default="local")
    parser.add_argument("--orders", type=int, default=40)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--edited", type=float, default=0.5, help="share of runs that others edit")
    parser.add_argument("--tight", type=float, default=0.1, help="share of runs that have to wait")
    asked = parser.parse_args()
    chance = random.Random(asked.seed)
    counts: Counter[str] = Counter()
    begun = time.monotonic()
    # Ctrl-C ends it early, and what was done until then is counted.
    with suppress(KeyboardInterrupt), TemporaryDirectory() as text, _url(asked.store) as url:
        folder = Path(text)
        template = _template(folder)
        for number in range(asked.runs):
            where = folder / f"run-{number}"
            tight = chance.random() < asked.tight
            try:
                with World(
                    where,
                    template=template,
                    store=url,
                    target=f"t{number}",
                    identity=chance.choice(({}, {}, {"line_item": "within_parent:name"})),
                    proxy=Proxy,
                    rate_limit=TIGHT if tight else 1_000_000,
                ) as world:
                    counts += _one(world, chance, asked)
                    counts["tight"] += tight
            except AssertionError as error:
                counts["wrong"] += 1
                sys.stdout.write(f"run {number}: {error}\n")
            counts["runs"] += 1
            shutil.rmtree(where, ignore_errors=True)
            if sys.stderr.isatty():
                sys.stderr.write(f"\r{number + 1} of {asked.runs}, {counts['wrong']} wrong ")
    sys.stdout.write(f"edits: {', '.join(f'{counts[name]} {name}' for name in FATES)}\n")
    sorts = ", ".join(f"{counts[name]} {name}" for name in SORTS)
    sys.stdout.write(
        f"| {asked.store} | {counts['runs']} ({sorts}) "
        f"| {counts['killed']} | {counts['killed again']} | {counts['wrong']} "
        f"| {time.monotonic() - begun:.0f} s |\n"
    )
    return 1 if counts["wrong"] else 0


def _one(world: World, chance: random.Random, asked: argparse.Namespace) -> "Counter[str]":
    """One run; what happened in it. Raises AssertionError where something is wrong."""
    documents, gone = before(asked.orders), 0
    if (what := chance.choice(("create", "mixed", "prune"))) != "create":
        world.converge(*documents)
        documents = after(asked.orders) if what == "mixed" else fewer(asked.orders)
    if what == "prune":
        gone = records(before(asked.orders)) - records(documents)
    world.declare(*documents)
    scene = Scene(world, prune=gone)
    save_plan(scene)
    editor = Editor(world, chance, EDITS if chance.random() < asked.edited else 0.0)
    world.proxy.hook, world.proxy.edit = editor.before, editor.after
    if chance.random() < 0.3:
        ended = scene.run(*scene.saved, after=chance.uniform(0.4, 1.4))
    else:
        point = chance.choice(("append", "append", "call", "call", "write"))
        when = chance.choice(("before", "after"))
        # Late enough for the archives, which come last and after the reading of definitions.
        most = {"append": 14, "call": 18, "write": 6}[point] * (2 if gone else 1)
        ended = scene.run(*scene.saved, crash=f"{point}:{chance.randint(1, most)}:{when}")
    if editor.edits:
        ends = scene.finish_among(editor, chance)
    else:
        editor.stop()
        scene.blames_nobody()
        ends = scene.finish(chance, crashes=1)
    is_right(world, documents, gone=gone)
    again = sum(end.killed for end in ends)
    happened = {"killed": int(ended.killed), "killed again": again, what: 1}
    return Counter(happened | {"edited": int(bool(editor.edits))}) + fates(world, editor.edits)


def _template(folder: Path) -> Path:
    (folder / "seed.json").write_text(json.dumps(seed()), encoding="utf-8")
    with Sandbox(folder / "account.sqlite", seed=folder / "seed.json"):
        pass
    return folder / "account.sqlite"


@contextmanager
def _url(store: str) -> Iterator[str]:
    with ExitStack() as stack:
        if store == "local":
            yield ""
            return
        server = stack.enter_context(getattr(servers, store)())
        os.environ.update(server.environ)
        yield server.url


if __name__ == "__main__":
    sys.exit(main())
