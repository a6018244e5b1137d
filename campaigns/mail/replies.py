"""What somebody wrote anew in a reply, without the mail they answered."""

from __future__ import annotations

import re
from typing import Final

from campaigns.mail.text import text_from_html

_QUOTED: Final = re.compile(
    r"^\s*(>|-{2,}\s*(original message|pesan asli|oorspronkelijk bericht)|_{10,}\s*$)", re.IGNORECASE
)
_WROTE: Final = re.compile(r"^\s*(on|pada|op)\b.{0,200}\b(wrote|menulis|schreef)\b.{0,100}:\s*$", re.IGNORECASE)


def fresh(text: str, html: str = "") -> str:
    """The new words of a reply, at most a page of them; the whole text where nothing new is found in it."""
    whole = (text if text.strip() else text_from_html(html) if html.strip() else "").replace("\r\n", "\n")
    kept: list[str] = []
    for line in whole.split("\n"):
        if _QUOTED.match(line) or _WROTE.match(line):
            break
        kept.append(line.rstrip())
    new = "\n".join(kept).strip()
    return (new or whole.strip())[:20_000]
