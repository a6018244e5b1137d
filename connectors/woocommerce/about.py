"""What a shop says of itself: name, address, version, storage, currency and time zone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from connectors.errors import ConnectorError
from connectors.woocommerce.client import WooClient, WooRefusal
from connectors.woocommerce.values import CURRENCY, part, text, title

STATUS_FIELDS = (
    "environment.home_url,environment.version,settings.HPOS_enabled,settings.currency,settings.enabled_features"
)
QUARTER = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class About:
    """The shop's word on itself; empty or None where it keeps silent. ``timezone`` as in ``StoreInfo``."""

    name: str
    home: str
    version: str
    hpos: bool | None
    currency: str
    timezone: str
    costs: bool


def read_about(client: WooClient) -> About:
    """Read all of it, by the ways a shop manager's key may go. Raises ``ConnectorError`` where the shop fails."""
    index, status = _index(client), _status(client)
    environment, settings = part(status, "environment"), part(status, "settings")
    features = settings.get("enabled_features")
    hpos = settings.get("HPOS_enabled")
    return About(
        name=title(index, "name"),
        home=text(index, "home", 500) or text(environment, "home_url", 500),
        version=text(environment, "version", 40),
        hpos=hpos if isinstance(hpos, bool) else None,
        currency=_currency(client, settings),
        timezone=_zone(index) or _zone_of_orders(client),
        costs=isinstance(features, list) and "cost_of_goods_sold" in features,
    )


def _index(client: WooClient) -> Mapping[str, Any]:
    reply = client.public("wp-json/", {"_fields": "name,url,home,gmt_offset,timezone_string"})
    if reply.status >= 300:
        return {}
    try:
        data = reply.json()
    except ConnectorError:
        return {}
    return data if isinstance(data, dict) else {}


def _status(client: WooClient) -> Mapping[str, Any]:
    try:
        data = client.get("system_status", {"_fields": STATUS_FIELDS}).data
    except WooRefusal:
        return {}
    return data if isinstance(data, dict) else {}


def read_currency(client: WooClient) -> str:
    """The shop's currency by the shortest way; empty where it does not tell."""
    return _current_currency(client) or _code(part(_status(client), "settings").get("currency"))


def _currency(client: WooClient, settings: Mapping[str, Any]) -> str:
    return _code(settings.get("currency")) or _current_currency(client)


def _current_currency(client: WooClient) -> str:
    try:
        data = client.get("data/currencies/current").data
    except WooRefusal:
        return ""
    return _code(data.get("code")) if isinstance(data, dict) else ""


def _code(value: object) -> str:
    return value if isinstance(value, str) and CURRENCY.fullmatch(value) else ""


def _zone(index: Mapping[str, Any]) -> str:
    """An IANA name, or the fixed offset a shop without a city has; empty where it does not say."""
    name = index.get("timezone_string")
    if isinstance(name, str) and name:
        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            return ""
        return name
    try:
        offset = timedelta(hours=float(str(index.get("gmt_offset"))))
    except (ValueError, OverflowError):
        return ""
    return written_offset(offset)


def written_offset(offset: timedelta) -> str:
    """``+07:00`` for seven hours; empty for what no zone on earth has."""
    minutes = round(offset / QUARTER) * 15
    if abs(minutes) > 14 * 60:
        return ""
    return f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}"


def _zone_of_orders(client: WooClient) -> str:
    """Where the index is hidden: the distance between local and GMT time of the latest order."""
    try:
        rows, _ = client.rows("orders", {"per_page": 1, "_fields": "date_created,date_created_gmt"})
    except WooRefusal:
        return ""
    row = rows[0] if rows and isinstance(rows[0], dict) else {}
    try:
        local, gmt = (datetime.fromisoformat(str(row.get(name))) for name in ("date_created", "date_created_gmt"))
        return written_offset(local.replace(tzinfo=None) - gmt.replace(tzinfo=None))
    except ValueError:
        return ""
