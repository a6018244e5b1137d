"""Links into a shop that say which campaign led there."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from urllib.parse import quote

_HREF = re.compile(r"""(\shref\s*=\s*)(["'])(.*?)\2""", re.IGNORECASE | re.DOTALL)
SHOP = "{{ links.shop }}"
_CART = re.compile(r"\{\{-?\s*cart\.url\s*-?\}\}")
_SHOP = re.compile(r"\{\{-?\s*links\.shop\s*-?\}\}")


def tagged(source: str, shops: Sequence[str], parameters: Mapping[str, str]) -> str:
    """The MJML or HTML ``source`` whose links to one of ``shops`` (addresses, or ``SHOP``) carry ``parameters`` too.

    A link that holds a utm of its own is left as it is; what comes after ``#`` stays last. Links to elsewhere, and
    hosts that only begin like a shop's, are left alone.
    """
    if not shops or not parameters:
        return source
    more = "&amp;".join(f"{quote(name)}={quote(value)}" for name, value in parameters.items())

    def one(found: re.Match[str]) -> str:
        before, mark, address = found.groups()
        if SHOP in shops and _CART.fullmatch(address.strip()):
            return f"{before}{mark}{_back(more, inside=mark)}{mark}"
        return f"{before}{mark}{_with(address, shops, more)}{mark}"

    return _HREF.sub(one, source)


def _back(more: str, *, inside: str) -> str:
    """The way back to a basket, which may ask for something already; no quote in it ends the attribute."""
    quote_mark = "'" if inside == '"' else '"'
    asks = f"{{% if cart.url contains {quote_mark}?{quote_mark} %}}&amp;{{% else %}}?{{% endif %}}"
    return f"{{{{ cart.url }}}}{asks}{more}"


def _with(address: str, shops: Sequence[str], more: str) -> str:
    plain = _SHOP.sub(SHOP, address.strip())
    if "utm_" in plain or not any(_leads_to(plain, shop) for shop in shops):
        return address
    place, sharp, anchor = plain.partition("#")
    return f"{place}{'&amp;' if '?' in place else '?'}{more}{sharp}{anchor}"


def _leads_to(address: str, shop: str) -> bool:
    start, rest = address[: len(shop)], address[len(shop) :]
    return bool(shop) and start.lower() == shop.lower() and (not rest or rest[0] in "/?#")
