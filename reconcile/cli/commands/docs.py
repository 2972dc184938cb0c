"""The command line of `reconcile docs`."""

import click


@click.command("docs")
@click.argument("topic", required=False)
def command(topic: str | None) -> None:
    """Show a page of the reference; without TOPIC, list the pages."""
    from reconcile.cli import docs

    docs.run(topic)
