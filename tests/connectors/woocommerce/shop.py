"""A very small WooCommerce on loopback: just the habits of the real one that the connector must survive."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from connectors.woocommerce import WooStore, connect
from tests.connectors.server import Answer, Asked, LoopbackServer, serving

NOW = datetime(2026, 11, 22, 7, 0, 0, tzinfo=UTC)
KEY, SECRET = "ck_" + "a" * 40, "cs_" + "b" * 40
Row = dict[str, Any]


def written(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S")


def error(status: int, code: str, message: str = "No.", **data: Any) -> Answer:
    return Answer({"code": code, "message": message, "data": {"status": status, **data}}, status)


def order_row(number: int, *, status: str = "completed", modified: datetime = NOW, **more: Any) -> Row:
    """An order as the REST API shows it, trimmed to what is read."""
    return {
        "id": number,
        "number": str(number),
        "status": status,
        "currency": "IDR",
        "total": "111000",
        "discount_total": "0",
        "shipping_total": "0",
        "total_tax": "11000",
        "customer_id": 0,
        "billing": {"first_name": "Sari", "last_name": "Dewi", "email": "sari@contoh.test", "country": "ID"},
        "date_created_gmt": "2026-05-01T03:00:00",
        "date_modified_gmt": written(modified),
        "date_paid_gmt": "2026-05-01T03:05:00",
        "created_via": "checkout",
        "meta_data": [],
        "line_items": [],
        "coupon_lines": [],
        "refunds": [],
        **more,
    }


class Shop:
    """The state of the shop and its answers. ``before`` is called with each request and may change the state."""

    def __init__(self) -> None:
        self.orders: dict[int, Row] = {}
        self.lists: dict[str, list[Row]] = {"customers": [], "products": [], "products/categories": []}
        self.coupons: dict[int, Row] = {}
        self.hooks: dict[int, Row] = {}
        self.refunds: list[Row] = []
        self.permission = "read_write"
        self.hidden: set[int] = set()
        self.most = 100
        """Rows on a page that the host allows without a word, where it allows fewer than WooCommerce."""
        self.shown_date: datetime = NOW
        self.before: Callable[[Asked], Answer | None] = lambda asked: None
        self.after_create: Callable[[Row], None] = lambda row: None
        self.next_id = 1000

    def __call__(self, asked: Asked) -> Answer:
        early = self.before(asked)
        answer = early or self._guarded(asked)
        date = self.shown_date.strftime("%a, %d %b %Y %H:%M:%S GMT")
        return Answer(answer.body, answer.status, {"Date": date, **answer.headers}, answer.cut, answer.hang_up)

    def _guarded(self, asked: Asked) -> Answer:
        if asked.path == "/wp-json/":
            return Answer({"name": "Toko &amp; Kopi", "namespaces": ["wc/v3"], "timezone_string": "Asia/Jakarta"})
        if asked.query.get("oauth_consumer_key") != KEY:
            return error(401, "woocommerce_rest_cannot_view")
        if asked.method != "GET" and self.permission == "read":
            sentence = "The API key provided does not have write permissions."
            return error(401, "woocommerce_rest_authentication_error", sentence)
        return self._route(asked, asked.path.removeprefix("/wp-json/wc/v3/"))

    def _route(self, asked: Asked, path: str) -> Answer:
        if path == "orders":
            return self._orders(asked)
        if match := re.fullmatch(r"orders/(\d+)", path):
            row = self.orders.get(int(match[1]))
            return Answer(row) if row else error(404, "woocommerce_rest_shop_order_invalid_id", "Invalid ID.")
        if match := re.fullmatch(r"orders/(\d+)/refunds", path):
            return self._paged(asked, [row for row in self.refunds if row["parent_id"] == int(match[1])])
        if path == "refunds":
            return self._paged(asked, self.refunds)
        if path == "system_status":
            settings = {"HPOS_enabled": True, "currency": "IDR", "enabled_features": []}
            return Answer({"environment": {"version": "10.5.0", "home_url": "https://toko.test"}, "settings": settings})
        if path == "data/currencies/current":
            return Answer({"code": "IDR", "name": "Indonesian rupiah"})
        if path.startswith("coupons"):
            return self._coupons(asked, path)
        if path.startswith("webhooks"):
            return self._webhooks(asked, path)
        if path in self.lists:
            return self._paged(asked, sorted(self.lists[path], key=lambda row: int(row["id"])))
        if match := re.fullmatch(r"(customers|products)/(\d+)", path):
            found = [row for row in self.lists[match[1]] if row["id"] == int(match[2])]
            return Answer(found[0]) if found else error(404, "woocommerce_rest_product_invalid_id", "Invalid ID.")
        return error(404, "rest_no_route", "No route was found matching the URL and request method.")

    def _orders(self, asked: Asked) -> Answer:
        # "any,trash" means just any, exactly as in the real thing.
        status = asked.query.get("status", "any").split(",")[0]
        rows = [
            row
            for number, row in sorted(self.orders.items())
            if (row["status"] == "trash") == (status == "trash") and self._changed(row, asked)
        ]
        return self._paged(asked, rows)

    def _changed(self, row: Row, asked: Asked) -> bool:
        after = asked.query.get("modified_after")
        if after is None:
            return True
        if asked.query.get("dates_are_gmt") != "true" or after.endswith("Z"):
            after = written(datetime.fromisoformat(after.rstrip("Z")) + timedelta(hours=7))
        return bool(row["date_modified_gmt"] > after)

    def _paged(self, asked: Asked, rows: list[Row]) -> Answer:
        size = int(asked.query.get("per_page", "10"))
        if size > 100:
            return error(400, "rest_invalid_param")
        page_size = min(size, self.most)
        start = int(asked.query.get("offset") or page_size * (int(asked.query.get("page", "1")) - 1))
        total = len(rows) if start < len(rows) else 0
        page = [row for row in rows[start : start + page_size] if row["id"] not in self.hidden]
        return Answer(page, headers={"X-WP-Total": str(total), "X-WP-TotalPages": str(-(-total // page_size))})

    def _coupons(self, asked: Asked, path: str) -> Answer:
        if path == "coupons/batch":
            data = asked.json
            made = [self._make(item) for item in data.get("create", [])]
            gone = [self._drop(number) for number in data.get("delete", [])]
            return Answer({"create": made, "delete": gone})
        if asked.method == "POST":
            return error(400, "rest_missing_callback_param", "Missing parameter(s): code")
        code = asked.query.get("code", "").lower()
        return self._paged(asked, [row for row in self.coupons.values() if not code or row["code"] == code])

    def _make(self, item: Row) -> Row:
        code = item["code"].lower()
        if any(row["code"] == code for row in self.coupons.values()):
            return {"id": 0, "error": {"code": "woocommerce_rest_coupon_code_already_exists", "message": "Exists."}}
        self.next_id += 1
        ends = datetime.fromisoformat(item["date_expires"].replace("Z", "+00:00")) if item.get("date_expires") else None
        row = {
            **item,
            "id": self.next_id,
            "code": code,
            "status": "publish",
            "amount": f"{float(item['amount']):.2f}",
            "email_restrictions": [mail.lower() for mail in item["email_restrictions"] if "@" in mail],
            "date_expires_gmt": written(ends) if ends else None,
            "usage_count": 0,
            "usage_limit": item["usage_limit"] or None,
        }
        self.after_create(row)
        self.coupons[self.next_id] = row
        return row

    def _drop(self, number: int) -> Row:
        gone = self.coupons.pop(number, None)
        return gone or {"id": number, "error": {"code": "woocommerce_rest_shop_coupon_invalid_id", "message": "No."}}

    def _webhooks(self, asked: Asked, path: str) -> Answer:
        number = int(path.partition("/")[2] or 0)
        if asked.method == "GET":
            return self._paged(asked, [{**row, "secret": None} for _, row in sorted(self.hooks.items())])
        if asked.method == "POST":
            self.next_id += 1
            self.hooks[self.next_id] = {"id": self.next_id, "status": "active", **asked.json}
            return Answer(self.hooks[self.next_id], 201)
        if asked.method == "DELETE" and asked.query.get("force") != "true":
            return error(501, "woocommerce_rest_trash_not_supported", "Webhooks do not support trashing.")
        if asked.method == "DELETE":
            return Answer(self.hooks.pop(number))
        self.hooks[number].update(asked.json)
        return Answer(self.hooks[number])


@contextmanager
def open_shop(shop: Shop, **options: Any) -> Iterator[tuple[WooStore, LoopbackServer]]:
    """The shop, served, and a store connected to it by OAuth 1.0a over plain http."""
    with serving(shop) as server:
        more = {"clock": lambda: NOW, "sleep": lambda seconds: None, "timeouts": (2.0, 2.0), **options}
        store = connect(server.url, KEY, SECRET, allow_private=True, **more)
        yield store, server
        store.close()
