"""Mail addresses and names as providers take them: no line ends, ASCII domains, sane lengths."""

from __future__ import annotations

import re
from typing import Final

MAX_NAME: Final = 120
_CONTROL: Final = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_URL: Final = re.compile(r"https?://[\x21-\x3b\x3d\x3f-\x7e]+")
_REFERENCE: Final = re.compile(r"<[\x21-\x3b\x3d\x3f-\x7e]{1,250}>")
_LOCAL: Final = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*"
_LABEL: Final = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_ADDRESS: Final = re.compile(rf"(?P<local>{_LOCAL})@(?P<domain>(?:{_LABEL}\.)+{_LABEL})")


class BadAddress(ValueError):
    """An address no provider delivers to; ``str()`` says why."""


def wire_address(address: str) -> str:
    """``address`` as it goes over the wire: trimmed, its domain in ASCII (``@münchen.de`` → ``@xn--mnchen-3ya.de``).

    Raises ``BadAddress`` for what cannot be delivered: no domain ending, spaces, other letters before the ``@``.
    """
    trimmed = address.strip()
    if not trimmed.isascii():
        trimmed = _ascii_domain(trimmed)
    match = _ADDRESS.fullmatch(trimmed)
    if match is None:
        raise BadAddress(f"{_shown(address)} is not a mail address.")
    if len(match["local"]) > 64 or len(trimmed) > 254:
        raise BadAddress(f"{_shown(address)} is longer than a mail address can be.")
    return trimmed


def wire_url(url: str) -> str:
    """A web address that may stand between ``<`` and ``>`` in a header. Raises ``BadAddress``."""
    if not _URL.fullmatch(url):
        raise BadAddress("The unsubscribe address holds characters that no address may hold.")
    return url


def wire_reference(reference: str) -> str:
    """A Message-ID as it may stand in a header: ``<…>`` of printable ASCII. Raises ``BadAddress``."""
    if not _REFERENCE.fullmatch(reference):
        raise BadAddress(f"{_shown(reference)} is not the id of a mail.")
    return reference


def display_name(name: str) -> str:
    """A name on one line and at most 120 characters long, cut with an ellipsis."""
    line = _CONTROL.sub(" ", name).strip()
    return line if len(line) <= MAX_NAME else line[: MAX_NAME - 1].rstrip() + "…"


def one_line(text: str) -> str:
    """``text`` without anything that could end a header line."""
    return _CONTROL.sub(" ", text).strip()


def _ascii_domain(address: str) -> str:
    local, at, domain = address.rpartition("@")
    if not at or not local.isascii():
        raise BadAddress(f"{_shown(address)} has letters before the @ that mail servers do not agree on.")
    try:
        return f"{local}@{domain.encode('idna').decode('ascii')}"
    except UnicodeError:
        raise BadAddress(f"{_shown(address)} has a domain that does not exist.") from None


def _shown(address: str) -> str:
    line = one_line(address)
    return line if len(line) <= 60 else line[:59] + "…"
