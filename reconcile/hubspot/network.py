"""Why a host cannot be reached, and what to look at: the network and its proxies, not the token."""

import socket
import ssl
from collections.abc import Iterator
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from reconcile.errors import UsageError

_IF_NEEDED = "where this network needs a proxy, set HTTPS_PROXY"


def network_hint(error: BaseException, url: str, *, environment: bool) -> str:
    """Return what to look at after a connection to a URL failed, before anything was sent.

    ``environment`` says whether the machine's proxy settings count; they do not for this machine.
    """
    host = _host(url)
    proxy = _proxy(url) if environment else ""
    causes = list(_causes(error))
    if any(isinstance(one, ssl.SSLError) for one in causes):
        return _about_tls(host, causes)
    is_refused = any(isinstance(one, ConnectionRefusedError) for one in causes)
    is_unknown = any(isinstance(one, socket.gaierror) for one in causes)
    if not environment:
        return f"does a server run at {host}? `reconcile sandbox serve` starts one"
    if proxy:
        unknown = "; its name cannot be resolved" if is_unknown else ""
        return (
            f"{host} is reached through the proxy {proxy}{unknown}: check that it runs, and "
            "HTTPS_PROXY, which names it"
        )
    if is_unknown:
        return f"the name {host} cannot be resolved: check the network and its DNS; {_IF_NEEDED}"
    if is_refused:
        return f"{host} refused the connection: check the network and its firewall; {_IF_NEEDED}"
    return f"check that this machine's network reaches {host}; {_IF_NEEDED}"


def proxy_hint(url: str) -> str:
    """Return what to look at after a proxy refused to connect to a URL."""
    return (
        f"the proxy {_proxy(url) or 'of this network'} does not connect to {_host(url)}: check "
        "HTTPS_PROXY, with the name and password in it, and what the proxy lets through"
    )


def unusable_proxy() -> UsageError:
    """Return the error of a proxy by whose URL nothing can be reached."""
    return UsageError(
        "the proxy that this machine's settings name cannot be used",
        hint="HTTPS_PROXY, or ALL_PROXY, is http://HOST:PORT or https://HOST:PORT; a SOCKS proxy "
        "needs the Python package socksio",
    )


def unusable_certificates(error: OSError) -> UsageError:
    """Return the error of trusted certificates that cannot be read."""
    return UsageError(
        f"the certificates that SSL_CERT_FILE names cannot be read: {error.strerror or error}",
        hint="it is a file of certificates in PEM form; without it those of the program count",
    )


def is_untrusted(error: BaseException) -> bool:
    """Whether the host's certificate was refused, so that asking again cannot help."""
    return any(isinstance(one, ssl.SSLCertVerificationError) for one in _causes(error))


def _about_tls(host: str, causes: list[BaseException]) -> str:
    if any(isinstance(one, ssl.SSLCertVerificationError) for one in causes):
        return (
            f"the certificate that came for {host} is not trusted: a proxy or firewall of this "
            "network may read the traffic; if it should, set SSL_CERT_FILE to its certificates"
        )
    return (
        f"what answers for {host} does not speak TLS as it should: a proxy or firewall of this "
        "network may stand between; check HTTPS_PROXY"
    )


def _causes(error: BaseException) -> Iterator[BaseException]:
    seen: BaseException | None = error
    while seen is not None:
        yield seen
        seen = seen.__cause__ or seen.__context__


def _host(url: str) -> str:
    """The host, with its port where the URL gives one. Never a name or password."""
    return urlsplit(url).netloc.rpartition("@")[2]


def _proxy(url: str) -> str:
    """The proxy that the machine's settings name for a URL; empty where they name none."""
    parts, proxies = urlsplit(url), getproxies()
    found = proxies.get(parts.scheme) or proxies.get("all") or ""
    if not found or proxy_bypass(parts.hostname or ""):
        return ""
    return _host(found) or found.rpartition("@")[2]
