"""A store by its URL."""

import subprocess
import sys
from pathlib import Path

import pytest

from reconcile.errors import UsageError
from reconcile.stores import store_urls
from reconcile.stores.local import LocalStore
from reconcile.stores.objects import ObjectStore
from reconcile.stores.postgres import PostgresStore
from reconcile.stores.store_urls import is_local, open_store


@pytest.mark.parametrize(
    ("url", "where"),
    [
        ("", "{home}"),
        ("file:", "{home}"),
        ("file:other", "{cwd}/other/shop"),
        ("file:///srv/state", "/srv/state/shop"),
        ("s3://bucket", "s3://bucket/shop"),
        ("s3://my.bucket-1/team/x/", "s3://my.bucket-1/team/x/shop"),
        ("az://container/team", "az://container/team/shop"),
        ("postgresql://ana:pw@db.example:5433/state", "postgresql://db.example:5433/state (shop)"),
        ("postgresql://", "postgresql:/// (shop)"),
        ("postgres:///state", "postgresql:///state (shop)"),
    ],
)
def test_each_target_has_its_own_part(
    url: str, where: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By its name; opening reaches nothing and makes nothing."""
    monkeypatch.setenv("AZURE_STORAGE_ACCOUNT_NAME", "account")
    home = tmp_path / "state" / "shop"
    store = open_store(url, home)
    assert store.where == where.format(home=home, cwd=Path.cwd())
    assert is_local(url) == isinstance(store, LocalStore)
    assert isinstance(store, LocalStore | ObjectStore | PostgresStore)
    assert list(tmp_path.iterdir()) == []
    store.close()


@pytest.mark.parametrize(
    ("url", "what"),
    [
        ("ftp://s3cret@host/x", "unknown scheme"),
        ("s3cret", "unknown scheme"),
        ("file://host/x", "names a host"),
        ("s3://", "name of an S3 bucket"),
        ("s3:bucket", "name of an S3 bucket"),
        ("s3://key:s3cret@bucket/x", "name of an S3 bucket"),
        ("s3://bucket:9000/x", "name of an S3 bucket"),
        ("s3://bucket/x?endpoint=http://s3cret.example", "name of an S3 bucket"),
        ("s3://bucket/x#s3cret", "name of an S3 bucket"),
        ("s3://bucket/../other", "name of an S3 bucket"),
        ("s3://bucket/a b", "name of an S3 bucket"),
        ("s3://[bucket/x", "name of an S3 bucket"),
        ("s3://ab/x", "name of an S3 bucket"),
        ("gs://Bucket/x", "name of a Google bucket"),
        ("az://container/x?sig=s3cret", "name of an Azure container"),
    ],
)
def test_a_url_that_cannot_be_one_is_refused(url: str, what: str, tmp_path: Path) -> None:
    """Without saying it again: it may hold a secret."""
    with pytest.raises(UsageError, match=what) as caught:
        open_store(url, tmp_path / "shop")
    assert "s3cret" not in f"{caught.value} {caught.value.hint}"


def test_the_rule_for_a_name_is_in_the_hint(tmp_path: Path) -> None:
    """A bucket whose name is too short looks like a URL of the right form."""
    with pytest.raises(UsageError) as caught:
        open_store("s3://b/p", tmp_path / "shop")
    assert "a name has 3 or more characters, of a-z, 0-9, " in caught.value.hint


@pytest.mark.parametrize(
    ("url", "library", "extra"),
    [
        ("s3://bucket", "obstore", "objects"),
        ("postgresql://host/state", "psycopg", "postgres"),
    ],
)
def test_what_is_not_installed_is_named(
    url: str, library: str, extra: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the extra that brings it."""
    monkeypatch.setattr(store_urls, "find_spec", lambda name: None)
    with pytest.raises(UsageError, match=f"needs {library}") as caught:
        open_store(url, tmp_path / "shop")
    assert caught.value.hint == (
        f"install reconcile with its extra `{extra}`; in a clone of it: pip install '.[{extra}]'"
    )


def test_libraries_of_shared_stores_are_imported_when_needed() -> None:
    """A local store works without them, and starts no slower."""
    script = (
        "import sys, pathlib\n"
        "from reconcile.stores.store_urls import open_store\n"
        "open_store('', pathlib.Path('x'))\n"
        "sys.exit(any(name in sys.modules for name in ('obstore', 'psycopg')))"
    )
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0
