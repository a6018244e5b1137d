"""A shop's own colour and logo in the mails that we write for it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from html import escape
from typing import Final

ACCENT: Final = "#0F6E63"
"""The colour of links, buttons and codes in our letters and blocks."""
_BODY: Final = re.compile(r"<mj-body\b[^>]*>")


@dataclass(frozen=True, slots=True)
class Look:
    """``color`` as ``#RRGGBB`` and ``logo`` as an address; empty for ours, and for none."""

    color: str = ""
    logo: str = ""

    def at(self, home: str) -> Look:
        """The same with the logo's path made an address below ``home``."""
        return Look(self.color, f"{home}{self.logo}") if self.logo else self


def branded(mjml: str, look: Look) -> str:
    """The mail in the shop's colour, its logo on top. What a shop wrote as MJML itself is not to be passed here."""
    if look.color:
        mjml = re.sub(re.escape(ACCENT), look.color, mjml, flags=re.IGNORECASE)
    if not look.logo:
        return mjml
    # The name of the shop is Liquid's to fill in: it stands there for readers whose mail program shows no pictures.
    image = (
        '<mj-section padding="24px 0 0"><mj-column><mj-image width="160px" alt="{{ shop.name }}" '
        f'src="{escape(look.logo, quote=True)}" padding="0 32px" align="left" /></mj-column></mj-section>'
    )
    return _BODY.sub(lambda body: body[0] + image, mjml, count=1)
