"""Mail addresses and names as providers take them: no line ends, ASCII domains, sane lengths."""

from __future__ import annotations

import re
from typing import Final
from unicodedata import normalize

MAX_NAME: Final = 120
_CONTROL: Final = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_TURNING: Final = re.compile("[\u200e\u200f\u202a-\u202e\u2066-\u2069]+")
"""Marks that turn the direction of writing: in a reason they would make the rest of its sentence run backwards."""
_DOTS: Final = re.compile("[.\u3002\uff0e\uff61]")
_KEPT: Final = frozenset("ßẞς")
_JOINERS: Final = frozenset("\u200c\u200d")
_URL: Final = re.compile(r"https?://[\x21-\x3b\x3d\x3f-\x7e]+")
_REFERENCE: Final = re.compile(r"<[\x21-\x3b\x3d\x3f-\x7e]{1,250}>")
_LOCAL: Final = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*"
_LABEL: Final = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_ADDRESS: Final = re.compile(rf"(?P<local>{_LOCAL})@(?P<domain>(?:{_LABEL}\.)+{_LABEL})")


class BadAddress(ValueError):
    """An address no provider delivers to; ``str()`` says why."""


def web_address(value: str) -> str:
    """``value`` where it is an address of the web that can stand in a mail as it is; "" for anything else."""
    return value if _URL.fullmatch(value) else ""


def wire_address(address: str) -> str:
    """``address`` as it goes over the wire: trimmed, its domain in ASCII (``@münchen.de`` → ``@xn--mnchen-3ya.de``).

    Raises ``BadAddress`` for what cannot be delivered: no domain ending, spaces, other letters before the ``@``.
    """
    trimmed = address.strip()
    if not trimmed:
        raise BadAddress("There is no mail address.")
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
        return f"{local}@{'.'.join(map(_ascii_label, _DOTS.split(domain)))}"
    except UnicodeError:
        raise BadAddress(f"{_shown(address)} has a domain that does not exist.") from None


def _ascii_label(label: str) -> str:
    """One part of a domain. Python's codec speaks IDNA 2003, which leads ``straße.de`` to ``strasse.de``: another's.

    IDNA 2008 (RFC 5894, 7.2) keeps these letters; joiners, which the codec drops, are refused.
    """
    if _JOINERS & set(label):
        raise UnicodeError("a joiner")
    if _KEPT & set(label):
        small = normalize("NFC", "".join(letter.lower() for letter in label))
        return f"xn--{small.encode('punycode').decode('ascii')}"
    return label.encode("idna").decode("ascii")


def _shown(address: str) -> str:
    line = _TURNING.sub("", one_line(address))
    return line if len(line) <= 60 else line[:59] + "…"
