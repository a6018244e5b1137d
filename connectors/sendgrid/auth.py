"""A SendGrid key, asked of SendGrid itself before anybody relies on it."""

from __future__ import annotations

import re
from typing import Final

from connectors.errors import ConnectorError
from connectors.sendgrid.api import HOST, Api, Refused
from connectors.sendgrid.webhooks import check_keys

EUROPE: Final = "https://api.eu.sendgrid.com"
"""The host of accounts whose data stays in the European Union."""
NEEDED: Final = "mail.send"
_WRITTEN: Final = re.compile(r"SG\.[\w.-]{5,200}", re.ASCII)
_WRONG: Final = {
    401: "SendGrid does not know this API key. Copy it whole, and mind the region of the account.",
    403: "SendGrid knows this API key and refuses it. See in your account whether it is blocked.",
}


def check_key(api_key: str, host: str = HOST) -> None:
    """Return if this key may send mail by the account at ``host``; nothing is sent. Raises ``ConnectorError``.

    Asks ``GET /v3/scopes``, which every key may ask and which lists what it may do.
    """
    if not _WRITTEN.fullmatch(api_key):
        raise ConnectorError("That is no API key of SendGrid. It begins with SG. and is shown once.", code="wrong_key")
    try:
        found = Api(api_key, host, rights="tell what it may do").call("GET", "/v3/scopes")
    except Refused as error:
        raise ConnectorError(_WRONG.get(error.status, error.sentence), code="wrong_key") from error
    scopes = found.get("scopes") if isinstance(found, dict) else None
    if not isinstance(scopes, list) or NEEDED not in scopes:
        raise ConnectorError(
            "This API key may not send mail. Give it the permission Mail Send in your SendGrid account.",
            code="no_rights",
        )


def check_public_key(key: str) -> None:
    """Return if the signed event webhook may show this as its key, or if there is none. Raises ``ConnectorError``."""
    try:
        check_keys([key] if key else [])
    except ValueError as error:
        raise ConnectorError(
            "That is no verification key of SendGrid's event webhook. Copy it from there, or leave the field empty.",
            code="wrong_public_key",
        ) from error
