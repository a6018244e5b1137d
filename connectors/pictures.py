"""How heavy pictures are that stand somewhere on the web: asked for their size, hardly ever fetched."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from typing import Final

import requests

from connectors.errors import ConnectorError
from connectors.hosts import PublicAdapter, guard_url

MOST: Final = 40
"""Pictures of one mail that are asked for; more than that is told by other means."""
HEAVIEST: Final = 5 << 20
"""Bytes after which a picture without a told size is not read further."""
TIMEOUTS: Final = (3.0, 5.0)


def weigh(addresses: Iterable[str], *, allow_private: bool = False) -> dict[str, int]:
    """Address → bytes. What cannot be asked (another scheme, a private network, no answer) is left out; never raises.

    A redirection is not followed: mail programs follow it, and nobody can say to what.
    """
    found: dict[str, int] = {}
    with requests.Session() as session:
        session.trust_env = False
        if not allow_private:
            session.mount("https://", PublicAdapter())
        for address in list(dict.fromkeys(addresses))[:MOST]:
            with suppress(ConnectorError, requests.RequestException, OSError, ValueError):
                guard_url(address, allow_private=allow_private, resolve=False)
                size = _size(session, address)
                if size:
                    found[address] = size
    return found


def _size(session: requests.Session, address: str) -> int:
    told = session.head(address, timeout=TIMEOUTS, allow_redirects=False)
    if told.status_code == requests.codes.ok and told.headers.get("Content-Length", "").isdigit():
        return int(told.headers["Content-Length"])
    with session.get(address, timeout=TIMEOUTS, allow_redirects=False, stream=True) as answer:
        if answer.status_code != requests.codes.ok:
            return 0
        size = 0
        for piece in answer.iter_content(1 << 16):
            size += len(piece)
            if size >= HEAVIEST:
                break
        return size
