"""Former names of options and settings: they work for one more minor version, and warn."""

from collections.abc import Callable

import pytest

from reconcile import __version__, deprecations
from reconcile.deprecations import OPTIONS, SETTINGS, Deprecation
from reconcile.model.versions import Release
from tests.cli.conftest import PROJECT, Project

NEXT = "999.1.0"

Deprecate = Callable[..., None]


@pytest.fixture
def deprecate(monkeypatch: pytest.MonkeyPatch) -> Deprecate:
    """Return what makes former names known."""

    def make(*, options: tuple[str, str] = ("", ""), settings: tuple[str, str] = ("", "")) -> None:
        for name, (old, new) in (("OPTIONS", options), ("SETTINGS", settings)):
            made = (Deprecation(old, new, "999.0.4"),) if old else ()
            monkeypatch.setattr(deprecations, name, made)

    return make


def test_what_was_to_be_removed_is_removed() -> None:
    """This fails with the version number with which an entry's time is up."""
    now = Release.parse(__version__)
    assert [one for one in (*OPTIONS, *SETTINGS) if one.removed_in <= now] == []


def test_the_time_of_a_former_name_is_one_minor_version() -> None:
    """It is removed in the minor version after the one that began to warn."""
    assert str(Deprecation("a", "b", "0.3.7").removed_in) == "0.4.0"
    assert Release.parse("0.10.0") > Release.parse("0.9.2") > Release.parse("0.9.0rc1")


def test_a_former_option_works_and_warns(reader: Project, deprecate: Deprecate) -> None:
    """One line on stderr says what to write instead, and until when."""
    plain = reader.fine("state", "list")
    deprecate(options=("state list --for", "state list --target"))
    for typed in (("--for", "shop"), ("--for=shop",)):
        done = reader.run("state", "list", *typed)
        assert (done.code, done.out) == (0, plain)
        assert done.err.splitlines()[0] == (
            f"warning: state list --for is deprecated and will be removed in reconcile {NEXT}: "
            "use state list --target"
        )


def test_only_the_command_that_had_the_option_takes_it(
    reader: Project, deprecate: Deprecate
) -> None:
    """Other commands may use its name for something else, and after ``--`` it is no option."""
    deprecate(options=("state list --for", "state list --target"))
    for typed in (("plan", "--for", "shop"), ("state", "list", "--", "--for")):
        done = reader.run(*typed)
        assert done.code == 1
        assert "deprecated" not in done.err


def test_an_option_without_a_successor_still_works(reader: Project, deprecate: Deprecate) -> None:
    """The warning says to leave it out."""
    deprecate(options=("validate --json", ""))
    done = reader.run("validate", "--json")
    assert done.out.startswith('{"format_version"')
    assert done.err.endswith(f"will be removed in reconcile {NEXT}: leave it out\n")


@pytest.mark.parametrize("path", ["key", "targets.*.key"])
def test_a_former_setting_works_and_warns(reader: Project, deprecate: Deprecate, path: str) -> None:
    """In the file itself, and in its targets."""
    name = "manifests" if path == "key" else "token"
    deprecate(settings=(path, path.replace("key", name)))
    reader.settings(PROJECT.replace(f"{name}: ", "key: "))
    done = reader.run("validate")
    assert done.code == 0
    assert done.err.splitlines() == [
        f"warning: {path} is deprecated and will be removed in reconcile {NEXT}: "
        f"use {path.replace('key', name)}"
    ]


def test_a_setting_under_both_names_is_a_problem(reader: Project, deprecate: Deprecate) -> None:
    """Nobody can know which one is meant."""
    deprecate(settings=("folders", "manifests"))
    reader.settings("folders: [a]\n" + PROJECT)
    done = reader.run("validate")
    assert done.code == 1
    assert "reconcile.yaml:1:1: 'folders' is the former name of 'manifests'" in done.err
