"""Which addresses we may call: public ones over https, and anything a developer runs on his own machine.

A shop's address is typed in by a stranger, so it is checked twice: when it is entered (``guard_url``) and on every
connection, where the peer we really reached counts and not what the name said a moment ago (DNS rebinding).
"""

from __future__ import annotations

import ipaddress
import socket
from typing import Any
from urllib.parse import SplitResult, urlsplit, urlunsplit

from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from connectors.errors import ConnectorError, ForbiddenHost

# Public by number, yet only reachable from inside one cloud: its wire server answers with machine secrets.
METADATA = {ipaddress.ip_address("168.63.129.16")}
NAT64 = ipaddress.ip_network("64:ff9b::/96")
RETRY_DNS_SECONDS = 60.0
MAX_URL = 2000
DELIVERY_PORTS = {80, 443, 8080}


def is_public(address: str) -> bool:
    """True where the IP ``address`` (text, a zone such as ``%eth0`` allowed) is one of the open internet."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        inner = ip.ipv4_mapped or ip.sixtofour
        if ip in NAT64:
            inner = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
        if inner is not None:
            return is_public(str(inner))
    return ip.is_global and not ip.is_multicast and ip not in METADATA


def guard_url(url: str, *, allow_private: bool, resolve: bool = True) -> str:
    """The normalised address (scheme, host, port and path without a final slash; no query), safe to call.

    ``allow_private`` (development only) lets plain http, any port and private networks pass. ``resolve=False`` leaves
    out the look-up of the name: every connection checks its peer anyway. Raises ``ForbiddenHost`` with a sentence for
    the owner, or ``ConnectorError`` (code ``dns``) where the name is unknown.
    """
    parts = _split(url)
    host = _host(parts)
    port = _port(parts)
    if not allow_private:
        _refuse_insecure(parts.scheme, host, port)
    if resolve:
        addresses = look_up(host, port or (443 if parts.scheme == "https" else 80))
        if not allow_private and not all(is_public(address) for address in addresses):
            raise ForbiddenHost(f"{host} is on a private network. Enter the address that visitors of the shop use.")
    shown = f"[{host}]" if ":" in host else host
    netloc = shown if port in (None, 443 if parts.scheme == "https" else 80) else f"{shown}:{port}"
    return urlunsplit((parts.scheme, netloc, parts.path.rstrip("/"), "", ""))


def undeliverable(url: str) -> str:
    """Why WordPress would never deliver to ``url``, though it takes the webhook all the same; empty where it would."""
    parts = urlsplit(url)
    host = parts.hostname or "localhost"
    try:
        public = is_public(host)
    except ValueError:
        public = "." in host and not host.endswith((".localhost", ".local", ".internal"))
    if not public:
        return "Shops deliver to public addresses only. Set PUBLIC_URL to the one under which they reach us."
    known = parts.port is None or parts.port in DELIVERY_PORTS
    return "" if known else f"Shops deliver to ports 80, 443 and 8080 only, not to {parts.port}."


def look_up(host: str, port: int) -> list[str]:
    """All IP addresses of ``host``. Raises ``ConnectorError`` where there is none."""
    try:
        return sorted({str(entry[4][0]) for entry in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)})
    except (OSError, UnicodeError) as error:
        raise ConnectorError(
            f"There is no computer called {host}. Check the spelling of the address.",
            code="dns",
            retry_after=RETRY_DNS_SECONDS,
        ) from error


def _split(url: str) -> SplitResult:
    text = url.strip()
    if not text or len(text) > MAX_URL or any(ord(char) <= 32 or ord(char) == 127 for char in text) or "\\" in text:
        raise ForbiddenHost("That is not an address. It looks like https://shop.example.")
    if "://" not in text:
        text = f"https://{text}"
    try:
        parts = urlsplit(text)
    except ValueError as error:
        raise ForbiddenHost("That is not an address. It looks like https://shop.example.") from error
    if parts.scheme not in ("http", "https"):
        raise ForbiddenHost("The address must begin with https://.")
    if "@" in parts.netloc:
        raise ForbiddenHost("The address holds a user name. Leave out everything up to the @.")
    return parts


def _host(parts: SplitResult) -> str:
    try:
        host = (parts.hostname or "").rstrip(".").lower()
        return host if ":" in host else host.encode("idna").decode("ascii") or _no_host()
    except UnicodeError:
        return _no_host()


def _no_host() -> str:
    raise ForbiddenHost("The address names no host. It looks like https://shop.example.")


def _port(parts: SplitResult) -> int | None:
    try:
        return parts.port
    except ValueError as error:
        raise ForbiddenHost("The port in the address is not a number between 1 and 65535.") from error


def _refuse_insecure(scheme: str, host: str, port: int | None) -> None:
    if scheme != "https":
        raise ForbiddenHost("The address must begin with https://, so that the keys travel encrypted.")
    if port not in (None, 443):
        raise ForbiddenHost(f"Port {port} is not one a public shop answers on. Leave it out.")
    try:
        public = is_public(host)
    except ValueError:
        return  # A name, not a number: looked up later.
    if not public:
        raise ForbiddenHost(f"{host} is on a private network. Enter the address that visitors of the shop use.")


def _check_peer(connection: socket.socket) -> socket.socket:
    peer = str(connection.getpeername()[0])
    if not is_public(peer):
        connection.close()
        raise ForbiddenHost(f"The shop's name leads to {peer}, which is on a private network.")
    return connection


class _PublicHttp(HTTPConnection):
    def _new_conn(self) -> socket.socket:
        return _check_peer(super()._new_conn())


class _PublicHttps(HTTPSConnection):
    def _new_conn(self) -> socket.socket:
        return _check_peer(super()._new_conn())


class _PublicHttpPool(HTTPConnectionPool):
    ConnectionCls = _PublicHttp


class _PublicHttpsPool(HTTPSConnectionPool):
    ConnectionCls = _PublicHttps


class PublicAdapter(HTTPAdapter):
    """A ``requests`` adapter that speaks to public peers only: it looks at the connected socket before it sends."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Build the pool as usual, with connections that check their peer."""
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _PublicHttpPool, "https": _PublicHttpsPool}
