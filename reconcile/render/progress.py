"""A progress bar on terminals."""

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
    """Show a bar on stderr while the block runs; nothing if it is not a terminal.

    Yields ``advance(n)``, which any thread may call. ``total`` is None if it is not known.
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
