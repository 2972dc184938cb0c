"""Notices about long waits, and warnings about what is deprecated, on stderr."""

import logging
import os

import click

from reconcile import call_watchdog, deprecations


def show_notices() -> None:
    """Print notices and warnings from now on, whichever thread logs them."""
    for name in (call_watchdog.LOGGER, deprecations.LOGGER):
        logger = logging.getLogger(name)
        logger.setLevel(logging.INFO)
        logger.propagate = False
        logger.handlers = [_OnStderr()]


class _OnStderr(logging.Handler):
    """A handler that looks stderr up for each line: a progress bar replaces it."""

    def emit(self, record: logging.LogRecord) -> None:
        """Print one line, escaped: it can quote a server."""
        from reconcile.render.escaping import line_start, mask, visible  # noqa: PLC0415

        try:
            text = record.getMessage()
            text = f"warning: {text}" if record.levelno >= logging.WARNING else text
            text = mask(text) if os.environ.get("CI") else text
            click.echo(line_start(visible(text)), err=True)
        except (OSError, ValueError):
            self.handleError(record)
