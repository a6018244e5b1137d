"""What Shopify says when it says no, in our words: wait, give up, or mend something, each with its sentence.

A refusal comes in four places: the HTTP status, ``errors`` beside ``data`` (also beside data that is there in part),
``userErrors`` inside a mutation's answer, and ``extensions.search`` where a search key is unknown: Shopify then leaves
the condition out and answers with everything.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from connectors.errors import ConnectorError
from connectors.shopify.reasons import REASONS

COME_BACK = 60.0
LONGEST = 300
SCOPE = re.compile(r"`((?:read|write)_[a-z_]{1,60})`")
PROTECTED = ("protected-customer-data", "protected customer data", "not approved to")
UNFIT = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ufeff]")


class ShopifyRefusal(ConnectorError):
    """Shopify said no. ``reason`` is its own code (``ACCESS_DENIED``), ``scope`` the missing access scope if named."""

    def __init__(
        self,
        sentence: str,
        *,
        code: str,
        reason: str = "",
        scope: str = "",
        retry_after: float | None = None,
        ambiguous: bool = False,
    ) -> None:
        super().__init__(sentence, code=code, retry_after=retry_after, ambiguous=ambiguous)
        self.reason = reason
        self.scope = scope


@dataclass(frozen=True, slots=True)
class UserError:
    """One ``userErrors`` entry: the path of the argument, Shopify's message and code (empty where it gives none)."""

    field: tuple[str, ...]
    message: str
    code: str


class Rejected(ShopifyRefusal):
    """A mutation ran and refused its input: nothing was changed by what ``errors`` names. ``payload`` is its answer."""

    def __init__(self, errors: tuple[UserError, ...], payload: Mapping[str, Any]) -> None:
        told = "; ".join(dict.fromkeys(error.message or error.code for error in errors))
        why = next((REASONS[error.code] for error in errors if error.code in REASONS), "")
        sentence = f"Shopify refuses this, for {why}. It says: {told}" if why else f"Shopify refuses this: {told}"
        super().__init__(sentence[:LONGEST], code="refused", reason=errors[0].code)
        self.errors = errors
        self.payload = payload


def plain(message: object) -> str:
    """A message of Shopify as one line of plain text, at most 300 characters."""
    text = UNFIT.sub(" ", message) if isinstance(message, str) else ""
    return " ".join(text.split())[:LONGEST]


def user_errors(payload: Mapping[str, Any]) -> tuple[UserError, ...]:
    """The ``userErrors`` of a mutation's answer."""
    rows = payload.get("userErrors")
    return tuple(
        UserError(
            tuple(str(part) for part in row.get("field") or ()), plain(row.get("message")), str(row.get("code") or "")
        )
        for row in (rows if isinstance(rows, list) else [])
        if isinstance(row, dict)
    )


def by_status(status: int, body: Mapping[str, Any]) -> ShopifyRefusal:
    """The refusal behind an HTTP status of 400 and above (429, 430 and 5xx are told apart before)."""
    said = body.get("errors")
    message = plain(said if isinstance(said, str) else "")
    code, sentence = STATUSES.get(
        status, ("refused", f"Shopify refuses this ({status}){': ' if message else '.'}{message}")
    )
    return ShopifyRefusal(sentence, code=code, reason=str(status))


STATUSES = {
    401: (
        "bad_token",
        "Shopify does not accept the access token: it is mistyped, expired, or the app was uninstalled. Open the app "
        "in Shopify again, or enter a new token.",
    ),
    402: ("shop_closed", "The shop is frozen because a bill at Shopify is open. We go on once it is paid."),
    403: ("forbidden", "Shopify lets the app do nothing in this shop. Install it again, and grant all it asks for."),
    404: (
        "wrong_shop",
        "There is no Shopify shop at this address, or it no longer offers the version of the API that we speak. Check "
        "the name ending in .myshopify.com, then update this program.",
    ),
    406: ("bad_query", "Shopify did not understand our request. Update this program; if that does not help, tell us."),
    423: ("shop_closed", "Shopify has locked this shop. The owner must speak to Shopify's support."),
}
WAITING = {"THROTTLED": "throttled", "INTERNAL_SERVER_ERROR": "server_error", "TIMEOUT": "server_error"}
QUERY_FAULTS = re.compile(
    r"undefined|mismatch|missingRequired|argumentNotAccepted|argumentLiterals|variable|fieldMustNot|selection|"
    r"fragment|parse|INVALID_VARIABLE|BAD_REQUEST|unknown",
    re.IGNORECASE,
)


def by_errors(errors: Iterable[Any], *, writes: bool) -> ShopifyRefusal:
    """The gravest of the top-level ``errors`` as what to raise. ``writes``: whether the request was a mutation."""
    rows = [row if isinstance(row, dict) else {"message": row} for row in errors]
    found = [_one(row, writes) for row in rows]
    # What waiting mends comes last: a missing right stays missing however long we wait.
    return min(found, key=lambda refusal: not refusal.permanent)


def _one(row: Mapping[str, Any], writes: bool) -> ShopifyRefusal:
    extensions = row.get("extensions")
    more = extensions if isinstance(extensions, dict) else {}
    reason, message = str(more.get("code") or ""), plain(row.get("message"))
    if reason == "THROTTLED" or (not reason and message == "Throttled"):
        # Refused before it ran, so a mutation is certain not to have taken effect.
        return ShopifyRefusal(
            "Shopify asks us to slow down. We wait and go on.", code="throttled", reason=reason, retry_after=COME_BACK
        )
    if reason in WAITING:
        sentence = "Shopify failed while it answered. We try again later; status.shopify.com tells of outages."
        return ShopifyRefusal(sentence, code=WAITING[reason], reason=reason, retry_after=COME_BACK, ambiguous=writes)
    if reason == "ACCESS_DENIED" or message.startswith("Access denied"):
        return _denied(more, message)
    if reason == "MAX_COST_EXCEEDED":
        return ShopifyRefusal(f"We asked Shopify for too much at once. {message}", code="max_cost", reason=reason)
    if reason == "MAX_INPUT_SIZE_EXCEEDED":
        return ShopifyRefusal(f"We sent Shopify too many at once. {message}", code="too_many", reason=reason)
    if reason == "SHOP_INACTIVE":
        return ShopifyRefusal("The shop is closed at Shopify. Open it again there.", code="shop_closed", reason=reason)
    if QUERY_FAULTS.search(reason):
        sentence = f"Shopify did not understand our request. Update this program. It said: {message}"
        return ShopifyRefusal(sentence[:LONGEST], code="bad_query", reason=reason)
    return ShopifyRefusal(
        f"Shopify refuses this: {message or reason or 'no reason given'}", code="refused", reason=reason
    )


def is_protected(row: Mapping[str, Any]) -> bool:
    """True where an error says that the app may not see personal data of this kind."""
    extensions = row.get("extensions")
    told = f"{row.get('message')} {extensions.get('documentation') if isinstance(extensions, dict) else ''}".lower()
    return any(words in told for words in PROTECTED)


def _denied(more: Mapping[str, Any], message: str) -> ShopifyRefusal:
    scopes = dict.fromkeys(SCOPE.findall(str(more.get("requiredAccess") or "")) or SCOPE.findall(message))
    if scopes:
        named = " or ".join(scopes)
        sentence = f"The app lacks the access scope {named}. Grant it in Shopify: open the app there and accept."
        return ShopifyRefusal(sentence, code="missing_scope", reason="ACCESS_DENIED", scope=next(iter(scopes)))
    if is_protected({"message": message, "extensions": more}):
        return ShopifyRefusal(
            "Shopify has not approved the app for personal data of customers. Ask for it in the Partner Dashboard "
            "under API access → Protected customer data.",
            code="protected_data",
            reason="ACCESS_DENIED",
        )
    return ShopifyRefusal(f"Shopify denies access: {message}", code="missing_scope", reason="ACCESS_DENIED")


def search_warnings(extensions: Mapping[str, Any]) -> str:
    """Why a search did not mean what we asked, as a sentence; empty where it did."""
    searches = extensions.get("search")
    warnings = [
        warning
        for search in (searches if isinstance(searches, list) else [])
        if isinstance(search, dict)
        for warning in search.get("warnings") or ()
    ]
    if not warnings:
        return ""
    first = warnings[0] if isinstance(warnings[0], dict) else {"message": warnings[0]}
    told = plain(first.get("message")) or "no reason given"
    return f"Shopify ignored a condition of our search and would have answered with everything: {told}"
