"""What a mail program makes of an HTML part: its links, pictures, letters and colours, for ``lint`` to judge."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache
from html.parser import HTMLParser
from typing import Final

_VOID: Final = frozenset({"area", "base", "br", "col", "hr", "img", "input", "link", "meta", "wbr"})
_SILENT: Final = frozenset({"head", "style", "script", "title", "noscript"})
_ACTIVE: Final = frozenset({"script", "form", "iframe", "object", "embed", "input", "base"})
_HEX: Final = re.compile(r"#([0-9a-f]{3}|[0-9a-f]{6})\b", re.IGNORECASE)
_PIXELS: Final = re.compile(r"(\d+(?:\.\d+)?)px")
_HIDDEN: Final = re.compile(r"display:\s*none|max-height:\s*0")

Color = tuple[int, int, int]
WHITE: Final[Color] = (255, 255, 255)
BLACK: Final[Color] = (0, 0, 0)


READ: Final = 128
"""Pages that are remembered: a series of seven mails in three languages, each for six readers."""


@dataclass(slots=True)
class Link:
    """A link with what it shows; ``height`` in pixels where it is drawn as a button."""

    href: str
    text: str = ""
    height: float | None = None


@dataclass(slots=True)
class Page:
    """What stands on it. ``faint`` is the worst contrast of any text (1 to 21), ``smallest`` its size in pixels."""

    links: list[Link] = field(default_factory=list)
    images: list[dict[str, str]] = field(default_factory=list)
    active: set[str] = field(default_factory=set)
    handlers: set[str] = field(default_factory=set)
    letters: int = 0
    faint: float = 21.0
    faintest: str = ""
    smallest: float = 99.0
    color_scheme: bool = False
    size: int = 0


@dataclass(frozen=True, slots=True)
class _Look:
    tag: str
    hidden: bool
    color: Color
    ground: Color
    size: float


@lru_cache(maxsize=READ)
def read_page(html: str) -> Page:
    """The facts of one HTML part, to be looked at alone: who asks for the same part is given the same facts.

    What is hidden is looked through for links and active parts, not for letters.
    """
    reader = _Reader()
    reader.feed(html)
    reader.close()
    reader.page.size = len(html.encode())
    return reader.page


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.page = Page()
        self._open = [_Look("", False, BLACK, WHITE, 16.0)]
        self._link: Link | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        page = self.page
        if tag in _ACTIVE:
            page.active.add(tag)
        page.handlers |= {name for name in given if name.startswith("on")}
        if tag == "meta" and given.get("name") == "color-scheme":
            page.color_scheme = True
        if tag == "img":
            page.images.append(given)
            if self._link:
                self._link.text += given.get("alt", "")
        look = _look(self._open[-1], tag, given)
        if tag == "a" and "href" in given:
            self._link = Link(given["href"].strip(), "", _height(given.get("style", ""), look.size))
            page.links.append(self._link)
        if tag not in _VOID:
            self._open.append(look)

    def handle_endtag(self, tag: str) -> None:
        if tag == "a":
            self._link = None
        if len(self._open) > 1 and self._open[-1].tag == tag:
            self._open.pop()
        elif any(look.tag == tag for look in self._open[1:]):
            while self._open.pop().tag != tag:
                pass

    def handle_data(self, data: str) -> None:
        look, words = self._open[-1], data.strip()
        if self._link:
            self._link.text += data
        if look.hidden or look.size == 0 or not words or not any(sign.isalnum() for sign in words):
            return
        page = self.page
        page.letters += len(words)
        page.smallest = min(page.smallest, look.size)
        found = contrast(look.color, look.ground)
        if found < page.faint:
            page.faint, page.faintest = found, words[:40]


def _look(above: _Look, tag: str, given: dict[str, str]) -> _Look:
    style = given.get("style", "")
    color, ground, size, hidden = _drawn(style)
    return _Look(
        tag,
        above.hidden or hidden or tag in _SILENT or given.get("aria-hidden") == "true",
        _color(color, above.color),
        _color(ground or given.get("bgcolor", ""), above.ground),
        above.size if size is None else size,
    )


# The same few styles and colours come again with each cell of a mail, and in the mail for each reader.
@lru_cache(maxsize=1024)
def _drawn(given: str) -> tuple[str, str, float | None, bool]:
    """Colour, ground and size of letters as a style gives them, and whether it hides."""
    style = _style(given)
    size = _PIXELS.match(style.get("font-size", ""))
    ground = style.get("background-color") or style.get("background", "")
    return style.get("color", ""), ground, float(size[1]) if size else None, bool(_HIDDEN.search(given))


@lru_cache(maxsize=1024)
def contrast(one: Color, other: Color) -> float:
    """The contrast ratio of two colours, 1 to 21, by WCAG 2.2's definition of relative luminance."""
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _luminance(color: Color) -> float:
    parts = [part / 255 for part in color]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@lru_cache(maxsize=1024)
def _color(given: str, otherwise: Color) -> Color:
    found = _HEX.search(given)
    if not found:
        named = {"white": WHITE, "black": BLACK}.get(given.strip().lower())
        return named or otherwise
    digits = found[1] if len(found[1]) == 6 else "".join(sign * 2 for sign in found[1])
    return int(digits[:2], 16), int(digits[2:4], 16), int(digits[4:], 16)


def _style(given: str) -> dict[str, str]:
    pairs = (part.partition(":") for part in given.split(";"))
    return {name.strip().lower(): value.strip() for name, _, value in pairs if name.strip()}


def _height(given: str, size: float) -> float | None:
    """How high a link is that is drawn as a box: its line and its padding above and below."""
    style = _style(given)
    padding = [float(found) for found in _PIXELS.findall(style.get("padding", ""))]
    if "inline-block" not in style.get("display", "") or not padding:
        return None
    line = style.get("line-height", "120%")
    exact = _PIXELS.match(line)
    share = float(line.rstrip("%")) / 100 if line.endswith("%") else 1.2
    return (float(exact[1]) if exact else size * share) + padding[0] + padding[2 if len(padding) > 2 else 0]
