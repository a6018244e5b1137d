"""A short letter with one thing to do, in the look of the others: log-ins, confirmations, what owners are told."""

from __future__ import annotations

import re
from functools import lru_cache
from html import escape
from string import Template
from typing import Final

from campaigns.mail.branding import Look, branded
from campaigns.mail.compose import CompiledMessage, compile_message
from campaigns.mail.frame import HEAD

_FRAME: Final = Template("""\
<mjml>
$head  <mj-body background-color="#FBF8F3" css-class="ground">
    <mj-section background-color="#FBF8F3" css-class="ground" padding="24px 0 12px"><mj-column>
      <mj-text css-class="ink" font-weight="700" padding="0 32px">{{ shop.name }}</mj-text></mj-column></mj-section>
    <mj-section padding="32px 0 16px" border-radius="10px"><mj-column>$parts</mj-column></mj-section>
    <mj-section background-color="#FBF8F3" css-class="ground" padding="24px 0 32px"><mj-column>
      <mj-text css-class="muted" font-size="14px" color="#5B6270" padding="0 32px">$end{% if shop.address != blank %}{{ shop.name }}, {{ shop.address }}{% endif %}</mj-text></mj-column></mj-section>
  </mj-body>
</mjml>
""")  # noqa: E501 - one element of the mail stays on one line
_TEXT: Final = '<mj-text css-class="ink">{}</mj-text>'
_CODE: Final = '<mj-text align="center" padding="0 32px 24px"><span class="code">{}</span></mj-text>'
_BUTTON: Final = (
    '<mj-button css-class="button" href="{0}" background-color="#0F6E63" color="#FFFFFF" border-radius="10px" '
    'font-size="16px" font-weight="600" line-height="20px" inner-padding="15px 24px" width="100%" '
    'padding="8px 32px 12px">{1}</mj-button>'
    # For those whose mail program draws no button; the text part has the address already.
    '<mj-text css-class="muted" font-size="14px" color="#5B6270"><span aria-hidden="true">'
    '<a href="{0}" style="word-break:break-all">{0}</a></span></mj-text>'
)
_PLACE: Final = re.compile(r"\{(\w+)\}")


@lru_cache(maxsize=64)
def plain_letter(
    subject: str, text: str, button: str, language: str, links: frozenset[str], look: Look
) -> CompiledMessage:
    """The letter, to be rendered with ``shop {name, address}`` and ``said``, which fills ``{names}`` of the words.

    ``text`` is paragraphs parted by an empty line. One that is a name of ``links`` alone becomes the button, ``{code}``
    alone stands large, and any other name of ``links`` is a link. What stands below a line ``--`` is the small print.
    """
    written, _, small = text.partition("\n\n--\n\n")
    parts = "".join(_part(part, button, links) for part in written.split("\n\n"))
    end = f"{_words(small, links)}<br />" if small else ""
    first = next(part for part in written.split("\n\n") if not part.endswith(","))
    body = branded(_FRAME.substitute(head=HEAD, parts=parts, end=end), look)
    return compile_message(body, _liquid(subject), _liquid(first), language)


def _part(part: str, button: str, links: frozenset[str]) -> str:
    alone = _PLACE.fullmatch(part)
    if alone and alone[1] in links:
        return _BUTTON.format(_liquid(part), escape(button))
    return _CODE.format(_liquid(part)) if part == "{code}" else _TEXT.format(_words(part, links))


def _words(part: str, links: frozenset[str]) -> str:
    linked = "|".join(sorted(links))
    shown = escape(part, quote=False).replace("\n", "<br />")
    return _liquid(re.sub(rf"\{{({linked})\}}", r'<a href="{\1}">{\1}</a>', shown) if links else shown)


def _liquid(text: str) -> str:
    return _PLACE.sub(r"{{ said.\1 }}", text)
