"""`tangga card`: what one customer sees of themselves."""

from __future__ import annotations

from pathlib import Path

import click

from plugin_server.cli.context import BadInput, merchant_id_of, merchant_options, opened, show
from plugin_server.cli.points import as_json_balance, owner_of
from plugin_server.db.customers import card as cards
from plugin_server.db.points import orders as points_orders
from plugin_server.db.points import programme as points
from plugin_server.db.session import tenant
from plugin_server.vault import CustomerLink, customer_token


@click.command()
@click.argument("email")
@merchant_options
def card(email: str, merchant: str | None, home: Path | None, as_json: bool) -> None:
    """Show a customer's card: rung, member number, points, codes that work, and the link to their page."""
    with opened(home) as services:
        number = merchant_id_of(services, merchant)
        now = services.now()
        with tenant(services.engine, number) as conn:
            whose = owner_of(conn, email)
            customer = whose.id
            mine = cards.card(conn, customer, now)
            if mine is None:
                raise BadInput(f"{email!r} has no card: this customer was erased.")
            has = points.balance(conn, customer, now) if points_orders.in_force(conn) else None
    token = customer_token(services.settings.keys, CustomerLink(number, customer))
    document = {
        "email": mine.customer.email,
        **whose.as_json(),
        "name": f"{mine.customer.first_name} {mine.customer.last_name}".strip(),
        "rung": mine.customer.rung,
        "member_number": mine.customer.member_number,
        "points": as_json_balance(has) if has else None,
        "offers": [
            {"code": offer.code, "kind": offer.kind, "value": str(offer.value), "until": offer.expires_at.isoformat()}
            for offer in mine.offers
        ],
        "url": f"{services.settings.public_url}/c/{token}",
    }
    told = [(name, document[name]) for name in ("email", "name", "rung", "member_number")]
    told += [("points", has.available if has else None)]
    told += [("offer", f"{offer.code}: {offer.kind} {offer.value}, until {offer.expires_at}") for offer in mine.offers]
    told += [("url", document["url"])]
    show(document, as_json, lambda: whose.note(email) + "\n".join(f"{name}: {value}" for name, value in told if value))
