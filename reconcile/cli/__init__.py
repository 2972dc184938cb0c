"""The command line: ``commands`` declares options and help; the modules here run commands."""

from reconcile.cli.main import main

__all__ = ["main"]
