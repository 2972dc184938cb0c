"""A progress bar for a person who is watching; nothing for anybody else."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TextIO

from reconcile.render.escaping import visible

Advance = Callable[[int], None]


@contextmanager
def progress(
    total: int | None, description: str, *, stream: TextIO | None = None
) -> Iterator[Advance]:
    """A bar on stderr while the block runs, gone afterwards; silent where there is no terminal.

    Gives ``advance(n)``, which any thread may call. ``total`` is None where it is not known.
    """
    stream = stream or sys.stderr
    if not stream.isatty():
        yield lambda _: None
        return
    from rich.console import Console  # noqa: PLC0415  # 40 ms that only a terminal is worth
    from rich.progress import (  # noqa: PLC0415
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
    )

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=Console(file=stream), transient=True) as bar:
        task = bar.add_task(visible(description), total=total)
        yield lambda number: bar.advance(task, number)
