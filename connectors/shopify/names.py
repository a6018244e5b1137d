"""The name of a shop at Shopify, checked before it becomes part of any address or header."""

from __future__ import annotations

import re

from shopify.utils.shop_url import sanitize_shop_domain

from connectors.errors import ForbiddenHost

ADMIN = re.compile(r"(?:https?://)?admin\.shopify\.com/store/([a-z0-9-]{1,100})(?:[/?#].*)?")


def shop_name(typed: str) -> str:
    """``toko.myshopify.com`` from what an owner pastes (with https://, with /admin, or the bare name).

    Raises ``ForbiddenHost`` for anything else: a token must never travel to another host.
    """
    text = typed.strip().lower()
    if found := ADMIN.fullmatch(text):
        text = found[1]
    host = sanitize_shop_domain(text) if text.isascii() and text.isprintable() and len(text) < 300 else None
    if host is None:
        raise ForbiddenHost(
            "That is not the name of a Shopify shop. It ends in .myshopify.com; you find it in Shopify under Settings "
            "→ Domains."
        )
    return str(host)
