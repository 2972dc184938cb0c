"""The command line: ``commands`` is what can be typed, and each module here carries one out."""

from reconcile.cli.main import main

__all__ = ["main"]
