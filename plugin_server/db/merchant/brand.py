"""A business's own colour and logo, checked so that people can read what stands on it."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, select
from sqlalchemy.dialects.postgresql import insert

from plugin_server.db.models.brand import Brand as Row

CONTRAST: Final = 4.5
"""WCAG 2.2 AA, of white letters on the colour and of the colour on white."""
LARGEST_LOGO: Final = 300_000
KINDS: Final = {b"\x89PNG\r\n\x1a\n": "png", b"\xff\xd8\xff": "jpg", b"GIF87a": "gif", b"GIF89a": "gif"}
"""What every mail program shows, by its first bytes."""
WIDEST_LOGO: Final = 4000
"""Pixels. A few bytes can unpack into a picture that a phone has no room for."""
MIME: Final = {"png": "image/png", "jpg": "image/jpeg", "gif": "image/gif"}


class BadBrand(ValueError):
    """A colour or logo that cannot be used; ``why`` is the last part of a phrase's key."""

    def __init__(self, field: str, why: str) -> None:
        super().__init__(why)
        self.field, self.why = field, why


@dataclass(frozen=True, slots=True)
class Brand:
    """``color`` as ``#RRGGBB`` or empty; ``logo`` as ``hash.png`` or empty."""

    color: str = ""
    logo: str = ""

    def __bool__(self) -> bool:
        return bool(self.color or self.logo)


def of(conn: Connection) -> Brand:
    """That of the merchant of this transaction."""
    row = conn.execute(select(Row.color, Row.logo_name)).one_or_none()
    return Brand(row.color, row.logo_name) if row else Brand()


def logo(conn: Connection, name: str) -> bytes | None:
    """The picture with this name; None where it is another by now."""
    found: bytes | None = conn.scalar(select(Row.logo).where(Row.logo_name == name, Row.logo_name != ""))
    return found


def checked_color(given: str) -> str:
    """``#RRGGBB`` in capitals, empty for none. Raises ``BadBrand``."""
    text = given.strip().upper()
    if not text:
        return ""
    text = text if text.startswith("#") else f"#{text}"
    if not re.fullmatch(r"#[0-9A-F]{6}", text):
        raise BadBrand("color", "no_color")
    if contrast_with_white(text) < CONTRAST:
        raise BadBrand("color", "too_light")
    return text


def contrast_with_white(color: str) -> float:
    """The contrast ratio of WCAG 2.2: (1 + 0.05) / (L + 0.05), L the relative luminance in sRGB."""
    parts = [int(color[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 1.05 / (0.2126 * red + 0.7152 * green + 0.0722 * blue + 0.05)


def checked_logo(given: bytes) -> str:
    """Its name: a hash of what is in it, and its kind. Raises ``BadBrand``."""
    kind = next((kind for start, kind in KINDS.items() if given.startswith(start)), None)
    if kind is None:
        raise BadBrand("logo", "no_picture")
    if len(given) > LARGEST_LOGO:
        raise BadBrand("logo", "too_large")
    wide, high = _pixels(given, kind)
    if not wide or not high:
        raise BadBrand("logo", "no_picture")
    if wide > WIDEST_LOGO or high > 2 * wide:
        raise BadBrand("logo", "no_shape")
    return f"{hashlib.sha256(given).hexdigest()[:16]}.{kind}"


def _pixels(given: bytes, kind: str) -> tuple[int, int]:
    """Width and height as a picture's head tells them; 0, 0 where it has none.

    PNG (third edition, §11.2.1), GIF89a (§18), and of JPEG (ITU-T T.81, §B.2.2) the first frame header.
    """
    if kind == "png":
        return int.from_bytes(given[16:20], "big"), int.from_bytes(given[20:24], "big")
    if kind == "gif":
        return int.from_bytes(given[6:8], "little"), int.from_bytes(given[8:10], "little")
    place = 2
    while given[place : place + 1] == b"\xff":
        while given[place + 1 : place + 2] == b"\xff":  # a marker may be filled up with these
            place += 1
        if given[place + 1 : place + 2] in _FRAMES:
            frame = given[place + 5 : place + 9]
            return int.from_bytes(frame[2:], "big"), int.from_bytes(frame[:2], "big")
        place += 2 + int.from_bytes(given[place + 2 : place + 4], "big")
    return 0, 0


_FRAMES: Final = frozenset(bytes([one]) for one in range(0xC0, 0xD0) if one not in (0xC4, 0xC8, 0xCC))


def save(conn: Connection, merchant_id: int, *, color: str, logo: bytes | None, now: datetime) -> None:
    """Keep a checked colour; a logo takes the old one's place, empty bytes take it away, None leaves it as it is."""
    values: dict[str, object] = {"color": color, "updated_at": now}
    if logo is not None:
        values |= {"logo": logo or None, "logo_name": checked_logo(logo) if logo else ""}
    conn.execute(
        insert(Row)
        .values(merchant_id=merchant_id, **values)
        .on_conflict_do_update(index_elements=["merchant_id"], set_=values)
    )
