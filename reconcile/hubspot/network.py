"""Explain why a host cannot be reached: hints about the network and its proxies."""

import socket
import ssl
from collections.abc import Iterator
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from reconcile.errors import UsageError

_IF_NEEDED = "where this network needs a proxy, set HTTPS_PROXY"


def network_hint(error: BaseException, url: str, *, environment: bool) -> str:
    """Return a hint about a connection to a URL that failed before anything was sent.

    ``environment`` says whether the machine's proxy settings apply; they do not for loopback.
    """
    host = _host(url)
    proxy = _proxy(url) if environment else ""
    causes = list(_causes(error))
    if any(isinstance(one, ssl.SSLError) for one in causes):
        return _about_tls(host, causes)
    is_refused = any(isinstance(one, ConnectionRefusedError) for one in causes)
    is_unknown = any(isinstance(one, socket.gaierror) for one in causes)
    if not environment:
        return f"is a server running at {host}? `reconcile sandbox serve` starts one"
    if proxy:
        unknown = "; its name cannot be resolved" if is_unknown else ""
        return (
            f"{host} is reached through the proxy {proxy}{unknown}: check that it is running "
            "and that HTTPS_PROXY is correct"
        )
    if is_unknown:
        return f"the name {host} cannot be resolved: check the network and its DNS; {_IF_NEEDED}"
    if is_refused:
        return f"{host} refused the connection: check the network and its firewall; {_IF_NEEDED}"
    return f"check that this machine's network reaches {host}; {_IF_NEEDED}"


def proxy_hint(url: str) -> str:
    """Return a hint about a proxy that refused to connect to a URL."""
    return (
        f"the proxy {_proxy(url) or 'of this network'} does not connect to {_host(url)}: check "
        "HTTPS_PROXY, including the user name and password in it, and what the proxy allows"
    )


def unusable_proxy() -> UsageError:
    """Return the error for a proxy URL that cannot be used."""
    return UsageError(
        "the proxy in this machine's settings cannot be used",
        hint="set HTTPS_PROXY or ALL_PROXY to http://HOST:PORT or https://HOST:PORT; a SOCKS proxy "
        "needs the Python package socksio",
    )


def unusable_certificates(error: OSError) -> UsageError:
    """Return the error for trusted certificates that cannot be read."""
    return UsageError(
        f"the certificates in SSL_CERT_FILE cannot be read: {error.strerror or error}",
        hint="set it to a file of PEM certificates, or unset it to use the built-in certificates",
    )


def is_untrusted(error: BaseException) -> bool:
    """Return whether the host's certificate was refused, so that a retry cannot help."""
    return any(isinstance(one, ssl.SSLCertVerificationError) for one in _causes(error))


def _about_tls(host: str, causes: list[BaseException]) -> str:
    if any(isinstance(one, ssl.SSLCertVerificationError) for one in causes):
        return (
            f"the certificate received for {host} is not trusted: a proxy or firewall of this "
            "network may inspect the traffic; if so, set SSL_CERT_FILE to its certificates"
        )
    return (
        f"the TLS connection to {host} failed: a proxy or firewall of this network may be in "
        "between; check HTTPS_PROXY"
    )


def _causes(error: BaseException) -> Iterator[BaseException]:
    seen: BaseException | None = error
    while seen is not None:
        yield seen
        seen = seen.__cause__ or seen.__context__


def _host(url: str) -> str:
    """Return the host, with its port if the URL has one, without user name and password."""
    return urlsplit(url).netloc.rpartition("@")[2]


def _proxy(url: str) -> str:
    """Return the proxy in the machine's settings for a URL; empty if there is none."""
    parts, proxies = urlsplit(url), getproxies()
    found = proxies.get(parts.scheme) or proxies.get("all") or ""
    if not found or proxy_bypass(parts.hostname or ""):
        return ""
    return _host(found) or found.rpartition("@")[2]
