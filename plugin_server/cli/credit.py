"""`tangga credit`: store credit for a customer, in shops that keep such accounts."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any
from uuid import uuid4

import click

from connectors.types import Money
from plugin_server import wiring
from plugin_server.cli.context import BadInput, merchant_id_of, merchant_options, opened, show
from plugin_server.cli.ladder import asked
from plugin_server.cli.points import customer_of
from plugin_server.db.offers import credits as intents
from plugin_server.db.session import tenant
from plugin_server.jobs.giving.credits import give as give_now
from plugin_server.wiring import Services

ACTOR = "command line"
SAYS = {
    "given": "{amount} {currency} of store credit is given in {shop}.",
    "refused": "{shop} refused the credit: {error}",
    "in_doubt": "{shop} did not say whether it booked the credit. Its account is read before anything is repeated.",
    "planned": "{shop} did not answer; the credit waits and is given later. {error}",
    "sending": "The credit is being given in {shop}.",
}


@click.group("credit")
def credit() -> None:
    """Store credit: give it once, and see what became of it."""


@credit.command("give")
@click.argument("email")
@click.argument("amount")
@click.option("--reason", required=True, help="Kept with the credit.")
@click.option("--store", help="Number or name of the shop; not needed where only one can.")
@click.option(
    "--cause", help="What it is for, such as order-1001: a cause gives credit once, however often it is told."
)
@click.option("--days", type=click.IntRange(1, 3650), default=intents.DAYS, show_default=True, help="Days it lasts.")
@merchant_options
def give_(
    email: str, amount: str, reason: str, store: str | None, cause: str | None, days: int, merchant: str | None,
    home: Path | None, as_json: bool,
) -> None:  # fmt: skip
    """Give a customer AMOUNT of store credit, in the money of the shop."""
    told = {"reason": reason, "cause": f"told:{cause}" if cause else f"hand:{uuid4().hex}", "days": days, "by": ACTOR}
    with opened(home) as services:
        number = merchant_id_of(services, merchant)
        customer, intent = _planned(services, number, email, _amount(amount), store, told)
        give_now(services, number, wiring.connector)
        with tenant(services.engine, number) as conn:
            found = next(one for one in intents.of_customer(conn, customer, 10**6) if one["id"] == intent)
    document = {"email": email, **as_json_credit(found)}
    show(document, as_json, lambda: SAYS[document["state"]].format(**document).strip())


def _planned(
    services: Services, number: int, email: str, amount: Decimal, store: str | None, told: dict[str, Any]
) -> tuple[int, int]:
    with tenant(services.engine, number) as conn:
        customer = customer_of(conn, email)
        try:
            intent = intents.plan(
                conn, merchant_id=number, customer_id=customer, store_id=intents.store_for(conn, store),
                amount=amount, now=services.now(), **told,
            )  # fmt: skip
        except intents.CreditRefused as error:
            raise BadInput(str(error)) from error
    return customer, intent


@credit.command("show")
@click.argument("email")
@merchant_options
def show_(email: str, merchant: str | None, home: Path | None, as_json: bool) -> None:
    """Show the store credit of a customer that was planned here, newest first, and what became of it."""
    with asked(home, merchant) as (conn, _, _now):
        found = [as_json_credit(one) for one in intents.of_customer(conn, customer_of(conn, email))]
    document = {"email": email, "credits": found}
    show(document, as_json, lambda: "\n".join(map(_line, found)) or f"No store credit was given to {email}.")


def as_json_credit(one: dict[str, Any]) -> dict[str, Any]:
    """A credit as JSON: amounts in major units, times as ISO text."""
    money = {"amount": str(Money(one["amount_minor"], one["currency"]).amount), "currency": one["currency"]}
    times = {name: at and at.isoformat() for name, at in one.items() if name.endswith("_at") or name == "not_before"}
    return {name: one[name] for name in ("id", "shop", "reason", "state", "error")} | money | times


def _line(one: dict[str, Any]) -> str:
    said = (
        f"{one['created_at'][:10]}  {one['amount']} {one['currency']}  {one['shop']}  {one['state']}  {one['reason']}"
    )
    return f"{said}  ({one['error']})" if one["error"] else said


def _amount(given: str) -> Decimal:
    try:
        amount = Decimal(given)
    except InvalidOperation:
        amount = Decimal("nan")
    if not amount.is_finite():
        raise BadInput(f"{given!r} is not an amount; write it as 50000 or 12.50.")
    return amount
