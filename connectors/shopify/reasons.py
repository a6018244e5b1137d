"""Why Shopify refuses an input, by the codes of its ``userErrors``, in words that can be said in any language.

Codes are those of the schema's ``…UserErrorCode`` and ``DiscountErrorCode``; one that is not here speaks for itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

_MISSING = "something that it needs is missing"
_INVALID = "something in it is not valid"
_CONFLICT = "two parts of it contradict each other"
_TAKEN = "there is one like it already"
_LARGE = "a number in it is too large or too small"
_LONG = "a text in it is too long or too short"
_MANY = "it would be one more than Shopify allows"
_FAILED = "it failed at it"
_GONE = "it is no longer there"
_FIXED = "this can no longer be changed"
_CURRENCY = "its amounts are in different currencies"
_RIGHT = "the app lacks the right for it"

REASONS: Final[Mapping[str, str]] = {
    **dict.fromkeys(("BLANK", "MISSING_ARGUMENT", "INVALID_MARKETING_ENGAGEMENT_ARGUMENT_MISSING",
                     "NON_HIERARCHIAL_REQUIRES_UTM_URL_PARAMETER", "APPLIES_ON_NOTHING"), _MISSING),
    **dict.fromkeys(("INVALID", "INCLUSION", "INVALID_VALUE", "INVALID_TYPE", "INVALID_REMOTE_ID", "PRESENT",
                     "INVALID_CHANNEL_HANDLE", "INVALID_MARKETING_ENGAGEMENT_ARGUMENTS", "CAPABILITY_VIOLATION",
                     "INVALID_MARKETING_ACTIVITY_EXTERNAL_ARGUMENTS"), _INVALID),
    **dict.fromkeys(("CONFLICT", "END_DATE_BEFORE_START_DATE", "INVALID_COMBINES_WITH_FOR_DISCOUNT_CLASS",
                     "MINIMUM_SUBTOTAL_AND_QUANTITY_RANGE_BOTH_PRESENT", "TOO_MANY_ARGUMENTS",
                     "DISCOUNT_NOT_COMPATIBLE_WITH_CONDITION_TYPES", "ACTIVE_PERIOD_OVERLAP"), _CONFLICT),
    **dict.fromkeys(("TAKEN", "DUPLICATE", "IMPLICIT_DUPLICATE", "MARKETING_ACTIVITY_WITH_REMOTE_ID_ALREADY_EXISTS",
                     "MARKETING_ACTIVITY_WITH_URL_PARAMETER_VALUE_ALREADY_EXISTS", "UNSTRUCTURED_ALREADY_EXISTS",
                     "MARKETING_ACTIVITY_WITH_UTM_CAMPAIGN_ALREADY_EXISTS"), _TAKEN),
    **dict.fromkeys(("EQUAL_TO", "GREATER_THAN", "GREATER_THAN_OR_EQUAL_TO", "LESS_THAN", "LESS_THAN_OR_EQUAL_TO",
                     "VALUE_OUTSIDE_RANGE"), _LARGE),
    **dict.fromkeys(("TOO_LONG", "TOO_SHORT", "INVALID_TAG_LENGTH"), _LONG),
    **dict.fromkeys(("EXCEEDED_MAX", "MAX_APP_DISCOUNTS", "TOO_MANY_TAGS", "LIMIT_EXCEEDED",
                     "RESOURCE_TYPE_LIMIT_EXCEEDED", "RESOURCE_TYPE_LIMIT_EXCEEDED_BY_APP"), _MANY),
    **dict.fromkeys(("INTERNAL_ERROR", "DELETE_JOB_FAILED_TO_ENQUEUE"), _FAILED),
    **dict.fromkeys(("MARKETING_ACTIVITY_DOES_NOT_EXIST", "MARKETING_EVENT_DOES_NOT_EXIST", "DELETE_JOB_ENQUEUED"),
                    _GONE),
    **dict.fromkeys(("IMMUTABLE_CHANNEL_HANDLE", "IMMUTABLE_HIERARCHY_LEVEL", "IMMUTABLE_PARENT_ID", "STALE_OBJECT",
                     "IMMUTABLE_URL_PARAMETER", "IMMUTABLE_UTM_PARAMETERS", "ACTIVITY_NOT_EXTERNAL"), _FIXED),
    **dict.fromkeys(("CURRENCY_CODE_MISMATCH_INPUT", "MARKETING_ACTIVITY_CURRENCY_CODE_MISMATCH"), _CURRENCY),
    "APP_NOT_AUTHORIZED": _RIGHT,
}  # fmt: skip
"""{Shopify's code: the reason, as the end of «Shopify refuses this: …»}"""
