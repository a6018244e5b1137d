"""Metafields and their definitions, as the schema shows them."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from plugin_server.demo.shopify_shop.connections import Rows, listed
from plugin_server.demo.shopify_shop.fields import Context, Resolver, field_of, fields
from plugin_server.demo.shopify_shop.gids import gid, parsed
from plugin_server.demo.shopify_shop.model import Metafield

OWN_APP = 1


def namespace_of(given: str | None) -> str:
    """``$app:x`` is the app's own namespace; so is none at all."""
    if given is None or given == "$app":
        return f"app--{OWN_APP}"
    return f"app--{OWN_APP}--{given[5:]}" if given.startswith("$app:") else given


def metafield(context: Context, owner: str, key: str, namespace: str | None) -> Metafield | None:
    """One metafield of the thing with gid ``owner``; ``key`` may carry the namespace before a dot."""
    if namespace is None and "." in key:
        namespace, _, key = key.rpartition(".")
    wanted = (namespace_of(namespace), key)
    return next((one for one in context.shop.metafields_of(owner) if (one.namespace, one.key) == wanted), None)


def metafields(context: Context, owner: str, args: dict[str, Any]) -> Rows:
    """A page of the metafields of ``owner``, of one namespace or with given keys where asked."""
    held = context.shop.metafields_of(owner)
    if args.get("namespace"):
        held = [one for one in held if one.namespace == namespace_of(args["namespace"])]
    if args.get("keys"):
        wanted = {(namespace_of(space or None), key) for space, _, key in (k.rpartition(".") for k in args["keys"])}
        held = [one for one in held if (one.namespace, one.key) in wanted]
    return listed(held, args, bulk=context.bulk)


def digest(one: Metafield) -> str:
    """The compareDigest of a metafield's value."""
    return hashlib.sha256(f"{one.type} {one.value}".encode()).hexdigest()


def _json_value(one: Metafield) -> Any:
    plain = one.type.startswith(("number_integer", "boolean", "json", "list."))
    return json.loads(one.value) if plain else one.value


fields(
    "Metafield",
    {
        "id": lambda one, _: gid("Metafield", one.id),
        "legacyResourceId": lambda one, _: one.id,
        "compareDigest": lambda one, _: digest(one),
        "jsonValue": lambda one, _: _json_value(one),
        "ownerType": lambda one, _: (parsed(one.owner) or ("CUSTOMER",))[0].upper(),
        "sizeInBytes": lambda one, _: len(one.value.encode()),
    },
)
fields(
    "MetafieldDefinition",
    {
        "id": lambda one, _: gid("MetafieldDefinition", one.id),
        "ownerType": lambda one, _: one.owner_type,
        "type": lambda one, _: {"name": one.type},
    },
)


@field_of("QueryRoot", "metafieldDefinitions")
def _definitions(
    _root: object, context: Context, ownerType: str | None = None, key: str | None = None,
    namespace: str | None = None, **args: Any,
) -> Rows:  # fmt: skip
    wanted = [
        one
        for one in context.shop.definitions.values()
        if (ownerType in {None, one.owner_type})
        and (key in {None, one.key})
        and (namespace is None or namespace_of(namespace) == one.namespace)
    ]
    return listed(wanted, args)


def hung_on(kind: str) -> dict[str, Resolver]:
    """The two fields that everything with metafields has."""
    return {
        "metafield": lambda one, context, key, namespace=None: metafield(context, gid(kind, one.id), key, namespace),
        "metafields": lambda one, context, **args: metafields(context, gid(kind, one.id), args),
    }
