"""`tangga points`: the programme, what a customer has of it, and what it owes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from campaigns.points.program import read_program
from campaigns.schema import BadCampaign
from plugin_server.cli.context import BadInput, merchant_id_of, merchant_options, opened, show
from plugin_server.cli.ladder import asked, table
from plugin_server.db.customers.identity import Owner, owner
from plugin_server.db.merchant import audit_log
from plugin_server.db.points import hand as points_hand
from plugin_server.db.points import pausing, rewards
from plugin_server.db.points import programme as held
from plugin_server.db.points.ledger import NotEnough
from plugin_server.db.points.orders import in_force
from plugin_server.db.session import tenant
from plugin_server.jobs.giving.points_night import rounded
from plugin_server.wiring import Services

ACTOR = "command line"


@click.group("points")
def points() -> None:
    """Points: set the programme, read balances and ledgers, give, take and redeem."""


@points.command()
@click.argument("file", type=click.Path(path_type=Path))
@merchant_options
def program(file: Path, merchant: str | None, home: Path | None, as_json: bool) -> None:
    """Put the programme of a YAML FILE in force; orders since its first day earn at once."""
    try:
        wanted = read_program(file.read_text("utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"{file} cannot be read: {error}.") from error
    except BadCampaign as error:
        raise BadInput(str(error)) from error
    with opened(home) as services:
        number = merchant_id_of(services, merchant)
        with tenant(services.engine, number) as conn:
            try:
                version = held.save_program(conn, number, wanted, by=ACTOR)
            except BadCampaign as error:
                raise BadInput(str(error)) from error
            audit_log.record(conn, number, actor=ACTOR, action="points_program", subject=f"version {version}")
        made = rounded(services, number)
    document = {"version": version, **made}
    show(document, as_json, lambda: f"Version {version} is in force; {made['orders']} orders earned points.")


@points.command()
@click.argument("email")
@merchant_options
def balance(email: str, merchant: str | None, home: Path | None, as_json: bool) -> None:
    """Show what a customer has to spend, what is on its way, and what ends next."""
    with asked(home, merchant) as (conn, _, now):
        whose = owner_of(conn, email)
        document = {"email": email, **whose.as_json(), **as_json_balance(held.balance(conn, whose.id, now))}
    show(document, as_json, lambda: whose.note(email) + _balance(document))


@points.command()
@click.argument("email")
@merchant_options
def ledger(email: str, merchant: str | None, home: Path | None, as_json: bool) -> None:
    """Show every entry of a customer, newest first, and which lots each debit took from."""
    with asked(home, merchant) as (conn, _, now):
        whose = owner_of(conn, email)
        entries = [_entry(row) for row in held.ledger(conn, whose.id)]
        has = as_json_balance(held.balance(conn, whose.id, now))
        document = {"email": email, **whose.as_json(), **has, "entries": entries}
    show(document, as_json, lambda: whose.note(email) + _ledger(document))


@points.command(context_settings={"ignore_unknown_options": True})
@click.argument("email")
@click.argument("amount", type=int)
@click.option("--reason", required=True, help="Kept with the entry; the customer may see it.")
@merchant_options
def adjust(email: str, amount: int, reason: str, merchant: str | None, home: Path | None, as_json: bool) -> None:
    """Give AMOUNT points to a customer, or take them (-50)."""
    with asked(home, merchant) as (conn, number, now):
        customer = customer_of(conn, email)
        try:
            points_hand.adjust(conn, number, customer, amount, reason=reason, by=ACTOR, now=now)
        except (NotEnough, ValueError) as error:
            raise BadInput(str(error)) from error
        document = {"email": email, **as_json_balance(held.balance(conn, customer, now))}
    show(document, as_json, lambda: _balance(document))


@points.command()
@click.argument("email")
@click.argument("reward")
@merchant_options
def redeem(email: str, reward: str, merchant: str | None, home: Path | None, as_json: bool) -> None:
    """Take a reward for a customer; the worker makes its code in the shop."""
    with opened(home) as services:
        number = merchant_id_of(services, merchant)
        document = _redeem(services, number, email, reward)
    show(document, as_json, lambda: f"{document['name']}: code {document['code']} is being made in the shop.")


def _redeem(services: Services, number: int, email: str, reward: str) -> dict[str, Any]:
    with tenant(services.engine, number) as conn:
        customer = customer_of(conn, email)
        try:
            claim = rewards.claim(
                conn, merchant_id=number, customer_id=customer, key=reward,
                secret=services.settings.keys[0], now=services.now(),
            )  # fmt: skip
        except rewards.RewardRefused as error:
            raise BadInput(str(error)) from error
        audit_log.record(conn, number, actor=ACTOR, action="reward_claimed", subject=f"claim {claim}")
        return next(one for one in rewards.of_customer(conn, customer) if one["id"] == claim)


@points.command()
@merchant_options
def liability(merchant: str | None, home: Path | None, as_json: bool) -> None:
    """Show what the points still owe, and the sales put off for them (IFRS 15)."""
    with asked(home, merchant) as (conn, _, now):
        document = held.liability(conn, now)
    if document is None:
        raise BadInput("There is no points programme. Set one with `tangga points program FILE`.")
    show(document, as_json, lambda: table([(name, value) for name, value in _flat(document)]))


@points.command()
@merchant_options
def pause(merchant: str | None, home: Path | None, as_json: bool) -> None:
    """Earn nothing from now on; what was earned is kept. For a day `resume --undo` makes it one that never was."""
    _change("pause", "Points are paused already.", merchant, home, as_json)


@points.command()
@click.option("--undo", is_flag=True, help="As if the pause had never been; for a day.")
@merchant_options
def resume(undo: bool, merchant: str | None, home: Path | None, as_json: bool) -> None:
    """Earn points again from now on; what was done in between earns none."""
    none = "There is no pause of the last day to undo." if undo else "Points are not paused."
    _change("undo" if undo else "resume", none, merchant, home, as_json)


def _change(does: str, none: str, merchant: str | None, home: Path | None, as_json: bool) -> None:
    with opened(home) as services:
        number = merchant_id_of(services, merchant)
        with tenant(services.engine, number) as conn:
            if in_force(conn) is None:
                raise BadInput("There is no points programme. Set one with `tangga points program FILE`.")
            if not pausing.change(conn, number, does, by=ACTOR, now=services.now()):
                raise BadInput(none)
            told, buyers = held.totals(conn, services.now()), pausing.earning(conn, services.now())
        rounded(services, number)
    document = {"paused": does == "pause", "holders": told["holders"], "points": told["spendable"], "buyers": buyers}
    earn = "Nothing earns points from now on" if does == "pause" else "Orders earn points again"
    show(
        document,
        as_json,
        lambda: f"{earn}; {document['holders']} customers keep the {document['points']} points they have.",
    )


def customer_of(conn: Any, email: str) -> int:
    """The customer of an address, or the survivor where it was merged away. Raises ``BadInput``."""
    return owner_of(conn, email).id


def owner_of(conn: Any, email: str) -> Owner:
    """``customer_of``, and whom the address was merged into. Raises ``BadInput``."""
    found = owner(conn, email)
    if found is None:
        raise BadInput(f"No customer has the address {email!r}.")
    return found


def as_json_balance(has: held.Balance) -> dict[str, Any]:
    """A balance as JSON."""
    return {
        "balance": has.available,
        "pending": has.pending,
        "pending_until": has.next_at and has.next_at.isoformat(),
        "ending": has.ending,
        "ends_at": has.ends_at and has.ends_at.isoformat(),
        "earned": has.earned,
    }


def _entry(row: dict[str, Any]) -> dict[str, Any]:
    times = {key: row[key] and row[key].isoformat() for key in ("happened_at", "available_at", "expires_at")}
    return row | times


def _balance(document: dict[str, Any]) -> str:
    said = f"{document['email']} has {document['balance']} points to spend."
    if document["pending"]:
        said += f" {document['pending']} more can be spent from {document['pending_until'][:10]} on."
    return said + (f" {document['ending']} end on {document['ends_at'][:10]}." if document["ends_at"] else "")


def _ledger(document: dict[str, Any]) -> str:
    rows = [
        (one["happened_at"][:10], one["kind"], f"{one['points']:+}", one["order_number"] or one["reason"] or "")
        for one in document["entries"]
    ]
    return f"{_balance(document)}\n{table([('date', 'what', 'points', 'for'), *rows])}"


def _flat(document: dict[str, Any]) -> list[tuple[str, Any]]:
    return [
        (name, f"{value['amount']} {value['currency']}" if isinstance(value, dict) else value)
        for name, value in document.items()
    ]
