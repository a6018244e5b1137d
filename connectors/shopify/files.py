"""Fetching the result of a bulk operation: a signed address of some storage, never given our token.

Files are large and connections break, so a broken transfer goes on where it stopped.
"""

from __future__ import annotations

import errno
from collections.abc import Callable
from pathlib import Path

import requests
import urllib3

from connectors.errors import ConnectorError
from connectors.http import Http, guard_url

TRIES = 6
CHUNK = 1 << 20
COME_BACK = 60.0
TOO_OLD = {403, 404, 410}
DISK = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES}


def fetch(
    url: str, to: Path, http: Http, *, size: int | None, allow_private: bool, sleep: Callable[[float], None]
) -> None:
    """Write what ``url`` serves to the file ``to``; ``size`` bytes at least, where the shop said how many.

    Raises ``ForbiddenHost`` for an address that is not public https, ``ConnectorError`` (code ``bulk_expired``) where
    the file is no longer there, and another where it cannot be had in full.
    """
    guard_url(url, allow_private=allow_private)
    to.touch()
    for attempt in range(TRIES):
        try:
            _go_on(url, to, http)
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
            if isinstance(error, OSError) and error.errno in DISK:
                raise ConnectorError(f"The bulk file could not be written: {error.strerror}.", code="disk") from error
        else:
            # The transfer itself tells whether it came to its end; fewer bytes than promised are still too few.
            if to.stat().st_size >= (size or 0):
                return
        sleep(0.5 * 2.0**attempt)
    raise ConnectorError(
        "The file of all rows could not be fetched from Shopify in full. We will try again.",
        code="truncated",
        retry_after=COME_BACK,
    )


def _go_on(url: str, to: Path, http: Http) -> None:
    have = to.stat().st_size
    # Compressed, a file could not be continued at a byte.
    headers = {"Accept-Encoding": "identity", "Accept": "*/*", **({"Range": f"bytes={have}-"} if have else {})}
    with http.session.get(url, headers=headers, stream=True, allow_redirects=False, timeout=(5.0, 60.0)) as response:
        if response.status_code in TOO_OLD:
            raise ConnectorError(
                "Shopify no longer holds the file of all rows; it keeps one for a week. We ask for a new one.",
                code="bulk_expired",
                retry_after=1.0,
            )
        if response.status_code == 416:
            return
        if response.status_code not in (200, 206):
            raise requests.ConnectionError(f"status {response.status_code}")
        with to.open("ab" if response.status_code == 206 else "wb") as file:
            # What came before a break is kept: a larger read would throw it away.
            while part := response.raw.read1(CHUNK, decode_content=True):
                file.write(part)
