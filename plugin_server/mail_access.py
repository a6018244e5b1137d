"""The account by which a business's mails leave, opened; and sealed again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from sqlalchemy import Connection

from connectors.smtp.server import Server
from plugin_server.db.sending import mail_account
from plugin_server.settings import Settings
from plugin_server.vault import seal, unseal


@dataclass(frozen=True, slots=True)
class Way:
    """By which way mails leave, named as in ``MAIL_BACKEND``; ``public_keys`` are what the provider's reports are
    signed with, ``server`` the mail server. ``own``: the business's, not the environment's."""

    backend: str
    api_key: str = field(default="", repr=False)
    host: str = ""
    public_keys: tuple[str, ...] = field(default=(), repr=False)
    own: bool = False
    server: Server | None = None


@dataclass(frozen=True, slots=True)
class Opened:
    """An account as its owner entered it: a key, whose ``public_key`` may be empty, or a mail server."""

    region: str = ""
    api_key: str = field(default="", repr=False)
    public_key: str = field(default="", repr=False)
    server: Server | None = None


def opened(conn: Connection, settings: Settings) -> Opened | None:
    """That of the merchant of this transaction, None without one.

    Read anew each time, so that one just entered holds in every process.
    Raises ``ValueError`` where none of ``SECRET_KEYS`` opens it.
    """
    kept = mail_account.of(conn)
    if kept is None:
        return None
    found = unseal(settings.keys, bytes(kept.sealed))
    if kept.host:
        at = (kept.host, kept.port, kept.user_name, found["password"], kept.tls)
        return Opened(server=entered(settings, *at))
    return Opened(kept.region, found["api_key"], found["public_key"])


def entered(settings: Settings, host: str, port: int, user: str, password: str, tls: str) -> Server:
    """A mail server that somebody named on a page: on public networks alone, but where developers allow others."""
    strict = not settings.allow_private_hosts
    return Server(host, port, user, password, tls, public=strict, verify=settings.tls_verify, name=we_are(settings))


def by_environment(settings: Settings) -> Server | None:
    """The mail server that the environment names, on whatever network; None where mails leave by another way."""
    if settings.mail_backend != "smtp" or not settings.smtp_url:
        return None
    return Server.parse(settings.smtp_url, name=we_are(settings))


def we_are(settings: Settings) -> str:
    """The name by which we greet mail servers: that of our own address."""
    return urlsplit(settings.public_url).hostname or ""


def sealed(keys: Sequence[str], **secrets: str) -> bytes:
    """What ``opened`` opens again: ``api_key`` and ``public_key``, or ``password``."""
    return seal(keys, dict(secrets))
