"""The README and the reference: they name every command and option, and nothing else.

Their console blocks run as shown, their links lead somewhere, and their manifests load.
"""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from tests.cli.conftest import SCRIPT
from tests.cli.console_blocks import environment, replay
from tests.cli.test_help import ALL

ROOT = Path(__file__).resolve().parents[2]
README = ROOT / "README.md"
DOCS = ROOT / "reconcile" / "docs"
TEXTS = {page.stem: page.read_text(encoding="utf-8") for page in sorted(DOCS.glob("*.md"))}
"""The pages of the reference by topic."""

BOTH = {"README": README.read_text(encoding="utf-8"), **TEXTS}
FILES = {"README": README, **{topic: DOCS / f"{topic}.md" for topic in TEXTS}}

LEAVES = [
    (path.partition(" ")[2], command)
    for path, command in ALL
    if not isinstance(command, click.Group)
]
"""Every command that does something, as it is typed after ``reconcile``."""

EVERYWHERE = {"--target"}
"""Options that the page on commands explains once, for all commands."""

OF_A_CHECKOUT = {"--fast", "--hooks", "--runs", "--store"}
"""Options of other programs than reconcile that the pages name."""

SMALLEST = "version: 1\ntargets: {local: {sandbox: true}}\nmanifests: [manifests]\n"

in_both = pytest.mark.parametrize("name", BOTH)
in_reference = pytest.mark.parametrize("topic", TEXTS)


def options_of(command: click.Command) -> set[str]:
    """Return the long options of a command, ``--help`` left out."""
    return {
        name
        for parameter in command.params
        if isinstance(parameter, click.Option)
        for name in parameter.opts
        if name.startswith("--")
    }


OPTIONS = {path: options_of(command) for path, command in ALL}


def long_options(text: str) -> set[str]:
    """Return what looks like a long option in a text."""
    return set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", text))


def blocks(text: str, kinds: str) -> list[str]:
    """Return the fenced blocks of some kinds: ``sh|console``."""
    return re.findall(rf"^```(?:{kinds})\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL)


def prose(text: str) -> str:
    """Return a page without its fenced blocks."""
    return re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)


def calls(text: str) -> Iterator[tuple[str, str]]:
    """Return each call of reconcile in a page's code, with the path of the command it names."""
    typed = re.findall(
        r"^(?:\$ )?(reconcile .*)$", "".join(blocks(text, "sh|console")), re.MULTILINE
    )
    for line in (*typed, *re.findall(r"`(reconcile [^`]+)`", prose(text))):
        path = "reconcile"
        for word in re.sub(r" -C \S+", "", line.partition(" #")[0]).split()[1:]:
            if f"{path} {word}" not in OPTIONS:
                break
            path += f" {word}"
        yield path, line


def anchors(text: str) -> set[str]:
    """Return the names that GitHub gives to a page's headings."""
    headings = re.findall(r"^#+ (.+)$", prose(text), flags=re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def links(text: str) -> list[tuple[str, str]]:
    """Return the targets of a page's links, each as path and anchor."""
    targets = re.findall(r"\]\(([^)\s]+)\)", prose(text))
    return [(path, anchor) for path, _, anchor in (target.partition("#") for target in targets)]


def sections() -> dict[str, str]:
    """Return the sections of the page on commands, by the command that each is about."""
    parts = re.split(r"^## `(.+)`$", TEXTS["commands"], flags=re.MULTILINE)[1:]
    names = [re.match(r"[a-z ]*[a-z]", heading) for heading in parts[::2]]
    return {name[0]: text for name, text in zip(names, parts[1::2], strict=True) if name}


def test_every_command_has_its_section() -> None:
    """The page on commands has one section for every command, and no other section."""
    assert TEXTS["commands"].count("\n## ") == len(LEAVES)
    assert set(sections()) == {name for name, _ in LEAVES}


@pytest.mark.parametrize(("name", "command"), LEAVES, ids=[name for name, _ in LEAVES])
def test_every_option_is_in_its_section(name: str, command: click.Command) -> None:
    """The section of a command names each of its options, and lists no others."""
    section, own = sections()[name], options_of(command) - EVERYWHERE
    assert own <= long_options(section)
    assert set(re.findall(r"^- `(--[a-z-]+)", section, flags=re.MULTILINE)) <= own


def test_options_of_every_command_are_documented() -> None:
    """The page on commands names those options too that belong to no section."""
    assert EVERYWHERE | OPTIONS["reconcile"] <= long_options(TEXTS["commands"])


@in_both
def test_what_is_called_exists(name: str) -> None:
    """What a page calls is a command of reconcile, and has the options that it is called with."""
    for path, line in calls(BOTH[name]):
        known = OPTIONS[path] | OPTIONS["reconcile"] | {"--help"}
        assert long_options(line) <= known, line
        assert path != "reconcile" or re.fullmatch(r"reconcile( --version)?", line), line


@in_both
def test_no_option_is_made_up(name: str) -> None:
    """Every option that a page names is one that there is."""
    known = set().union(*OPTIONS.values()) | OF_A_CHECKOUT | {"--help"}
    assert long_options(prose(BOTH[name])) <= known


def test_every_exit_code_is_documented() -> None:
    """The page on exit codes has a line for each from 0 to 6, and for no other."""
    codes = re.findall(r"^\| (\d+) \|", TEXTS["exit-codes"], flags=re.MULTILINE)
    assert codes == list("0123456")


@in_both
def test_no_exit_code_is_made_up(name: str) -> None:
    """Every exit code that a page speaks of is one of those."""
    assert set(re.findall(r"(?i)\bexit\w*(?: with| code)?\s+(\d+)", BOTH[name])) <= set("0123456")


@in_both
def test_links_lead_somewhere(name: str) -> None:
    """Every link leads to a file of the repository, and to a heading in it if it names one."""
    for path, anchor in links(BOTH[name]):
        file = FILES[name].parent / path if path else FILES[name]
        assert file.is_file(), path
        assert not anchor or anchor in anchors(file.read_text(encoding="utf-8")), (path, anchor)


@in_reference
def test_pages_link_to_what_is_installed_with_them(topic: str) -> None:
    """A page of the reference links only to files of the package."""
    for path, _ in links(TEXTS[topic]):
        assert (DOCS / path).resolve().is_relative_to(DOCS.parent), path


@in_reference
def test_pages_fit_a_terminal(topic: str) -> None:
    """A page is ASCII in 80 columns, so that every terminal and pager can show it."""
    assert TEXTS[topic].isascii()
    assert [line for line in TEXTS[topic].splitlines() if len(line) > 80] == []


@in_reference
def test_pages_begin_with_what_they_are_for(topic: str) -> None:
    """A page has a title with a summary, and below it a sentence on what it is for."""
    assert re.match(r"# [A-Z][A-Za-z ]+: [^\n]+[^.\n]\n\n[A-Z]", TEXTS[topic])


def readme_rows() -> list[tuple[str, str]]:
    """Return the pages that the README lists, each with its topic and summary."""
    rows = re.findall(r"^\| \[([a-z-]+)\]\((\S+)\) \| (.+) \|$", BOTH["README"], re.MULTILINE)
    assert [path for _, path, _ in rows] == [f"reconcile/docs/{topic}.md" for topic, *_ in rows]
    return [(topic, summary) for topic, _, summary in rows]


def test_readme_lists_every_page() -> None:
    """The README has every page with the summary in its heading."""
    assert sorted(readme_rows()) == [
        (topic, text.partition("\n")[0].partition(": ")[2]) for topic, text in TEXTS.items()
    ]


def test_readme_fits_on_three_screens() -> None:
    """The README has at most 150 lines, which are at most 110 characters long."""
    lines = BOTH["README"].splitlines()
    assert len(lines) <= 150
    assert [line for line in lines if len(line) > 110] == []


@pytest.mark.parametrize("topic", [topic for topic, text in TEXTS.items() if blocks(text, "yaml")])
def test_manifests_and_project_files_are_valid(topic: str, tmp_path: Path) -> None:
    """Every YAML block is a project file, or a manifest or defaults of it, without a problem."""
    found = blocks(TEXTS[topic], "yaml")
    defaults = [block for block in found if block.startswith("kind: defaults")]
    for number, block in enumerate(one for one in found if one not in defaults):
        is_project = block.startswith("version:")
        folder = tmp_path / str(number)
        (folder / "manifests").mkdir(parents=True)
        (folder / "reconcile.yaml").write_text(block if is_project else SMALLEST)
        manifest = "kind: order\nkey: A-1\n" if is_project else block
        (folder / "manifests" / "page.yaml").write_text(manifest)
        if defaults:
            (folder / "manifests" / "defaults.yaml").write_text("---\n".join(defaults))
        done = subprocess.run(
            [SCRIPT, "validate"], cwd=folder, env=environment(), capture_output=True, check=False
        )
        assert (done.returncode, done.stderr) == (0, b"")


def test_first_manifest_becomes_the_plan_below_it(tmp_path: Path) -> None:
    """The README's first manifest is planned as the block below it shows."""
    (manifest,), shown = blocks(BOTH["README"], "yaml"), blocks(BOTH["README"], "text")[0]
    (tmp_path / "manifests").mkdir()
    (tmp_path / "manifests" / "shop.yaml").write_text(manifest, encoding="utf-8")
    (tmp_path / "reconcile.yaml").write_text(SMALLEST)
    text = "$ reconcile init --auto-approve\n...\n$ reconcile plan\n...\n" + shown + "...\n"
    replay(f"```console\n{text}```\n", tmp_path, "README")


@pytest.mark.parametrize("name", [name for name, text in BOTH.items() if blocks(text, "console")])
def test_console_blocks_run_as_shown(name: str, tmp_path: Path) -> None:
    """Every console block of a page does what it shows, one after another."""
    replay(BOTH[name], tmp_path, name)
