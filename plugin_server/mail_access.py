"""The account by which a business's mails leave, opened; and sealed again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlalchemy import Connection

from plugin_server.db.sending import mail_account
from plugin_server.vault import seal, unseal


@dataclass(frozen=True, slots=True)
class Way:
    """By which way mails leave, named as in ``MAIL_BACKEND``; ``public_keys`` are what the provider's reports are
    signed with. ``own``: the business's, not the environment's."""

    backend: str
    api_key: str = field(default="", repr=False)
    host: str = ""
    public_keys: tuple[str, ...] = field(default=(), repr=False)
    own: bool = False


@dataclass(frozen=True, slots=True)
class Opened:
    """An account as its owner entered it; ``public_key`` may be empty."""

    region: str
    api_key: str = field(repr=False)
    public_key: str = field(repr=False)


def opened(conn: Connection, keys: Sequence[str]) -> Opened | None:
    """That of the merchant of this transaction, None without one.

    Read anew each time, so that one just entered holds in every process.
    Raises ``ValueError`` where none of ``keys`` opens it.
    """
    kept = mail_account.of(conn)
    if kept is None:
        return None
    found = unseal(keys, bytes(kept.sealed))
    return Opened(kept.region, found["api_key"], found["public_key"])


def sealed(keys: Sequence[str], api_key: str, public_key: str) -> bytes:
    """What ``opened`` opens again."""
    return seal(keys, {"api_key": api_key, "public_key": public_key})
