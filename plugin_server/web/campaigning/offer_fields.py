"""What a campaign gives, as flat fields. They are read off the classes of the kinds: a new kind brings its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cache
from typing import Any, Final, Literal, get_args, get_origin

from pydantic import BaseModel
from werkzeug.datastructures import MultiDict

from campaigns.offers.offer import LOYAL, Given, Offer
from plugin_server.web.typed import plain

COMMON: Final = ("valid_days", "budget", "code_prefix")
"""What every kind has: the fields of ``Given``."""
FRONT: Final = frozenset({"value", "minimum", "percent", "amount", "get", "link_may_spread"})
"""Fields that are shown although a kind can do without; others that it can do without are folded away."""
SHAPES: Final = {
    "rungs": "rungs", "by_rung": "by_rung", "products": "goods", "get_products": "goods", "product": "good",
    "categories": "shelves",
}  # fmt: skip
"""Fields that are not told apart by their type."""
SEVERAL: Final = ("rungs", "goods", "good", "shelves")
"""Shapes that are sent as one field for each choice."""


@dataclass(frozen=True, slots=True)
class OfferField:
    """One field of a kind, as in the schema. ``front`` is False for what is rarely changed.

    ``shape`` is number, tick, choice, goods, good (one of them), shelves (categories), rungs, by_rung (a number for
    each), day or text.
    """

    kind: str
    name: str
    shape: str
    front: bool
    otherwise: str = ""
    choices: tuple[str, ...] = ()

    @property
    def path(self) -> str:
        """Its name in the form."""
        return f"offer.{self.kind}.{self.name}"


@cache
def classes() -> dict[str, type[BaseModel]]:
    """The class of each kind, in the schema's order."""
    found = get_args(get_args(Offer)[0])
    return {get_args(one.model_fields["kind"].annotation)[0]: one for one in found}


@cache
def own_fields(kind: str) -> tuple[OfferField, ...]:
    """The fields that a kind has besides those of all, the needed ones first; none for an unknown kind."""
    found = classes().get(kind, Given).model_fields
    made = [_field(kind, name, field) for name, field in found.items() if name not in (*COMMON, "kind")]
    return tuple(sorted(made, key=lambda one: not one.front))


def _field(kind: str, name: str, field: Any) -> OfferField:
    parts = [part for part in get_args(field.annotation) if part is not type(None)] or [field.annotation]
    choices = next((get_args(part) for part in [field.annotation, *parts] if get_origin(part) is Literal), ())
    goods = name in ("products", "categories") and kind not in ("percentage", "fixed")
    front = field.is_required() or name in FRONT or name == "rungs" or goods
    default = "" if field.is_required() or field.default is None else str(field.default)
    shape = _shape(name, parts, choices)
    otherwise = default if shape in ("number", "choice") else ",".join(LOYAL) if shape == "rungs" else ""
    return OfferField(kind, name, shape, front, otherwise, tuple(map(str, choices)))


def _shape(name: str, parts: list[Any], choices: tuple[Any, ...]) -> str:
    if name in SHAPES:
        return SHAPES[name]
    if choices:
        return "choice"
    plain = {get_args(part)[0] if hasattr(part, "__metadata__") else part for part in parts}
    for shape, kinds in (("tick", {bool}), ("day", {date}), ("number", {int, Decimal})):
        if plain & kinds:
            return shape
    return "text"


def offer_fields(offer: Mapping[str, Any] | None) -> list[tuple[str, str]]:
    """The fields of an offer as ``schema.dump`` gives it."""
    if offer is None:
        return [("offer.kind", "")]
    made = [("offer.kind", offer["kind"])]
    made += [(f"offer.{name}", str(offer[name])) for name in COMMON if offer.get(name) is not None]
    for field in own_fields(offer["kind"]):
        value = offer.get(field.name)
        if field.shape == "tick":
            made += [(field.path, "1")] if value else []
        elif field.shape == "good":
            made += [(field.path, value)] if value else []
        elif field.shape in SEVERAL:
            made += [(field.path, key) for key in value or ()]
        elif field.shape == "by_rung":
            made += [(f"{field.path}.{key}", str(share)) for key, share in (value or {}).items()]
        elif value is not None:
            made.append((field.path, str(value)))
    return made


def read_offer(given: MultiDict[str, str], base: Mapping[str, Any] | None, language: str) -> dict[str, Any] | None:
    """The offer as plain data, None for none; what the form has no field for is kept while the kind is the same."""
    kind = given.get("offer.kind", "")
    if not kind:
        return None
    made: dict[str, Any] = dict(base) if base and base.get("kind") == kind else {}
    prefix = given.get("offer.code_prefix", "").strip().upper()
    made |= {"kind": kind, "valid_days": given.get("offer.valid_days", ""), "code_prefix": prefix or None}
    made["budget"] = plain(given.get("offer.budget", ""), language) or None
    for field in own_fields(kind):
        made[field.name] = _read(given, field, language)
    return {name: value for name, value in made.items() if value is not None}


def _read(given: MultiDict[str, str], field: OfferField, language: str) -> Any:
    text = given.get(field.path, "").strip()
    if field.shape == "tick":
        return field.path in given
    if field.shape == "rungs":
        return given.getlist(field.path) or None
    if field.shape in ("goods", "shelves"):
        return list(dict.fromkeys(ref for one in given.getlist(field.path) if (ref := one.strip())))
    if field.shape == "by_rung":
        own = {
            name.removeprefix(f"{field.path}."): value for name, value in given.items() if name.startswith(field.path)
        }
        return {rung: plain(value, language) for rung, value in own.items() if value.strip()}
    return (plain(text, language) if field.shape == "number" else text) or None
