"""Files that are replaced: as a whole, and durably."""

import errno
import os
from pathlib import Path

import pytest

from reconcile.atomic_files import atomic_write


def test_content_and_name_are_flushed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """First the new content, and after the rename the folder: so a crash cannot undo it."""
    path = tmp_path / "reconcile.yaml"
    path.write_bytes(b"old")
    flushed: list[tuple[Path, bytes]] = []
    fsync = os.fsync

    def watched(descriptor: int) -> None:
        flushed.append((Path(f"/proc/self/fd/{descriptor}").readlink(), path.read_bytes()))
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", watched)
    with atomic_write(path, mode=0o640) as file:
        file.write(b"new")
    assert [(one.parent, content) for one, content in flushed] == [
        (tmp_path, b"old"),
        (tmp_path.parent, b"new"),
    ]
    assert flushed[1][0] == tmp_path
    assert (path.read_bytes(), path.stat().st_mode & 0o777) == (b"new", 0o640)


def test_a_failed_write_leaves_the_former_content(tmp_path: Path) -> None:
    """And no temporary file."""
    path = tmp_path / "reconcile.yaml"
    path.write_bytes(b"old")
    with pytest.raises(LookupError), atomic_write(path) as file:
        file.write(b"new")
        raise LookupError
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("links", [True, False])
def test_a_new_file_replaces_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, links: bool
) -> None:
    """Not even a link to nothing; also on a disk without hard links."""

    def refuse(*_: object) -> None:
        raise OSError(errno.EPERM, os.strerror(errno.EPERM))

    if not links:
        monkeypatch.setattr(Path, "hardlink_to", refuse)
    path = tmp_path / "orders.yaml"
    with atomic_write(path, mode=0o644, new=True) as file:
        file.write(b"first")
    assert path.stat().st_mode & 0o777 == 0o644
    (tmp_path / "link").symlink_to("nowhere")
    for there in (path, tmp_path / "link"):
        with pytest.raises(FileExistsError), atomic_write(there, new=True) as file:
            file.write(b"second")
    assert path.read_bytes() == b"first"
    assert {one.name for one in tmp_path.iterdir()} == {"orders.yaml", "link"}
