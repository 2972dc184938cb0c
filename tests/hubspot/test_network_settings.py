"""Settings of the machine's network that cannot be used: named, and no failure of the program."""

from pathlib import Path

import pytest

from reconcile.errors import UsageError
from reconcile.hubspot.client import HubSpot

PROXIES = ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "NO_PROXY")


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """The machine's own settings do not count."""
    for name in (*PROXIES, "SSL_CERT_FILE", "SSL_CERT_DIR"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


def refused() -> UsageError:
    """Reach for an account on a host of the network."""
    with pytest.raises(UsageError) as caught, HubSpot("https://nobody.invalid", "pat-na1-x") as one:
        one.account()
    return caught.value


@pytest.mark.parametrize("name", ["HTTPS_PROXY", "ALL_PROXY"])
@pytest.mark.parametrize("url", ["ftp://ana:s3cret@proxy:1", "http://ana:s3cret@[::1"])
def test_a_proxy_that_is_none_is_said_to_be_unusable(
    monkeypatch: pytest.MonkeyPatch, name: str, url: str
) -> None:
    """What is secret in its URL stays secret."""
    monkeypatch.setenv(name, url)
    error = refused()
    assert "the proxy in this machine's settings cannot be used" in str(error)
    assert "HTTPS_PROXY" in error.hint
    assert "s3cret" not in f"{error}{error.hint}"


def test_certificates_that_are_not_there_are_said_to_be_missing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A file of something else is not one of certificates either."""
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "missing.pem"))
    missing = refused()
    (tmp_path / "notes.txt").write_text("no certificate", encoding="utf-8")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "notes.txt"))
    for error in (missing, refused()):
        assert "the certificates in SSL_CERT_FILE cannot be read" in str(error)


def test_the_settings_do_not_count_for_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """A sandbox can be reached whatever they are."""
    monkeypatch.setenv("HTTPS_PROXY", "ftp://proxy:1")
    monkeypatch.setenv("SSL_CERT_FILE", "/nowhere/at/all.pem")
    HubSpot("http://127.0.0.1:1", "pat-na1-x").close()
