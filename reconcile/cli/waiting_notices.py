"""What the program waits for, on stderr: never among the data, and never kept by anybody."""

import logging
import os

import click

from reconcile.call_watchdog import LOGGER


def show_notices() -> None:
    """Show what is said of long waits from now on, whichever thread says it."""
    logger = logging.getLogger(LOGGER)
    logger.setLevel(logging.INFO)
    logger.propagate = False
    logger.handlers = [_OnStderr()]


class _OnStderr(logging.Handler):
    """Writes to what stderr is at that moment: a progress bar puts itself in its place."""

    def emit(self, record: logging.LogRecord) -> None:
        """Print one line, made harmless: it can quote what a server said."""
        from reconcile.render.escaping import line_start, mask, visible  # noqa: PLC0415

        try:
            text = record.getMessage()
            text = mask(text) if os.environ.get("CI") else text
            click.echo(line_start(visible(text)), err=True)
        except (OSError, ValueError):
            self.handleError(record)
