"""Variants as flat fields: ``v0.``, ``v1.`` … stand before those of a variant's own mail and offer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from werkzeug.datastructures import MultiDict

from plugin_server.locales import LANGUAGES
from plugin_server.web.campaigning.mail_fields import read_wording, wording_fields
from plugin_server.web.campaigning.offer_fields import offer_fields, read_offer
from plugin_server.web.campaigning.steps import Fields, Pairs, marked, with_marked
from plugin_server.web.typed import plain

NAMES: Final = ("a", "b", "c", "d")
"""As many as can be compared."""


def variant_fields(variants: Sequence[Mapping[str, Any]]) -> Pairs:
    """The fields of variants as ``schema.dump`` gives them."""
    return [(f"v{place}.{name}", value) for place, one in enumerate(variants) for name, value in _own(one)]


def _own(variant: Mapping[str, Any]) -> Pairs:
    made: Pairs = [("key", variant["key"])]
    if variant.get("share") is not None:
        made.append(("share", percent(variant["share"])))
    for language, wording in (variant.get("message") or {}).items():
        if language in LANGUAGES:
            made += [("message.languages", language), *wording_fields(language, wording)]
    offer = variant.get("offer")
    made.append(("offer_is", "own" if isinstance(offer, Mapping) else offer or ""))
    return made + (offer_fields(offer) if isinstance(offer, Mapping) else [])


def percent(share: Any) -> str:
    """A share of 1 as people write it: ``12.5``."""
    return format((Decimal(str(share)) * 100).normalize(), "f")


def part_of_one(typed: str) -> str:
    """What was typed in percent, as a share of 1; as it is where it is no number."""
    try:
        return str(Decimal(typed) / 100) if typed else "0"
    except InvalidOperation:
        return typed


def read_variants(given: Fields, base: Sequence[Mapping[str, Any]], language: str) -> list[dict[str, Any]]:
    """Plain data for the schema. What has no field is kept of the variant with the same key."""
    known = {one["key"]: one for one in base}
    made = []
    for own in marked(given, "v"):
        old = known.get(own.get("key", ""), {})
        told = old.get("message") or {}
        one: dict[str, Any] = {"key": own.get("key", "").strip()}
        if share := plain(own.get("share", ""), language):
            one["share"] = part_of_one(share)
        one["message"] = {name: text for name, text in told.items() if name not in LANGUAGES}
        for code in own.getlist("message.languages"):
            if code in LANGUAGES:
                one["message"][code] = read_wording(own, code, told.get(code) or {})
        if old.get("subject"):
            one["subject"] = old["subject"]  # the composer's
        if own.get("offer_is") == "none":
            one["offer"] = "none"
        elif own.get("offer_is") == "own":
            before = old.get("offer")
            one["offer"] = read_offer(own, before if isinstance(before, Mapping) else None, language) or {}
        made.append(one)
    return made


def edited(given: Fields, act: str) -> Fields:
    """The fields after ``add`` (two at first: the campaign as it is, and another) or ``remove:N`` (none alone)."""
    parts, (what, _, where) = marked(given, "v"), act.partition(":")
    if what == "add" and len(parts) < len(NAMES):
        for _ in range(1 if parts else 2):
            taken = {one.get("key") for one in parts}
            parts.append(MultiDict({"key": next(name for name in NAMES if name not in taken)}))
    elif what == "remove" and where.isdecimal() and int(where) < len(parts):
        del parts[int(where)]
        parts = parts if len(parts) > 1 else []
    return with_marked(given, "v", parts)
