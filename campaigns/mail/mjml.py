"""MJML with Liquid inside to HTML with Liquid inside.

The compiler prints attributes with the escapes of its own language (``\\"``, ``\\u{200d}``) and the inliner rewrites
markup, so neither may see Liquid: everything delicate is put away behind plain tokens first and put back at the end.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from html import escape, unescape
from typing import Final

import css_inline
import mjml

from campaigns.mail.liquid import TemplateError, error_at, refuse_unclosed
from campaigns.mail.text import text_from_html

_LIQUID: Final = re.compile(
    r"\{%-?\s*(?P<block>comment|raw)\s*-?%\}.*?\{%-?\s*end(?P=block)\s*-?%\}|\{\{.*?\}\}|\{%.*?%\}", re.DOTALL
)
# A comment stands for a block tag, a word for a value, a custom property for a whole style that holds block tags.
_TOKEN: Final = re.compile(r"<!--lq(\d+)-->|(?:--lq:\s*)?zLq(\d+)qLz")
_MARKUP: Final = re.compile(
    r"<!--.*?-->|</(?P<close>[\w-]+)\s*>|<(?P<open>[A-Za-z][\w-]*)(?P<attributes>(?:[^<>\"']|\"[^\"]*\"|'[^']*')*?)(?P<self>/?)>",
    re.DOTALL,
)
_ATTRIBUTE: Final = re.compile(r"([^\s=\"'/]+)\s*=\s*(\"[^\"]*\"|'[^']*')")
DEEPEST: Final = 250
"""Tags inside each other: the compiler goes down one by one, and some thousands of them would end the process."""
_VOID: Final = frozenset(["area", "base", "br", "col", "hr", "img", "input", "link", "meta", "wbr"])
_PLAIN_TEXT: Final = frozenset({"mj-title", "mj-preview", "mj-style"})
_TAGS: Final = frozenset(
    [
        "mjml",
        *(
            f"mj-{name}"
            for name in (
                "head",
                "body",
                "attributes",
                "all",
                "class",
                "breakpoint",
                "font",
                "html-attributes",
                "selector",
                "html-attribute",
                "preview",
                "style",
                "title",
                "accordion",
                "accordion-element",
                "accordion-title",
                "accordion-text",
                "button",
                "carousel",
                "carousel-image",
                "column",
                "divider",
                "group",
                "hero",
                "image",
                "navbar",
                "navbar-link",
                "raw",
                "section",
                "social",
                "social-element",
                "spacer",
                "table",
                "text",
                "wrapper",
            )
        ),
    ]
)
_INLINER: Final = css_inline.CSSInliner(keep_at_rules=True, load_remote_stylesheets=False)


@dataclass(slots=True)
class Shelf:
    """What was put away behind tokens, and where it stood in the source."""

    source: str
    pieces: list[tuple[str, int]] = field(default_factory=list)

    def put(self, piece: str, index: int) -> str:
        """The token that stands for ``piece`` from now on."""
        self.pieces.append((piece, index))
        return f"zLq{len(self.pieces) - 1}qLz"

    def restore(self, text: str, *, plain: bool = False) -> str:
        """``text`` with every token replaced by what it stands for, tokens inside of it included.

        ``plain`` is for the text part: what was put away as an attribute of markup loses its ``&amp;`` there.
        """

        def piece_of(match: re.Match[str]) -> str:
            piece = self.pieces[int(match[1] or match[2])][0]
            return unescape(piece) if plain and not piece.startswith(("{{", "{%")) else piece

        while True:
            restored = _TOKEN.sub(piece_of, text)
            if restored == text:
                return text
            text = restored

    def lost(self, text: str) -> Iterator[tuple[str, int]]:
        """The pieces no token of which is left in ``text``, directly or inside another piece."""
        found: set[int] = set()
        pending = [text]
        while pending:
            numbers = {int(match[1] or match[2]) for match in _TOKEN.finditer(pending.pop())} - found
            found |= numbers
            pending.extend(self.pieces[number][0] for number in numbers)
        return (piece for number, piece in enumerate(self.pieces) if number not in found)


@dataclass(frozen=True, slots=True)
class Compiled:
    """HTML whose Liquid is still behind the tokens of ``shelf``, for writers that must not trip over it."""

    protected: str
    shelf: Shelf

    @property
    def html(self) -> str:
        """HTML with its Liquid in place."""
        return self.shelf.restore(self.protected)

    @property
    def text(self) -> str:
        """The text part with its Liquid in place."""
        return self.shelf.restore(text_from_html(self.protected, self.shelf.restore), plain=True)


def compile_mjml(source: str, *, preheader: str = "", language: str = "") -> Compiled:
    """Compile MJML that may hold Liquid in texts and attribute values; styles are inlined, at-rules kept.

    ``preheader`` (plain text with Liquid) becomes the hidden preview line, ``language`` the ``lang`` of the document.
    Raises ``TemplateError`` with line and column where the source is not well-formed or Liquid stands where it cannot.
    """
    if _TOKEN.search(source) or _TOKEN.search(preheader):
        raise TemplateError("The template contains text of the form zLq1qLz, which is reserved.")
    refuse_unclosed(source)
    refuse_unclosed(preheader)
    if source.rfind("<!--") > source.rfind("-->"):
        raise error_at("This comment is never closed; it needs -->.", source, source.rfind("<!--"))
    shelf = Shelf(source)
    hidden = _LIQUID.sub(lambda match: _pad(shelf.put(match[0], match.start()), match[0]), source)
    protected = _protect_markup(hidden, shelf)
    preview = _LIQUID.sub(lambda match: shelf.put(match[0], 0), preheader)
    protected = _with_preview(_with_language(protected, language), preview)
    try:
        compiled = mjml.mjml2html(protected, fonts={})
        inlined = _INLINER.inline(compiled)
    except ValueError as error:
        raise _compiler_error(str(error), protected) from error
    for piece, index in shelf.lost(inlined):
        raise error_at(f"{piece[:60]} cannot stand here; move it into a text, a table or an attribute.", source, index)
    return Compiled(inlined, shelf)


def _compiler_error(message: str, protected: str) -> TemplateError:
    # The compiler speaks of byte positions in what it was given; line breaks there are those of the source.
    place = re.search(r"^(.*?)(?: in \w+ template)? at position (\d+):\d+", message)
    if not place:
        if "root template" in message:
            return TemplateError(
                "This is not MJML. It begins with <mjml><mj-body> and ends with </mj-body></mjml>.", 1, 1
            )
        return TemplateError(f"The MJML could not be compiled: {message}.")
    before = protected.encode()[: int(place[2])]
    return TemplateError(f"The MJML could not be compiled here: {place[1]}.", before.count(b"\n") + 1, 1)


def _pad(token: str, piece: str) -> str:
    # Line breaks inside Liquid are kept beside its token, so that later errors still count lines rightly.
    return token + "\n" * piece.count("\n")


def _protect_markup(text: str, shelf: Shelf) -> str:
    """Check the nesting of tags, put delicate attribute values away, and turn block Liquid in texts into comments."""
    out: list[str] = []
    stack: list[tuple[str, int]] = []
    position = 0
    for match in _MARKUP.finditer(text):
        out.append(_between(text[position : match.start()], stack, shelf, text, position))
        position = match.end()
        if match["open"]:
            out.append(_opened(match, stack, shelf, text))
        elif match["close"]:
            _close(match, stack, text)
            out.append(match[0])
        else:  # Comments of the source are dropped: nobody should read them in a mail.
            out.append("\n" * match[0].count("\n"))
    out.append(_between(text[position:], stack, shelf, text, position))
    if stack:
        raise error_at(f"<{stack[-1][0]}> is never closed; it needs </{stack[-1][0]}>.", text, stack[-1][1])
    return "".join(out)


def _opened(match: re.Match[str], stack: list[tuple[str, int]], shelf: Shelf, text: str) -> str:
    name = match["open"]
    if name == "mj-include":
        raise error_at("<mj-include> is not allowed; paste the part in here.", text, match.start())
    if name.startswith("mj") and name not in _TAGS:
        raise error_at(f"MJML has no <{name}>.", text, match.start())
    if not stack and name != "mjml":
        raise error_at("The template must begin with <mjml>.", text, match.start())
    attributes = _ATTRIBUTE.sub(lambda pair: _value(pair, shelf, match.start()), match["attributes"])
    if _TOKEN.search(_ATTRIBUTE.sub("", match["attributes"])):
        raise error_at("Liquid can stand inside an attribute's value, not between attributes.", text, match.start())
    closed = match["self"] or name in _VOID
    if not closed:
        if len(stack) == DEEPEST:
            raise error_at("The template is nested too deeply.", text, match.start())
        stack.append((name, match.start()))
    return f"<{name}{attributes.rstrip()}{' /' if closed else ''}>"


def _value(pair: re.Match[str], shelf: Shelf, index: int) -> str:
    name, raw = pair[1], pair[2][1:-1]
    tokens = [shelf.pieces[int(token[1] or token[2])][0] for token in _TOKEN.finditer(raw)]
    in_place = name == "style" and not any(piece.startswith("{%") for piece in tokens)
    delicate = not raw.isascii() or any(sign in raw for sign in "\"'\\&") or tokens
    if not delicate or (in_place and raw.isascii() and not any(sign in raw for sign in '"\\')):
        return f'{name}="{raw}"'
    if pair[2][0] == "'":
        raw = raw.replace('"', "&quot;")
    return f'{name}="{"--lq:" if name == "style" else ""}{shelf.put(raw, index)}"'


def _close(match: re.Match[str], stack: list[tuple[str, int]], text: str) -> None:
    if not stack:
        raise error_at(f"</{match['close']}> closes nothing.", text, match.start())
    name, index = stack.pop()
    if name != match["close"]:
        line = text.count("\n", 0, index) + 1
        raise error_at(f"</{match['close']}> closes <{name}> of line {line}.", text, match.start())


def _between(piece: str, stack: list[tuple[str, int]], shelf: Shelf, text: str, position: int) -> str:
    stray = piece.find("<")
    if stray >= 0 and not (stack and stack[-1][0] == "mj-style"):
        raise error_at("This < opens no tag; write &lt; for the sign itself.", text, position + stray)
    if stack and stack[-1][0] in _PLAIN_TEXT:
        return piece

    def block(match: re.Match[str]) -> str:
        number = int(match[1] or match[2])
        return f"<!--lq{number}-->" if shelf.pieces[number][0].startswith("{%") else match[0]

    return _TOKEN.sub(block, piece)


def _with_language(protected: str, language: str) -> str:
    if not language or re.search(r"<mjml[^>]*\slang=", protected):
        return protected
    return protected.replace("<mjml", f'<mjml lang="{escape(language)}"', 1)


def _with_preview(protected: str, preview: str) -> str:
    if not preview or "<mj-preview" in protected:
        return protected
    line = f"<mj-preview>{escape(preview, quote=False)}</mj-preview>"
    if "<mj-head>" in protected:
        return protected.replace("<mj-head>", f"<mj-head>{line}", 1)
    return protected.replace("<mj-body", f"<mj-head>{line}</mj-head><mj-body", 1)
