"""The names of this machine, to which requests may go without TLS."""

LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
"""As URLs have them. Other addresses of this machine are more likely mistakes."""


def is_loopback(host: str | None) -> bool:
    """Return whether a URL's host, without the brackets of an address, is this machine."""
    return host is not None and (host in LOOPBACK or f"[{host}]" in LOOPBACK)
