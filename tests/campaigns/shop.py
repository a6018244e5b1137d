"""A shop at the edge, and people who buy there."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import text

from connectors.errors import ConnectorError
from connectors.types import CodeResult, CodeSpec
from plugin_server.db.session import tenant
from plugin_server.wiring import Services


@dataclass
class Shop:
    """Keeps codes like a store: by name, the same twice is one. ``refuses`` maps codes' e-mails to a permanent reason.

    ``down`` holds errors to raise, one for each call, before it works.
    """

    codes: dict[str, CodeSpec] = field(default_factory=dict)
    calls: list[int] = field(default_factory=list)
    refuses: dict[str, str] = field(default_factory=dict)
    down: list[ConnectorError] = field(default_factory=list)
    numbers: dict[str, str] = field(default_factory=dict)
    revoked: list[str] = field(default_factory=list)

    def create_codes(self, codes: Sequence[CodeSpec]) -> list[CodeResult]:
        """As ``connectors.base.Store.create_codes``."""
        self.calls.append(len(codes))
        if self.down:
            raise self.down.pop(0)
        return [self._create(spec) for spec in codes]

    def revoke_codes(self, external_ids: Iterable[str]) -> None:
        """As ``connectors.base.Store.revoke_codes``."""
        if self.down:
            raise self.down.pop(0)
        gone = set(external_ids)
        self.revoked += [code for code, number in self.numbers.items() if number in gone]
        self.codes = {code: spec for code, spec in self.codes.items() if self.numbers[code] not in gone}

    def _create(self, spec: CodeSpec) -> CodeResult:
        if spec.email in self.refuses:
            return CodeResult(spec.code, None, self.refuses[spec.email], permanent=True)
        self.codes[spec.code] = spec
        return CodeResult(spec.code, self.numbers.setdefault(spec.code, f"c{len(self.numbers) + 1}"))

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(f"a campaign has no business calling {name}")


def fill(app: Services, merchant: int) -> None:
    """Twelve people: eight subscribed buyers 1–8 and one of each who may not be written to, 9–12.

    9 unsubscribed, 10 never asked, 11 suppressed, 12 without an address. 1–4 are shoppers, the others customers;
    3 reads Dutch, 4 English, the others nothing we know of. All orders are worth Rp 200,000.
    """
    with tenant(app.engine, merchant) as conn:
        conn.execute(text("UPDATE merchant SET holdout_share = 0, postal_address = 'Jl. Senja 1, Jakarta'"))
        conn.execute(
            text(
                "INSERT INTO store (merchant_id, platform, name, url, currency, timezone) "
                "VALUES (:m, 'woocommerce', 'Senja', 'https://senja.example', 'IDR', 'Asia/Jakarta')"
            ),
            {"m": merchant},
        )
        store = conn.scalar(text("SELECT id FROM store"))
        for n in range(1, 13):
            add_person(conn, merchant, n, store=store)
        say(conn, merchant, [1, 2, 3, 4, 5, 6, 7, 8, 11, 12], "subscribed")
        say(conn, merchant, [9], "unsubscribed")
        conn.execute(
            text(
                "INSERT INTO suppression (merchant_id, email_norm, reason, source) "
                "VALUES (:m, 'c11@example.com', 'bounced: no such mailbox', 'test')"
            ),
            {"m": merchant},
        )


def add_person(conn: Any, merchant: int, n: int, *, store: int | None = None) -> None:
    """Customer number ``n``, with its facts and one paid order."""
    email = None if n == 12 else f"c{n}@example.com"
    language = {3: "nl", 4: "en"}.get(n)
    number = conn.scalar(
        text(
            "INSERT INTO customer (merchant_id, email, email_norm, first_name, last_name, language) "
            "VALUES (:m, :e, :e, :f, 'Rahayu', :l) RETURNING id"
        ),
        {"m": merchant, "e": email, "f": f"Siti{n}", "l": language},
    )
    assert number == n
    conn.execute(
        text(
            "INSERT INTO customer_facts (merchant_id, customer_id, orders, spend_minor, average_order_minor, rung, "
            "last_order_at) VALUES (:m, :id, 1, 20000000, 20000000, :rung, '2027-01-10 00:00+00')"
        ),
        {"m": merchant, "id": number, "rung": "shopper" if n <= 4 else "customer"},
    )
    if store:
        add_order(conn, merchant, n, store=store, external=f"o{n}", at="2027-01-10 00:00+00")


def add_order(conn: Any, merchant: int, n: int, *, store: int, external: str, at: str, **values: Any) -> int:
    """A paid order of Rp 200,000 of customer ``n``; ``values`` replace columns."""
    row = {
        "merchant_id": merchant,
        "store_id": store,
        "external_id": external,
        "customer_id": n,
        "status": "completed",
        "paid": True,
        "placed_at": at,
        "currency": "IDR",
        "total_minor": 20000000,
        "content": external,
    } | values
    names = ", ".join(row)
    number: int = conn.scalar(text(f"INSERT INTO shop_order ({names}) VALUES (:{', :'.join(row)}) RETURNING id"), row)
    return number


def say(conn: Any, merchant: int, people: list[int], state: str, at: str = "2027-01-01 00:00+00") -> None:
    """What these customers say of promotions, in the log and in the facts."""
    conn.execute(
        text(
            "INSERT INTO consent (merchant_id, customer_id, state, source, occurred_at) "
            "SELECT :m, c, :s, 'test', :at FROM unnest(CAST(:ids AS bigint[])) AS c"
        ),
        {"m": merchant, "ids": people, "s": state, "at": at},
    )
    conn.execute(
        text("UPDATE customer_facts SET consent_promotions = :s WHERE customer_id = ANY(:ids)"),
        {"s": state, "ids": people},
    )
