"""Play the story of an existing shop with many orders, and print what happened.

.venv/bin/python tests/story/run.py [--orders 3000]
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parents[1]), str(HERE.parent)]

from world import World  # noqa: E402

from tests.story.shop_with_a_sync import carry_out  # noqa: E402


def main() -> None:
    """Play it once."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--orders", type=int, default=3000)
    orders = parser.parse_args().orders
    begun = time.monotonic()
    with tempfile.TemporaryDirectory() as folder, World(Path(folder)) as world:
        for object_ in ("orders", "line_items"):
            world.define_key(object_)
        said = carry_out(orders, world)
    sys.stdout.write(f"{said}; {time.monotonic() - begun:.0f} s\n")


if __name__ == "__main__":
    main()
