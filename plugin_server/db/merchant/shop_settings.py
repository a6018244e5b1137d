"""What an owner may change about the business, checked before anything is written."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from sqlalchemy import Connection, select, text, update

from plugin_server.db.merchant.merchants import LOCALES, BadMerchant, checked_email
from plugin_server.db.models.merchant import Merchant

LONGEST = 500


def checked(given: Mapping[str, str]) -> tuple[dict[str, Any], dict[str, str]]:
    """(values, faults by field) of a settings form. ``holdout`` comes in percent; a fault is a phrase's key."""
    text = {name: " ".join(given.get(name, "").split())[:LONGEST] for name in ("name", "from_name")}
    text["postal_address"] = given.get("postal_address", "").strip()[:LONGEST]
    faults = {"name": "needed"} if not text["name"] else {}
    values: dict[str, Any] = {**text, "from_name": text["from_name"] or None}
    try:
        values["from_email"] = (
            checked_email(given["from_email"].strip()) if given.get("from_email", "").strip() else None
        )
    except BadMerchant:
        faults["from_email"] = "email"
    values["locale"] = given.get("locale", "")
    if values["locale"] not in LOCALES:
        faults["locale"] = "choice"
    try:
        share = Decimal(given.get("holdout", "").replace(",", ".")) / 100
        if not Decimal(0) <= share <= Decimal("0.5"):
            faults["holdout"] = "holdout"
        values["holdout_share"] = share
    except InvalidOperation:
        faults["holdout"] = "holdout"
    return values, faults


def save(connection: Connection, values: dict[str, Any]) -> None:
    """Write checked values to the merchant of this transaction. Shops are told rungs in another language again."""
    if values.get("locale"):
        connection.execute(text(_OTHER_WORDS), {"locale": values["locale"]})
    connection.execute(update(Merchant).values(**values))


_OTHER_WORDS: Final = """UPDATE identity SET told_rung = NULL
    WHERE told_rung IS NOT NULL AND (SELECT locale FROM merchant) <> :locale"""


def postal_address(connection: Connection) -> str:
    """That of the merchant of this transaction; empty where it has none."""
    return str(connection.scalar(select(Merchant.postal_address)))
