"""What stands before the @ of a Reply-To, so that a reply finds its customer whatever address it is written from.

``r+m5k.c7w…@reply.shop.example``: which mail (``m``) or thread (``t``) it answers, and a stamp nobody else can make.
Mail servers may change the case of it, and it holds no more than 64 letters.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Literal

STAMP: Final = 10
"""Bytes of the stamp: nobody tries 2^80 addresses by mail."""
_TOKEN: Final = re.compile(r"r\+([mt])([0-9a-z]{1,13})\.([a-z2-7]{16})")
_DIGITS: Final = "0123456789abcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True, slots=True)
class Answered:
    """What a reply answers: one of our messages, or a thread of the inbox."""

    kind: Literal["m", "t"]
    id: int


@lru_cache(maxsize=8)
def _key(secret: str) -> bytes:
    return hashlib.sha256(b"reply-token\0" + secret.encode()).digest()


def reply_token(keys: Sequence[str], merchant_id: int, answered: Answered) -> str:
    """The part before the @, stamped with the newest key."""
    return f"r+{answered.kind}{_base36(answered.id)}.{_stamp(keys[0], merchant_id, answered)}"


def read_reply_token(keys: Sequence[str], merchant_id: int, address: str) -> Answered | None:
    """What a mail to ``address`` answers; None where the address is none of ours, or somebody made it up."""
    match = _TOKEN.fullmatch(address.partition("@")[0].lower())
    if match is None:
        return None
    answered = Answered("m" if match[1] == "m" else "t", int(match[2], 36))
    real = (_stamp(key, merchant_id, answered) for key in keys)
    return answered if any(hmac.compare_digest(match[3], stamp) for stamp in real) else None


def _stamp(secret: str, merchant_id: int, answered: Answered) -> str:
    told = f"{merchant_id}:{answered.kind}:{answered.id}".encode()
    return base64.b32encode(hmac.digest(_key(secret), told, "sha256")[:STAMP]).decode().lower()


def _base36(number: int) -> str:
    digits = ""
    while True:
        number, digit = divmod(number, 36)
        digits = _DIGITS[digit] + digits
        if not number:
            return digits
