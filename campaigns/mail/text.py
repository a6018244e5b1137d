"""The text part of a mail, written from its HTML. Tokens that stand for Liquid pass through untouched."""

from __future__ import annotations

import re
from collections.abc import Callable
from html.parser import HTMLParser
from typing import Final

_SKIPPED: Final = frozenset({"head", "style", "script", "title", "noscript"})
_VOID: Final = frozenset({"area", "base", "br", "col", "hr", "img", "input", "link", "meta", "wbr"})
_PARAGRAPHS: Final = frozenset({"p", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "table", "blockquote"})
_LINES: Final = frozenset({"div", "li", "section", "header", "footer", "article"})
_HIDDEN: Final = re.compile(r"display:\s*none")
_BLOCK: Final = re.compile(r"display:\s*block")
_BLOCK_TOKEN: Final = re.compile(r"lq\d+")
_TAG: Final = re.compile(r"\{%-?\s*(\w+)")
_BRANCHES: Final = frozenset({"if", "unless", "case"})
_SPACES: Final = re.compile(r"[\s\u00a0]+")
_INVISIBLE: Final = re.compile("[\u00ad\u034f\u200b\u200c\u2060\ufeff]")


def text_from_html(html: str, meant: Callable[[str], str] = str) -> str:
    """Plain text of ``html``: links as ``label: url``, images by their alt text, layout tables flattened, rows of data
    tables on one line, never two blank lines in a row. What is hidden (``display:none``, ``aria-hidden``) is left out.

    ``meant`` gives what a token stands for.
    """
    writer = _Writer(meant)
    writer.feed(html)
    writer.close()
    return "".join(writer.out).rstrip() + "\n"


class _Writer(HTMLParser):
    def __init__(self, meant: Callable[[str], str]) -> None:
        super().__init__(convert_charrefs=True)
        self._meant = meant
        self._before: list[int] = []  # line breaks that were due before each choice we are in
        self.out: list[str] = []
        self._open: list[tuple[str, bool]] = []  # (tag, hidden) of the elements we are in
        self._tables: list[bool] = []  # whether each table we are in is one of data
        self._links: list[tuple[str, int]] = []
        self._breaks = 0
        self._gap = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = {name: value or "" for name, value in attrs}
        hidden = self._hides(tag, attributes)
        if tag not in _VOID:
            self._open.append((tag, hidden))
        if hidden:
            return
        if tag == "br":
            self._breaks += 1 if self._breaks < 2 else 0
        elif tag == "hr":
            self._break(2)
        elif tag == "img":
            self._write(attributes.get("alt", ""))
        elif tag == "a":
            if _BLOCK.search(attributes.get("style", "")):
                self._break(1)
            self._links.append((attributes.get("href", "").strip(), len(self.out)))
        else:
            self._start_block(tag, attributes)

    def _start_block(self, tag: str, attributes: dict[str, str]) -> None:
        if tag == "table":
            self._tables.append(attributes.get("role") != "presentation")
        data = bool(self._tables and self._tables[-1])
        if tag in _PARAGRAPHS or (tag == "tr" and not data):
            self._break(2)
        elif tag in _LINES or tag == "tr":
            self._break(1)
        elif tag in ("td", "th") and data:
            self._gap = "" if self._breaks else " · "
        if tag == "li":
            self._write("- ")

    def handle_endtag(self, tag: str) -> None:
        if tag not in (name for name, _ in self._open):
            return
        hidden = self._hidden
        while self._open.pop()[0] != tag:
            pass
        if hidden:
            return
        if tag == "a" and self._links:
            self._end_link(*self._links.pop())
        elif tag == "table" and self._tables:
            self._tables.pop()
            self._break(2)
        elif tag in _PARAGRAPHS:
            self._break(2)
        elif tag in _LINES or tag == "tr":
            self._break(1)

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self._write(_SPACES.sub(" ", _INVISIBLE.sub("", data)))

    def handle_comment(self, data: str) -> None:
        # A block tag is written before the line breaks that are due, so that a block which renders to nothing leaves
        # no blank lines behind.
        if _BLOCK_TOKEN.fullmatch(data) and not self._hidden:
            self.out.append(f"<!--{data}-->")
            self._choose(_TAG.match(self._meant(f"<!--{data}-->")))

    def _choose(self, tag: re.Match[str] | None) -> None:
        """Each branch of a choice begins with the line breaks that were due before it, as only one is printed."""
        word = tag[1] if tag else ""
        if word in _BRANCHES:
            self._before.append(self._breaks)
        elif word in ("else", "elsif", "when") and self._before:
            self._breaks = max(self._breaks, self._before[-1])
        elif word.removeprefix("end") in _BRANCHES and self._before:
            self._before.pop()

    @property
    def _hidden(self) -> bool:
        return bool(self._open) and self._open[-1][1]

    def _hides(self, tag: str, attributes: dict[str, str]) -> bool:
        return (
            self._hidden
            or tag in _SKIPPED
            or attributes.get("aria-hidden") == "true"
            or bool(_HIDDEN.search(attributes.get("style", "")))
        )

    def _break(self, lines: int) -> None:
        self._breaks = max(self._breaks, lines)
        self._gap = ""

    def _write(self, text: str) -> None:
        if text.isspace() and not self._breaks:
            self._gap = self._gap or " "
        if not text.strip():
            return
        lead = self._gap or (" " if text[0] == " " else "")
        if self._breaks or not self.out:
            lead = "\n" * min(self._breaks, 2) if self.out else ""
        self.out.append(lead + text.strip())
        self._breaks, self._gap = 0, " " if text[-1] == " " else ""

    def _end_link(self, address: str, start: int) -> None:
        label = "".join(self.out[start:]).strip()
        plain = self._meant(address).removeprefix("mailto:").removeprefix("tel:")
        if not address or address.startswith("#") or plain == self._meant(label):
            return
        self.out.append(f": {address}" if label else "")
        if not label:
            self._write(address)
