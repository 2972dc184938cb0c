"""Kill applies at random, many times, and count what it did: the long form of test_crashes.

    .venv/bin/python tests/crashes/run.py --runs 200 --store local
    .venv/bin/python tests/crashes/run.py --runs 200 --store postgresql

Each run begins anew: it plans (everything to create, a mixture of changes, or fewer records, to be
pruned), with unique keys for line items or finding them within their parents, applies, is killed
with SIGKILL at a random point or moment, goes on by a random way, is killed once more, goes on to
the end, and is then compared with the manifests, record by record, in the account itself.
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
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parent.parent)]

import servers  # noqa: E402  (found through the line above)
from scene import Scene, after, before, fewer, is_right, records, save_plan  # noqa: E402
from world import World, seed  # noqa: E402

from reconcile.sandbox import Sandbox  # noqa: E402


def main() -> int:
    """Run them and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--store", choices=("local", "postgresql", "seaweedfs"), default="local")
    parser.add_argument("--orders", type=int, default=40)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    chance = random.Random(asked.seed)
    counts: Counter[str] = Counter()
    begun = time.monotonic()
    with TemporaryDirectory() as text, _url(asked.store) as url:
        folder = Path(text)
        template = _template(folder)
        for number in range(asked.runs):
            where = folder / f"run-{number}"
            try:
                with World(
                    where,
                    template=template,
                    store=url,
                    target=f"t{number}",
                    identity=chance.choice(({}, {}, {"line_item": "within_parent:name"})),
                ) as world:
                    counts += _one(world, chance, asked.orders)
            except AssertionError as error:
                counts["wrong"] += 1
                sys.stdout.write(f"run {number}: {error}\n")
            shutil.rmtree(where, ignore_errors=True)
            if sys.stderr.isatty():
                sys.stderr.write(f"\r{number + 1} of {asked.runs}, {counts['wrong']} wrong ")
    sys.stdout.write(
        f"| {asked.store} | {asked.runs} ({counts['create']} create, {counts['mixed']} mixed, "
        f"{counts['prune']} prune) | {counts['killed']} | {counts['killed again']} "
        f"| {counts['wrong']} | {time.monotonic() - begun:.0f} s |\n"
    )
    return 1 if counts["wrong"] else 0


def _one(world: World, chance: random.Random, orders: int) -> "Counter[str]":
    """One run; how often the program was killed. Raises AssertionError where something is wrong."""
    documents, gone = before(orders), 0
    if (what := chance.choice(("create", "mixed", "prune"))) != "create":
        world.converge(*documents)
        documents = after(orders) if what == "mixed" else fewer(orders)
    if what == "prune":
        gone = records(before(orders)) - records(documents)
    world.declare(*documents)
    scene = Scene(world, prune=gone)
    save_plan(scene)
    if chance.random() < 0.3:
        ended = scene.run(*scene.saved, after=chance.uniform(0.4, 1.4))
    else:
        point = chance.choice(("append", "append", "call", "call", "write"))
        when = chance.choice(("before", "after"))
        # Late enough for the archives, which come last and after the reading of definitions.
        most = {"append": 14, "call": 18, "write": 6}[point] * (2 if gone else 1)
        ended = scene.run(*scene.saved, crash=f"{point}:{chance.randint(1, most)}:{when}")
    scene.blames_nobody()
    ends = scene.finish(chance, crashes=1)
    is_right(world, documents, gone=gone)
    again = sum(end.killed for end in ends)
    return Counter({"killed": int(ended.killed), "killed again": again, what: 1})


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
