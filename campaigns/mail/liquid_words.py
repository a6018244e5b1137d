"""What the Liquid library says about a mistake, in our words: a closed list of sentences, each with how to mend it.

The library's own messages speak of its grammar ("expected a primitive expression, found end of expression"), in English
alone; these are found by their form in ``liquid`` 2.3 (``exceptions.py`` and wherever it raises them).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

_PIECE: Final = re.compile(r"\{\{.*?\}\}|\{%.*?%\}", re.DOTALL)
_OPENED_ELSEWHERE: Final = ("else", "elsif", "when")
LONGEST: Final = 60

Sentence = Callable[[re.Match[str], str, str], str]
"""From the library's message, the piece of Liquid and the word it is about."""


def _tag(found: re.Match[str], _: str, __: str) -> str:
    name = found[1]
    if name in ("break", "continue"):
        return f"{{% {name} %}} stands outside of a loop."
    if name.startswith("end") or name in _OPENED_ELSEWHERE:
        return f"{{% {name} %}} stands here without the tag that opens it."
    return f"There is no tag called {name}."


def _operator(found: re.Match[str], _: str, __: str) -> str:
    return f"There is no comparison {found[1]}; use ==, !=, <, >, <=, >= or contains."


def _sign(found: re.Match[str], _: str, __: str) -> str:
    sign = found[1] or "'"
    if sign in "'\"":
        return "This text is never closed; it needs the same quote at its end."
    return f"The sign {sign} cannot stand here."


def _ours(found: re.Match[str], _: str, __: str) -> str:
    return f"{found[0][:1].upper()}{found[0][1:]}."


def _empty(_: object, piece: str, __: str) -> str:
    return f"{piece} says nothing after the tag's name; write what it is about."


def _short(_: object, piece: str, __: str) -> str:
    return f"{piece} ends too early; write what is missing before its end."


def _whole(_: object, piece: str, __: str) -> str:
    return f"{piece} needs a whole number where it has something else."


def _lacking(_: object, __: str, word: str) -> str:
    return f"The filter {word} lacks a value; write it after a colon."


def _overfed(_: object, __: str, word: str) -> str:
    return f"The filter {word} is given more values than it takes."


def _by_zero(_: object, __: str, word: str) -> str:
    return f"The filter {word} cannot divide by 0."


def _always(sentence: str) -> Sentence:
    return lambda _found, _piece, _word: sentence


_EQUAL = _always("To ask whether two things are equal, write == and not =.")
_LOOP = _always("A loop names its list after in, such as {% for product in products %}.")
_LOOP_TAKES = _always("After its list, a loop takes reversed, limit or offset alone.")
_NAMELESS = _always("The name of the tag is missing here, such as if or for.")
_GROUPED = _always("Conditions take no parentheses and no not; put one {% if %} inside another, or use unless.")
_COMMENT = _always("Each line of such a comment begins with #.")
_DEEP = _always("The template is nested too deeply.")
_KEEPS = _always("assign and capture keep more than 200,000 characters. Let them keep less.")
_LONG = _always("The mail grows over 1,000,000 characters. Make it shorter.")
_UNLIKE = _always("These two cannot be compared: numbers go with numbers, and contains asks texts and lists.")
_SENTENCES: Final[tuple[tuple[str, Sentence], ...]] = (
    (r"(?:a range may|a value grew|this is no number|money needs|date does not|date cannot read).*", _ours),
    (r"unexpected tag '(\w+)'", _tag),
    (r"unexpected '(break|continue)'", _tag),
    (r"unknown operator '(.+)'", _operator),
    (r"unexpected (?:'(.)'|\"')", _sign),
    (r"expected end of expression, found '='", _EQUAL),
    (r"expected 'reversed', 'offset' or 'limit'", _LOOP_TAKES),
    (r"expected in, found", _LOOP),
    (r"missing tag name", _NAMELESS),
    (r"missing expression", _empty),
    (r"expected .*, found end of expression|missing or unexpected path segment", _short),
    (r"disallowed parentheses|unbalanced parentheses|disallowed not", _GROUPED),
    (r"every line of an inline comment", _COMMENT),
    (r"block nesting limit|maximum context depth", _DEEP),
    (r"local namespace limit", _KEEPS),
    (r"output stream limit", _LONG),
    (r"(?!LiquidError).*\(\) missing \d+ required", _lacking),
    (r".* takes .*positional argument", _overfed),
    (r".*can't divide by", _by_zero),
    (r"(?:slice |truncate\w* )?expected an integer", _whole),
    (r".* are not supported between", _UNLIKE),
)
_FORMS: Final = tuple((re.compile(form, re.IGNORECASE | re.DOTALL), sentence) for form, sentence in _SENTENCES)


def readable(message: str, source: str, index: int | None, *, syntax: bool) -> str:
    """The library's ``message`` about a place in ``source`` as a sentence that a merchant can act on.

    ``syntax`` tells mistakes in what is written from those that only show while it is worked out.
    """
    piece, word = _around(source, index)
    for form, sentence in _FORMS:
        if found := form.match(message):
            return sentence(found, piece, word)
    if syntax:
        return f"{piece} cannot be read. Check its names, commas, quotes and brackets."
    return f"{piece} cannot be worked out: a filter or a comparison is given what it cannot work with."


def _around(source: str, index: int | None) -> tuple[str, str]:
    """The piece of Liquid that holds a place, and the word that begins there."""
    if index is None:
        return "The template", ""
    word = re.match(r"[\w-]*", source[index:])
    for piece in _PIECE.finditer(source):
        if piece.start() <= index < piece.end():
            told = " ".join(piece[0].split())
            return told if len(told) <= LONGEST else told[: LONGEST - 1] + "…", word[0] if word else ""
    return "The template", word[0] if word else ""
