"""Writing to customers: tags, consent, metafields."""

from __future__ import annotations

import json
import re
from typing import Any

from graphql import GraphQLError

from plugin_server.demo.shopify_shop.fields import Context, View, field_of
from plugin_server.demo.shopify_shop.gids import number, parsed
from plugin_server.demo.shopify_shop.metafield_fields import digest, namespace_of
from plugin_server.demo.shopify_shop.model import Customer, Metafield
from plugin_server.demo.shopify_shop.model_made import MetafieldDefinition
from plugin_server.demo.shopify_shop.shop_fields import node
from plugin_server.demo.shopify_shop.state import ShopState

_MOST_TAGS = 250
_MOST_METAFIELDS = 25
_TOPICS = {"Customer": "CUSTOMERS_UPDATE", "Order": "ORDERS_UPDATED", "Product": "PRODUCTS_UPDATE",
           "Discount": "DISCOUNTS_UPDATE"}  # fmt: skip


def _tagged(context: Context, id: str) -> Any:
    found = node(context, id)
    return getattr(found, "of", found)


def _split(tags: list[str]) -> list[str]:
    """A comma in a tag splits it."""
    return [part.strip() for tag in tags for part in tag.split(",") if part.strip()]


def _keep_tags(context: Context, record: Any, tags: list[str], changed: list[str], event: str) -> dict[str, Any]:
    shop = context.shop
    if changed:
        record.tags = sorted(tags, key=str.lower)
        record.updated_at = shop.now()
        shop.save(record, _TOPICS[type(record).__name__])
        if isinstance(record, Customer):
            shop.tell(f"CUSTOMER_TAGS_{event}", (record, changed))
    return {"node": View("DiscountNode", record) if record.KIND == "Discount" else record, "userErrors": []}


@field_of("Mutation", "tagsAdd")
def _tags_add(_root: object, context: Context, id: str, tags: list[str]) -> dict[str, Any]:
    record = _tagged(context, id)
    if record is None or not hasattr(record, "tags"):
        return {"userErrors": [{"field": ["id"], "message": f"{(parsed(id) or ('Node',))[0]} does not exist"}]}
    held = {tag.lower() for tag in record.tags}
    new = {tag.lower(): tag for tag in _split(tags) if tag.lower() not in held}
    if len(record.tags) + len(new) > _MOST_TAGS:
        return {"userErrors": [{"field": ["tags"], "message": "Tags cannot be more than 250"}]}
    return _keep_tags(context, record, [*record.tags, *new.values()], list(new.values()), "ADDED")


@field_of("Mutation", "tagsRemove")
def _tags_remove(_root: object, context: Context, id: str, tags: list[str]) -> dict[str, Any]:
    record = _tagged(context, id)
    if record is None or not hasattr(record, "tags"):
        return {"userErrors": [{"field": ["id"], "message": f"{(parsed(id) or ('Node',))[0]} does not exist"}]}
    gone = {tag.lower() for tag in _split(tags)}
    left = [tag for tag in record.tags if tag.lower() not in gone]
    return _keep_tags(context, record, left, [tag for tag in record.tags if tag.lower() in gone], "REMOVED")


def _refused(field: list[str], message: str, code: str, customer: Customer | None = None) -> dict[str, Any]:
    return {"customer": customer, "userErrors": [{"field": field, "message": message, "code": code}]}


@field_of("Mutation", "customerCreate")
def _create(_root: object, context: Context, input: dict[str, Any]) -> dict[str, Any]:
    """A customer with no more than an address, who has not been asked about mails."""
    shop, email = context.shop, (input.get("email") or "").strip().lower()
    fault = (
        "must have a name, phone number or email address" if not email
        else "Email is invalid" if not re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", email)
        else "Email has already been taken" if shop.customer_by_email(email) else ""
    )  # fmt: skip
    if fault:
        return {"customer": None, "userErrors": [{"field": ["email"] if email else None, "message": fault}]}
    made = Customer(shop.next_id("Customer"), email, shop.now(), shop.now(), state="DISABLED")
    shop.save(made, "CUSTOMERS_CREATE")
    return {"customer": made, "userErrors": []}


@field_of("Mutation", "customerEmailMarketingConsentUpdate")
def _consent(_root: object, context: Context, input: dict[str, Any]) -> dict[str, Any]:
    shop, given = context.shop, input["emailMarketingConsent"]
    state, level, at = given["marketingState"], given.get("marketingOptInLevel"), given.get("consentUpdatedAt")
    place = ["input", "emailMarketingConsent"]
    if state not in {"SUBSCRIBED", "UNSUBSCRIBED", "PENDING"}:
        raise GraphQLError(f"Cannot specify {state} as a marketing state input", extensions={"code": "INVALID"})
    customer = shop.customers.get(number(input["customerId"], "Customer") or 0)
    if customer is None:
        return _refused(["input", "customerId"], "Customer not found", "INVALID")
    if state == "SUBSCRIBED" and level is None:
        return _refused(
            [*place, "marketingOptInLevel"], "Marketing opt in level must exist", "MISSING_ARGUMENT", customer
        )
    if state == "PENDING" and level != "CONFIRMED_OPT_IN":
        said = "Marketing opt in level must be confirmed opt-in for pending consent state"
        return _refused([*place, "marketingOptInLevel"], said, "INVALID", customer)
    if at is not None and at > shop.now():
        return _refused(
            [*place, "consentUpdatedAt"], "Consent updated at must not be in the future", "INVALID", customer
        )
    if customer.email is None:  # recorded: nothing happens, and nothing is said
        return {"customer": customer, "userErrors": []}
    customer.email_state, customer.email_level = state, level or customer.email_level
    customer.email_updated_at = at or shop.now()
    customer.updated_at = shop.now()
    shop.save(customer, "CUSTOMERS_UPDATE", "CUSTOMERS_EMAIL_MARKETING_CONSENT_UPDATE")
    return {"customer": customer, "userErrors": []}


_TYPES = {
    "number_integer": re.compile(r"^-?\d+$"),
    "number_decimal": re.compile(r"^-?\d+(\.\d+)?$"),
    "boolean": re.compile(r"^(true|false)$"),
    "date": re.compile(r"^\d{4}-\d\d-\d\d$"),
    "date_time": re.compile(r"^\d{4}-\d\d-\d\dT"),
    "single_line_text_field": re.compile(r"^[^\n]+$"),
}


def _unfit(kind: str, value: str) -> str | None:
    """What is wrong with a metafield's value."""
    pattern = _TYPES.get(kind)
    if value == "":
        return "Value may not be empty"
    if pattern is not None and not pattern.match(value):
        return f"Value must be a {kind.replace('_', ' ')}."
    if kind == "json":
        try:
            json.loads(value)
        except ValueError:
            return "Value is invalid JSON"
    return None


def _check_metafield(context: Context, at: int, given: dict[str, Any]) -> tuple[Any, dict[str, Any] | None]:
    """The metafield as it is now (None if new) and the error that refuses the change."""
    place = ["metafields", str(at)]
    space = namespace_of(given.get("namespace"))
    held = [one for one in context.shop.metafields_of(given["ownerId"]) if one.key == given["key"]]
    found = next((one for one in held if one.namespace == space), None)
    kind = given.get("type") or (found.type if found else None) or _defined(context.shop, given, space)

    def refused(field: str, message: str, code: str) -> tuple[Any, dict[str, Any]]:
        return found, {"field": [*place, field], "message": message, "code": code, "elementIndex": None}

    if node(context, given["ownerId"]) is None:
        return refused("ownerId", "Owner does not exist.", "INVALID")
    if kind is None:
        return refused("type", "Type can't be blank", "BLANK")
    unfit = _unfit(kind, given["value"])
    if unfit is not None:
        return refused("value", unfit, "INVALID_VALUE")
    if "compareDigest" in given and given["compareDigest"] != (digest(found) if found else None):
        said = "The resource has been updated since it was loaded. Try again with an updated `compareDigest` value."
        return refused("compareDigest", said, "STALE_OBJECT")
    return found, None


def _defined(shop: ShopState, given: dict[str, Any], space: str) -> str | None:
    wanted = (space, given["key"])
    return next((one.type for one in shop.definitions.values() if (one.namespace, one.key) == wanted), None)


@field_of("Mutation", "metafieldsSet")
def _set(_root: object, context: Context, metafields: list[dict[str, Any]]) -> dict[str, Any]:
    """All or nothing."""
    if len(metafields) > _MOST_METAFIELDS:
        said = f"Exceeded the maximum metafields input limit of {_MOST_METAFIELDS}."
        return {"userErrors": [{"field": ["metafields"], "message": said, "code": "LESS_THAN_OR_EQUAL_TO"}]}
    checked = [_check_metafield(context, at, given) for at, given in enumerate(metafields)]
    errors = [error for _, error in checked if error is not None]
    if errors:
        return {"userErrors": errors}
    shop, kept = context.shop, []
    for given, (found, _) in zip(metafields, checked, strict=True):
        space = namespace_of(given.get("namespace"))
        kind = given.get("type") or (found.type if found else None) or _defined(shop, given, space)
        one = found or Metafield(shop.next_id("Metafield"), given["ownerId"], space, given["key"], "", str(kind),
                                 shop.now(), shop.now())  # fmt: skip
        if (one.value, one.type) != (given["value"], kind):
            one.value, one.type, one.updated_at = given["value"], str(kind), shop.now()
            _touch(context, one.owner)
        shop.save(one)
        kept.append(one)
    return {"metafields": kept, "userErrors": []}


def _touch(context: Context, owner: str) -> None:
    """A changed metafield changes what it hangs on, and the webhooks say so."""
    record = _tagged(context, owner)
    topic = _TOPICS.get(type(record).__name__)
    if topic is not None:
        record.updated_at = context.shop.now()
        context.shop.save(record, topic)


@field_of("Mutation", "metafieldsDelete")
def _delete(_root: object, context: Context, metafields: list[dict[str, Any]]) -> dict[str, Any]:
    told: list[dict[str, Any] | None] = []
    for given in metafields:
        space = namespace_of(given.get("namespace"))
        held = context.shop.metafields_of(given["ownerId"])
        found = next((one for one in held if (one.namespace, one.key) == (space, given["key"])), None)
        if found is not None:
            context.shop.remove(found)
        told.append({"ownerId": given["ownerId"], "namespace": space, "key": given["key"]} if found else None)
    return {"deletedMetafields": told, "userErrors": []}


@field_of("Mutation", "metafieldDefinitionCreate")
def _define(_root: object, context: Context, definition: dict[str, Any]) -> dict[str, Any]:
    shop, space = context.shop, namespace_of(definition.get("namespace"))
    wanted = (definition["ownerType"], space, definition["key"])
    if any((one.owner_type, one.namespace, one.key) == wanted for one in shop.definitions.values()):
        said = f"Key is in use for {str(definition['ownerType']).title()} metafields on the '{space}' namespace."
        return _refused(["definition", "key"], said, "TAKEN")
    made = MetafieldDefinition(
        shop.next_id("MetafieldDefinition"), definition["name"], space, definition["key"], definition["type"],
        definition["ownerType"], {name: str(value) for name, value in (definition.get("access") or {}).items()},
    )  # fmt: skip
    shop.save(made)
    return {"createdDefinition": made, "userErrors": []}
