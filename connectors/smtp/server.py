"""Which mail server, by which way, and who we are there."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import parse_qs, unquote, urlsplit

from connectors.errors import ConnectorError

PORTS: Final = {"tls": 465, "starttls": 587, "offered": 587, "none": 25}
"""The port of each way to encrypt where none is named (RFC 8314: 465 speaks TLS from the start)."""
_LABEL: Final = "[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_NAME: Final = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")
_LONGEST_NAME: Final = 253


@dataclass(frozen=True, slots=True)
class Server:
    """An account at a mail server. No ``user``: it is not asked for one.

    ``tls``: ``tls`` from the start, ``starttls`` or nothing, ``offered`` (encrypted where the server can, and no
    password over an open line to another machine), ``none``. ``public`` refuses private networks and open lines: for
    servers that a stranger names. ``verify`` False takes any certificate, ``name`` is what we call ourselves.
    """

    host: str
    port: int
    user: str = ""
    password: str = field(default="", repr=False)
    tls: str = "offered"
    public: bool = False
    verify: bool = True
    name: str = ""

    @property
    def here(self) -> bool:
        """Whether the server runs on this machine."""
        return self.host in ("localhost", "127.0.0.1", "::1")

    @classmethod
    def parse(cls, url: str, *, name: str = "") -> Server:
        """From ``smtp://user:password@host:587?tls=starttls`` or ``smtps://…``. Raises ``ValueError``."""
        parts = urlsplit(url)
        tls = parse_qs(parts.query).get("tls", ["offered"])[0] if parts.scheme == "smtp" else "tls"
        if parts.scheme not in ("smtp", "smtps") or not parts.hostname or tls not in PORTS:
            raise ValueError("SMTP_URL must look like smtp://user:password@host:587?tls=starttls or smtps://…")
        user, password = unquote(parts.username or ""), unquote(parts.password or "")
        return cls(parts.hostname, parts.port or PORTS[tls], user, password, tls, name=name)


def host_name(typed: str) -> str:
    """A typed host as it is looked up: trimmed, small, its letters in ASCII. Raises ``ConnectorError``."""
    trimmed = typed.strip().rstrip(".").lower().removeprefix("[").removesuffix("]")
    try:
        return str(ipaddress.ip_address(trimmed))
    except ValueError:
        pass
    try:
        name = trimmed.encode("idna").decode("ascii")
    except UnicodeError:
        name = ""
    if not _NAME.fullmatch(name) or len(name) > _LONGEST_NAME:
        raise ConnectorError(
            "That is no name of a mail server. It looks like smtp.provider.example, without port and without https.",
            code="host",
        )
    return name
