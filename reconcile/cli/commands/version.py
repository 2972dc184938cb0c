"""`reconcile version`."""

import platform

import click

from reconcile import __version__


@click.command("version")
def command() -> None:
    """Show reconcile's version and the Python it runs on."""
    click.echo(f"reconcile {__version__} (Python {platform.python_version()})")
