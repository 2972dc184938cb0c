"""`reconcile docs`: the pages of ``reconcile/docs``, read from the installed package."""

import re
import signal
import sys
from importlib.resources import files

import click

from reconcile.errors import UsageError
from reconcile.render.escaping import visible

TOPICS = (
    "manifests",
    "project",
    "commands",
    "plans",
    "exit-codes",
    "identity",
    "stores",
    "audit",
    "crashes",
    "ci",
    "github",
    "sandbox",
    "calls",
    "speed",
    "python",
    "compatibility",
)
"""The pages, in the order to read them in."""

_LINK = re.compile(r"\[([^]]+)\]\((?:([a-z-]+)\.md)?[^)\s]*\)")
"""A link of Markdown: its text, and the topic that it leads to if that is a page."""


def run(topic: str | None) -> None:
    """Run `reconcile docs`. Raise UsageError if there is no such topic."""
    if topic is None:
        _list()
    elif topic in TOPICS:
        _show(as_commands(_page(topic)))
    else:
        raise UsageError(f"there is no topic {visible(repr(topic))}", hint=_near(topic))


def as_commands(text: str) -> str:
    """Return a page with each link to another page replaced by the command that shows it."""
    return _LINK.sub(_command, text)


def _command(link: re.Match[str]) -> str:
    text, topic = link[1], link[2]
    if not topic:
        return text
    command = f"`reconcile docs {topic}`"
    return command if text.lower() == topic else f"{text} ({command})"


def _page(topic: str) -> str:
    return files("reconcile").joinpath("docs", f"{topic}.md").read_text(encoding="utf-8")


def _list() -> None:
    width = max(map(len, TOPICS))
    for topic in TOPICS:
        heading = _page(topic).partition("\n")[0]
        click.echo(f"{topic:<{width}}  {heading.partition(': ')[2]}")
    click.echo("\nShow a page with `reconcile docs TOPIC`.")


def _near(topic: str) -> str:
    """Return a hint with the topics that may have been meant, or else with all of them."""
    from difflib import get_close_matches  # noqa: PLC0415

    near = get_close_matches(topic.lower(), TOPICS)
    near += [name for name in TOPICS if topic and topic.lower() in name and name not in near]
    if near:
        return f"did you mean {' or '.join(near)}? `reconcile docs` lists all topics"
    return f"the topics are {', '.join(TOPICS)}"


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
