"""`state push` names the new store in the project file, whatever style that is written in."""

from pathlib import Path
from typing import Any

import pytest

from reconcile.manifests.yaml_edit import edit_values
from tests.cli.conftest import Project

TARGET = 'targets: {shop: {url: "URL", token: "${env:SHOP_TOKEN}"}}'
BLOCK = f"version: 1\nmanifests: [manifests]\n{TARGET}\n"


@pytest.fixture
def pushed(project: Project, tmp_path: Path) -> Project:
    """Return a project with a state, and the variable STORE with a store's URL."""
    project.fine("apply", "--auto-approve")
    project.env(STORE=f"file:{tmp_path / 'shared'}")
    return project


def push(project: Project, text: str, url: str = "${env:STORE}") -> tuple[str, str]:
    """Push with this project file; what was said, and the file afterwards."""
    file = project.folder / "reconcile.yaml"
    file.write_bytes(text.replace("URL", project.account.url).encode())
    said = project.fine("state", "push", url).splitlines()[-1]
    return said, file.read_bytes().decode().replace(project.account.url, "URL")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (
            f"{{version: 1, manifests: [manifests], {TARGET}}}\n",
            f'{{version: 1, manifests: [manifests], {TARGET}, store: "${{env:STORE}}"}}\n',
        ),
        (
            f"{{\n  version: 1,  # ours\n  manifests: [manifests],\n  {TARGET},  # last\n}}\n"
            "# end\n",
            "{\n  version: 1,  # ours\n  manifests: [manifests],\n  "
            f'{TARGET}, store: "${{env:STORE}}",  # last\n}}\n# end\n',
        ),
        (BLOCK.replace("\n", "\r\n"), f"{BLOCK}store: ${{env:STORE}}\n".replace("\n", "\r\n")),
        (BLOCK[:-1], f"{BLOCK}store: ${{env:STORE}}\n"),
    ],
    ids=["one line in braces", "lines in braces", "line ends of Windows", "no last line end"],
)
def test_the_rest_of_the_file_stays_as_it_is(pushed: Project, before: str, after: str) -> None:
    """The store is added, every other byte stays, and the next plan finds the state there."""
    said, written = push(pushed, before)
    assert said == "reconcile.yaml names it now."
    assert written == after
    pushed.env(RECONCILE_STATE_KEY="0123456789abcdef")
    assert "3 records are as declared" in pushed.fine("plan")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (f"{BLOCK}...\n", "the project file cannot be edited safely"),
        (
            BLOCK.replace("}}", "}, other: {sandbox: true}}\ntarget: shop"),
            "the project file has several targets",
        ),
    ],
    ids=["an end of the document", "two targets"],
)
def test_what_is_not_edited_is_said_with_the_line_to_write(
    pushed: Project, text: str, reason: str
) -> None:
    """The file stays as it is, and the message has the reason and the very line."""
    said, written = push(pushed, text)
    assert written == text
    assert said.startswith(f"reconcile.yaml was not changed: {reason}. Write as a line of its own")
    assert said.endswith(": store: ${env:STORE}")


def test_a_link_is_not_replaced(pushed: Project) -> None:
    """A project file that is a link within the project is left to whoever made it."""
    file = pushed.folder / "reconcile.yaml"
    real = pushed.folder / "real.yaml"
    file.rename(real)
    file.symlink_to(real)
    before = real.read_bytes()
    assert "was not changed" in pushed.fine("state", "push", "${env:STORE}")
    assert real.read_bytes() == before
    assert file.is_symlink()


def test_a_read_only_file_is_not_replaced(pushed: Project) -> None:
    """Whoever made it so does not expect another file in its place."""
    file = pushed.folder / "reconcile.yaml"
    file.chmod(0o444)
    said, written = push(pushed, BLOCK)
    assert written == BLOCK
    assert said.startswith("reconcile.yaml was not changed: the project file is read-only. Write")


def test_a_file_that_somebody_saves_meanwhile_is_not_replaced(
    pushed: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was saved stays, and the message has the line to write."""
    file = pushed.folder / "reconcile.yaml"

    def edited(*given: Any, **options: Any) -> bytes | None:
        file.write_bytes(file.read_bytes() + b"# mine\n")
        return edit_values(*given, **options)

    monkeypatch.setattr("reconcile.project.edit_file.edit_values", edited)
    said, written = push(pushed, BLOCK)
    assert written == f"{BLOCK}# mine\n"
    assert "was not changed: the project file was changed meanwhile. Write as a line" in said


def test_a_folder_is_never_named(pushed: Project, tmp_path: Path) -> None:
    """The project file takes no folder as its store, and the message says so."""
    said, written = push(pushed, BLOCK, f"file:{tmp_path / 'there'}")
    assert written == BLOCK
    assert said.startswith("A folder cannot be the store: of reconcile.yaml")
