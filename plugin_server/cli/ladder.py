"""`tangga ladder`: who stands where, why, since when, and what if."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

import click
from sqlalchemy import Connection

from campaigns.ladder.simulate import scaled
from plugin_server.cli.context import BadInput, Number, merchant_id_of, merchant_options, opened, show
from plugin_server.db.ladder import placing as rungs
from plugin_server.db.ladder import rungs as shops
from plugin_server.db.session import tenant
from plugin_server.jobs.climb import recomputed

NO_CUSTOMERS = (
    "Without customers there is nothing to tell: read a shop (`tangga sync`) or a file (`tangga import orders`)."
)
UNPRICED = "Nobody has paid an order in the currency of the business yet: what a climb brings in money cannot be told."
EARLIEST, LATEST = date(1970, 1, 1), date(2999, 12, 31)
"""Days that commands take; calculating around the ends of the calendar leads out of it."""


class Day(click.ParamType[date]):
    """A date as YYYY-MM-DD."""

    name = "date"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> date:
        """The date, or a usage error that shows how to write one."""
        try:
            day = value if isinstance(value, date) else datetime.strptime(value, "%Y-%m-%d").date()  # noqa: DTZ007
        except ValueError:
            self.fail(f"{value!r} is not a date; write it as 2026-03-01.", param, ctx)
        if not EARLIEST <= day <= LATEST:
            self.fail(f"{value} lies outside {EARLIEST.year} to {LATEST.year}.", param, ctx)
        return day


@contextmanager
def asked(home: Path | None, merchant: str | None) -> Iterator[tuple[Connection, int, datetime]]:
    """A transaction as the merchant meant, its id, and now."""
    with opened(home) as services:
        number = merchant_id_of(services, merchant)
        with tenant(services.engine, number) as conn:
            yield conn, number, services.now()


def not_after(day: date | None, now: datetime, option: str) -> None:
    """Refuse a date that is still to come. (A day ahead may be today elsewhere on Earth.)"""
    if day is not None and (day - now.date()).days > 1:
        raise BadInput(f"{option}: {day} lies in the future; give a past date.")


@click.group()
def ladder() -> None:
    """Who stands on which rung, why, and what if everybody climbed one."""


@ladder.command()
@click.option("--as-of", type=Day(), help="The end of that day in the shop's zone.")
@merchant_options
def counts(as_of: date | None, merchant: str | None, home: Path | None, as_json: bool) -> None:
    """Count the customers on each rung."""
    with asked(home, merchant) as (conn, number, now):
        not_after(as_of, now, "--as-of")
        found = rungs.counts(conn, merchant_id=number, as_of=as_of, now=now)
    show(_explained_if_empty(found, found["customers"]), as_json, lambda: _counts(found))


@ladder.command()
@merchant_options
def recompute(merchant: str | None, home: Path | None, as_json: bool) -> None:
    """Recompute all facts and rungs from the orders; writes only what differs."""
    with opened(home) as services:
        changed = recomputed(services, merchant_id_of(services, merchant))
    show(changed, as_json, lambda: f"Facts changed: {changed['facts']}. Rungs or activity changed: {changed['rungs']}.")


@ladder.command()
@click.argument("email")
@click.option("--as-of", type=Day(), help="The end of that day in the shop's zone.")
@click.option("--language", type=click.Choice(["en", "id", "nl"]), help="Default: the merchant's.")
@merchant_options
def explain(
    email: str, as_of: date | None, language: str | None, merchant: str | None, home: Path | None, as_json: bool
) -> None:
    """Say why this customer stands where they stand, and what is missing for the next rung.

    Somebody without an address is named by their number in the shop.
    """
    with asked(home, merchant) as (conn, number, now):
        not_after(as_of, now, "--as-of")
        found = rungs.explain(conn, merchant_id=number, email=email, now=now, as_of=as_of, lang=language)
        on = shops.shop(conn, number)
    if found is None:
        kind = "address" if "@" in email else "number"
        raise BadInput(f"No customer has the {kind} {email!r}{f' by {as_of}' if as_of else ''}.")
    since = on.local(datetime.fromisoformat(found["since"])).date()
    show(found, as_json, lambda: _explained(found, since))


@ladder.command()
@click.option("--from", "date_from", type=Day(), help="First month; default: that of the first move.")
@click.option("--to", "date_to", type=Day(), help="Last month; default: this one.")
@merchant_options
def history(
    date_from: date | None, date_to: date | None, merchant: str | None, home: Path | None, as_json: bool
) -> None:
    """Show the moves of each month and how many stood on each rung at its end."""
    if date_from and date_to and date_from > date_to:
        raise BadInput(f"--from {date_from} lies after --to {date_to}; swap them.")
    with asked(home, merchant) as (conn, number, now):
        found = rungs.history(conn, merchant_id=number, date_from=date_from, date_to=date_to, now=now)
    people = sum(sum(month["counts"].values()) for month in found["months"])
    show(_explained_if_empty(found, people), as_json, lambda: _history(found))


@ladder.command()
@click.option("--share", "shares", multiple=True, metavar="RUNG=SHARE", help="Only so many of a rung climb, as 0.25.")
@click.option("--margin", type=Number(0, 1), help="Another margin than that of the unit costs, as 0.4.")
@merchant_options
def simulate(
    shares: tuple[str, ...], margin: float | None, merchant: str | None, home: Path | None, as_json: bool
) -> None:
    """Say what it would bring if everybody, or a share of each rung, climbed one rung."""
    with asked(home, merchant) as (conn, number, _):
        found = rungs.simulate(conn, merchant_id=number)
    found = _explained_if_empty(found, sum(step["customers"] for step in found["per_rung"]))
    if found["headline"]["extra_orders"] and not Decimal(found["assumptions"]["newcomer_order"]["amount"]):
        found = {**found, "note": UNPRICED}
    if shares or margin is not None:
        known = [step["rung"] for step in found["per_rung"]]
        found = scaled(found, _shares(shares, known), None if margin is None else Decimal(str(margin)))
    show(found, as_json, lambda: _simulated(found))


def _explained_if_empty(found: dict[str, Any], people: int) -> dict[str, Any]:
    """With a ``note`` where zeros say nothing but that nobody is there."""
    return found if people else {**found, "note": NO_CUSTOMERS}


def _shares(given: tuple[str, ...], known: list[str]) -> dict[str, Decimal]:
    """``shopper=0.25`` as share by rung."""
    made: dict[str, Decimal] = {}
    for pair in given:
        rung, _, share = pair.rpartition("=")
        if rung not in known:
            raise BadInput(f"--share {pair!r}: write it as RUNG=SHARE; the rungs that climb are {', '.join(known)}.")
        try:
            made[rung] = Decimal(share)
        except InvalidOperation as error:
            raise BadInput(f"--share {pair!r}: {share!r} is not a share; write it as 0.25.") from error
        if made[rung].is_nan() or not 0 <= made[rung] <= 1:
            raise BadInput(f"--share {pair!r}: a share lies between 0 and 1.")
    return made


def table(rows: list[tuple[Any, ...]], *, right: Callable[[int], bool] = lambda column: column > 0) -> str:
    """Rows as aligned columns; all but the first to the right."""
    texts = [[str(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*texts, strict=True)]
    lines = (
        "  ".join(c.rjust(w) if right(i) else c.ljust(w) for i, (c, w) in enumerate(zip(row, widths, strict=True)))
        for row in texts
    )
    return "\n".join(line.rstrip() for line in lines)


def _counts(found: dict[str, Any]) -> str:
    rows = [(rung["name"], rung["count"], f"{rung['share']:.1%}") for rung in reversed(found["rungs"])]
    activity = ", ".join(f"{name} {count}" for name, count in found["activity"].items())
    note = "" if found["customers"] else f"\n{NO_CUSTOMERS}"
    return f"As of {found['as_of']}, {found['customers']} customers\n{table(rows)}\nActivity: {activity}{note}"


def _explained(found: dict[str, Any], since: date) -> str:
    lines = [f"{found['email'] or found['external_id']}: {found['rung']} since {since}, {found['activity']}"]
    if found.get("merged_into"):
        lines.insert(0, f"{found['email']} was merged into {found['merged_into']}.")
    lines += [f"  {'yes' if item['holds'] else 'no '}  {item['sentence']}" for item in found["because"]]
    if found["next"]:
        lines.append(f"Missing for {found['next']['rung']}:")
        lines += [f"  - {item['sentence']}" for item in found["next"]["missing"]]
    return "\n".join(lines)


def _history(found: dict[str, Any]) -> str:
    if not found["months"]:
        return "Nobody has moved yet."
    keys = list(found["months"][0]["counts"])
    return table([("month", *keys)] + [(m["month"], *(m["counts"][key] for key in keys)) for m in found["months"]])


def _simulated(found: dict[str, Any]) -> str:
    def line(figures: dict[str, Any]) -> str:
        revenue, margin = figures["extra_revenue"], figures["extra_margin"]
        return (
            f"{figures['extra_orders']} orders, {revenue['amount']} {revenue['currency']} sales, "
            f"{margin['amount']} {margin['currency']} margin"
        )

    note = f"\n{found['note']}" if "note" in found else ""
    return (
        f"If everybody climbed one rung: {line(found['headline'])}\n"
        f"Upper bound, not a forecast: {line(found['upper_bound'])}\n"
        f"Margin: {found['assumptions']['margin_basis']}{note}"
    )
