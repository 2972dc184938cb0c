"""`reconcile docs`: the pages of ``reconcile/docs``, read from the installed package."""

import signal
import sys
from importlib.resources import files
from importlib.resources.abc import Traversable

import click

from reconcile.errors import UsageError
from reconcile.render.escaping import visible

_SUFFIX = ".md"


def run(topic: str | None) -> None:
    """Run `reconcile docs`. Raise UsageError if there is no such topic."""
    found = pages()
    if topic is None:
        _list(found)
        return
    if topic not in found:
        raise UsageError(
            f"there is no topic {visible(repr(topic))}", hint=_near(topic, sorted(found))
        )
    _show(found[topic].read_text(encoding="utf-8"))


def pages() -> dict[str, Traversable]:
    """Return the pages by topic."""
    folder = files("reconcile").joinpath("docs")
    return {
        page.name.removesuffix(_SUFFIX): page
        for page in folder.iterdir()
        if page.name.endswith(_SUFFIX)
    }


def summary(page: Traversable) -> str:
    """Return what a page's heading says after its title: ``# Title: summary``."""
    heading = page.read_text(encoding="utf-8").partition("\n")[0]
    return heading.partition(": ")[2]


def _list(found: dict[str, Traversable]) -> None:
    width = max(map(len, found))
    for topic, page in sorted(found.items()):
        click.echo(f"{topic:<{width}}  {summary(page)}")
    click.echo("\nShow a page with `reconcile docs TOPIC`.")


def _near(topic: str, topics: list[str]) -> str:
    """Return a hint with the topics that may have been meant, or else with all of them."""
    from difflib import get_close_matches  # noqa: PLC0415

    near = get_close_matches(topic.lower(), topics)
    near += [name for name in topics if topic and topic.lower() in name and name not in near]
    if near:
        return f"did you mean {' or '.join(near)}? `reconcile docs` lists all topics"
    return f"the topics are {', '.join(topics)}"


def _show(text: str) -> None:
    """Print a page; to a person at a terminal, through their pager."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        click.echo(text, nl=False)
        return
    # Ctrl-C belongs to the pager: if we ended first, it would be left reading a shell's keys.
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        click.echo_via_pager(text.removesuffix("\n"))
    finally:
        signal.signal(signal.SIGINT, before)
