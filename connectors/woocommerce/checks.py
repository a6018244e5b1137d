"""What could be wrong with a connection, one finding each, with its mend. Nothing is left behind in the shop."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from connectors.errors import ConnectorError
from connectors.hosts import guard_url
from connectors.types import Check
from connectors.woocommerce.about import About, read_about
from connectors.woocommerce.auth import KeyPair
from connectors.woocommerce.client import AUTH_ERROR, WooClient, WooRefusal

OLDEST = (8, 0)
LARGEST_SKEW = timedelta(minutes=5)
LISTS = {"customers": "customers", "coupons": "coupons", "products": "products", "webhooks": "webhooks"}
OFFSET = re.compile(r"([+-])([0-9]{2}):([0-9]{2})")


@dataclass(frozen=True, slots=True)
class Connection:
    """What is checked: the client, the keys as entered, and the zone the merchant counts in (None: no opinion)."""

    client: WooClient
    pair: KeyPair
    allow_private: bool
    timezone: str | None


def run_checks(connection: Connection) -> list[Check]:
    """All findings, in the order in which they matter; after one that blocks the rest, the rest is left out."""
    found: list[Check] = []
    for step in (_address, _site, _key, _write, _rights, _about):
        checks = list(step(connection))
        found += checks
        if any(not check.ok for check in checks) and step in (_address, _site, _key):
            break
    return found


def _address(connection: Connection) -> Iterator[Check]:
    url = connection.client.url
    try:
        guard_url(url, allow_private=connection.allow_private)
    except ConnectorError as error:
        yield Check("address", False, error.sentence)
        return
    yield Check("address", True, f"{url} may be called.")
    secure = url.startswith("https://")
    yield Check("https", True, "Keys travel encrypted." if secure else "Plain http: for development only.")


def _site(connection: Connection) -> Iterator[Check]:
    """Reachable at all, and with an address for its API: without pretty permalinks no key works."""
    try:
        reply = connection.client.public("wp-json/", {"_fields": "name,namespaces"})
    except ConnectorError as error:
        yield Check("reachable", False, error.sentence)
        return
    yield Check("reachable", True, "The shop answers.")
    if reply.status in (401, 403):
        yield Check("permalinks", True, "The shop hides its index, which is fine as long as the key works.")
        return
    spaces = _namespaces(reply.json) if reply.status < 300 else None
    if spaces is None:
        yield Check(
            "permalinks",
            False,
            "The shop has no API at /wp-json. In WordPress, open Settings → Permalinks and choose anything but Plain.",
        )
        return
    yield Check("permalinks", True, "The API has its own address.")
    if "wc/v3" not in spaces:
        yield Check("woocommerce", False, "WooCommerce is not active at this address. Activate it under Plugins.")


def _namespaces(read: Callable[[], Any]) -> list[Any] | None:
    try:
        data = read()
    except ConnectorError:
        return None
    spaces = data.get("namespaces") if isinstance(data, dict) else None
    return spaces if isinstance(spaces, list) else None


def _key(connection: Connection) -> Iterator[Check]:
    fault = connection.pair.fault()
    if fault:
        yield Check("key", False, fault)
        return
    try:
        connection.client.get("orders", {"per_page": 1, "_fields": "id"})
    except WooRefusal as error:
        if error.reason == AUTH_ERROR and _may_write(connection.client):
            yield Check("read", False, "The key may only write. Make one with Read/Write permission.")
            return
        yield Check("rights" if error.code == "no_rights" else "key", False, error.sentence)
        return
    except ConnectorError as error:
        yield Check("key", False, error.sentence)
        return
    yield Check("key", True, "The shop accepts the key.")
    yield Check("read", True, "Orders can be read.")


def _write(connection: Connection) -> Iterator[Check]:
    """May the key write? A coupon without a code is always refused; only the reason differs, and nothing is made."""
    try:
        made = connection.client.write("POST", "coupons", {})
    except WooRefusal as error:
        if error.code in ("read_only", "no_rights", "wrong_key", "blocked"):
            yield Check("write", False, error.sentence)
        else:
            yield Check("write", True, "Coupons, webhooks and rungs can be written.")
        return
    except ConnectorError as error:
        yield Check("write", False, error.sentence)
        return
    _clear_away(connection.client, made)
    yield Check("write", True, "Coupons, webhooks and rungs can be written.")


def _may_write(client: WooClient) -> bool:
    """Whether a key that may not read has the right secret at least: then a coupon without a code is merely invalid."""
    try:
        _clear_away(client, client.write("POST", "coupons", {}, blind=True))
    except WooRefusal as error:
        return error.status not in (401, 403)
    except ConnectorError:
        return False
    return True


def _clear_away(client: WooClient, made: object) -> None:
    if isinstance(made, dict) and isinstance(made.get("id"), int) and made["id"] > 0:
        client.write("DELETE", f"coupons/{made['id']}", params={"force": "true"})


def _rights(connection: Connection) -> Iterator[Check]:
    """The key's user may see orders and still not the rest: ask for one row of each."""
    denied: list[str] = []
    for path, noun in LISTS.items():
        try:
            connection.client.get(path, {"per_page": 1, "_fields": "id"})
        except WooRefusal:
            denied.append(noun)
        except ConnectorError as error:
            yield Check("rights", False, error.sentence)
            return
    if denied:
        sentence = f"The key's user may not see {', '.join(denied)}. Make the key for a shop manager or administrator."
        yield Check("rights", False, sentence)
    else:
        yield Check("rights", True, "The key's user may see all we need.")


def _about(connection: Connection) -> Iterator[Check]:
    try:
        about = read_about(connection.client)
    except ConnectorError as error:
        yield Check("version", False, error.sentence)
        return
    yield _version(about)
    yield Check("storage", True, _storage(about))
    yield _timezone(about, connection)
    yield _currency(about)
    skew = connection.client.lag
    fine = abs(skew) <= LARGEST_SKEW
    detail = "The shop's clock is right." if fine else _wrong_clock(skew)
    yield Check("clock", fine, detail)


def _wrong_clock(skew: timedelta) -> str:
    minutes = round(abs(skew).total_seconds() / 60)
    way = "behind" if skew > timedelta(0) else "ahead"
    return f"The shop's clock is {minutes} minutes {way}. Ask the hosting company to set it by network time."


def _version(about: About) -> Check:
    numbers = tuple(int(part) for part in re.findall(r"[0-9]{1,5}", about.version)[:2])
    wanted = ".".join(map(str, OLDEST))
    if not numbers:
        return Check("version", True, f"The shop does not tell its version; {wanted} or newer is needed.")
    fine = numbers >= OLDEST
    return Check("version", fine, f"WooCommerce {about.version}." if fine else _too_old(about.version, wanted))


def _too_old(version: str, wanted: str) -> str:
    return f"WooCommerce {version} is too old: {wanted} or newer is needed. Update it under Dashboard → Updates."


def _storage(about: About) -> str:
    if about.hpos is None:
        return "The shop does not tell how it stores orders; both ways are read alike."
    return "High-performance order storage." if about.hpos else "Orders are kept as posts (legacy); read all the same."


def _currency(about: About) -> Check:
    known = bool(about.currency)
    return Check("currency", known, about.currency or "The shop tells no currency. Set it in WooCommerce → Settings.")


def _timezone(about: About, connection: Connection) -> Check:
    now, theirs = connection.client.clock(), about.timezone
    if not theirs:
        return Check("timezone", False, "The shop tells no time zone. Set a city under Settings → General → Timezone.")
    wanted = connection.timezone
    if wanted and _offsets(theirs, now) != _offsets(wanted, now):
        return Check(
            "timezone",
            False,
            f"The shop counts in {theirs}, you in {wanted}. Set the right city under Settings → General → Timezone, or "
            "change your own zone.",
        )
    fixed = bool(OFFSET.fullmatch(theirs))
    return Check("timezone", True, f"{theirs} (a fixed offset; a city would follow summer time)" if fixed else theirs)


def _offsets(zone: str, now: datetime) -> list[timedelta | None]:
    """The distance from UTC now and half a year on: equal lists mean equal calendars for our purposes."""
    match = OFFSET.fullmatch(zone)
    if match:
        offset = timedelta(hours=int(match[2]), minutes=int(match[3])) * (-1 if match[1] == "-" else 1)
        return [offset, offset]
    try:
        info = ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return [None, None]
    return [moment.astimezone(info).utcoffset() for moment in (now, now + timedelta(days=182))]
