"""`tangga ladder show|set|preview|pin|unpin`: the shop's own ladder, and what holds somebody against its rules."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import click
import yaml

from campaigns.ladder import ladders
from campaigns.ladder.ladders import Ladder
from campaigns.ladder.presets import PRESETS
from campaigns.ladder.rules import BadRule
from campaigns.ladder.sentences import sentence
from plugin_server.cli.context import BadInput, merchant_options, show
from plugin_server.cli.ladder import Day, asked, ladder, not_after, table
from plugin_server.db.ladder import facts, holding, movement, rungs, segments, standing
from plugin_server.db.ladder import placing as places
from plugin_server.db.ladder import versions as ladder_versions
from plugin_server.db.ladder.holding import BadPin

__all__ = ["ladder"]

LARGEST = 200_000
BY = "command line"


@ladder.command("show")
@click.option("--preset", type=click.Choice(list(PRESETS)), help="One of those that come with the product.")
@merchant_options
def show_ladder(preset: str | None, merchant: str | None, home: Path | None, as_json: bool) -> None:
    """Print the ladder in force, in the form that `ladder set` reads."""
    with asked(home, merchant) as (conn, number, _):
        on = rungs.shop(conn, number)
        found, locale = PRESETS[preset] if preset else on.ladder, on.locale
    show(found.model_dump(mode="json"), as_json, lambda: _told(found, locale))


@ladder.command("preview")
@click.argument("file")
@merchant_options
def preview_ladder(file: str, merchant: str | None, home: Path | None, as_json: bool) -> None:
    """Say who would move where with the ladder of FILE (YAML or JSON, or a preset's name). Saves nothing."""
    new = _read(file)
    with asked(home, merchant) as (conn, number, now):
        found = ladder_versions.preview(conn, merchant_id=number, new=new, now=now)
    show(found, as_json, lambda: _moves(found))


@ladder.command("set")
@click.argument("file")
@merchant_options
def set_ladder(file: str, merchant: str | None, home: Path | None, as_json: bool) -> None:
    """Put the ladder of FILE (YAML or JSON, or a preset's name) in force and place everybody on it."""
    new = _read(file)
    with asked(home, merchant) as (conn, number, now):
        found = ladder_versions.preview(conn, merchant_id=number, new=new, now=now)
        version = ladder_versions.save(conn, merchant_id=number, new=new, by=BY, now=now)
    show(
        {"version": version, **found}, as_json, lambda: f"Version {version} of the ladder is in force.\n{_moves(found)}"
    )


@ladder.command("pin")
@click.argument("email")
@click.argument("rung")
@click.option("--reason", required=True, help="Why, for the next person who wonders.")
@merchant_options
def pin_customer(email: str, rung: str, reason: str, merchant: str | None, home: Path | None, as_json: bool) -> None:
    """Put a customer on a rung by hand; it holds against the rules until it is taken out."""
    with asked(home, merchant) as (conn, number, now):
        customer_id = _customer(conn, email)
        facts.take_turn(conn, number)
        try:
            keys = rungs.shop(conn, number).ladder.keys
            holding.pin(
                conn, merchant_id=number, customer_id=customer_id, rung=rung, keys=keys, reason=reason, by=BY, now=now
            )
        except BadPin as error:
            raise BadInput(str(error)) from error
        places.climb(conn, merchant_id=number, customer_ids=[customer_id], now=now)
        held = holding.of(conn, customer_id)
    show({"email": email, "rung": rung, **held}, as_json, lambda: f"{email} stands on {rung} until you unpin.")


@ladder.command("unpin")
@click.argument("email")
@merchant_options
def unpin_customer(email: str, merchant: str | None, home: Path | None, as_json: bool) -> None:
    """Take a pin out: the rules decide again."""
    with asked(home, merchant) as (conn, number, now):
        customer_id = _customer(conn, email)
        facts.take_turn(conn, number)
        try:
            holding.unpin(conn, customer_id=customer_id)
        except BadPin as error:
            raise BadInput(str(error)) from error
        places.climb(conn, merchant_id=number, customer_ids=[customer_id], now=now)
        found = standing.of_customer(conn, rungs.shop(conn, number), customer_id=customer_id, now=now)
    rung = found["rung"] if found else None
    show({"email": email, "rung": rung}, as_json, lambda: f"{email} stands on {rung}.")


@ladder.command("movement")
@click.option("--from", "date_from", type=Day(), required=True, help="The end of that day in the shop's zone.")
@click.option("--to", "date_to", type=Day(), help="The end of that day; default: today.")
@merchant_options
def show_movement(
    date_from: date, date_to: date | None, merchant: str | None, home: Path | None, as_json: bool
) -> None:
    """Show who stood where on two days, by the orders, and what the climbs between were worth."""
    with asked(home, merchant) as (conn, number, now):
        until = date_to or rungs.shop(conn, number).local(now).date()
        not_after(until, now, "--to")
        if date_from > until:
            raise BadInput(f"--from {date_from} lies after --to {until}; swap them.")
        found = movement.matrix(conn, merchant_id=number, date_from=date_from, date_to=until, now=now)
    show(found, as_json, lambda: _cells(found))


@ladder.command("stalled")
@merchant_options
def show_stalled(merchant: str | None, home: Path | None, as_json: bool) -> None:
    """List who has stood on a rung longer than four of five who climbed from it needed."""
    with asked(home, merchant) as (conn, number, now):
        found = movement.stalled(conn, merchant_id=number, now=now)
    show({"rungs": found}, as_json, lambda: "\n".join(map(_stalled, found)) or "Nobody can be told to be stalled yet.")


def _stalled(one: dict[str, Any]) -> str:
    rows = [(person["email"] or person["id"], f"{person['days']} days") for person in one["customers"]]
    head = f"{one['name']}: {one['count']} customers longer than {one['usual_days']} days"
    return f"{head}\n{table(rows)}" if rows else head


def _cells(found: dict[str, Any]) -> str:
    rows = [
        (f"{cell['from'] or '-'} → {cell['to']}", cell["count"], cell["orders"], cell["revenue"]["amount"])
        for cell in found["cells"]
    ]
    return table([("move", "people", "orders", "sales"), *rows])


def _customer(conn: Any, email: str) -> int:
    found = segments.customer_of(conn, email)
    if found is None:
        raise BadInput(f"No customer has the address {email!r}.")
    return found


def _read(file: str) -> Ladder:
    if file in PRESETS:
        return PRESETS[file]
    path = Path(file)
    try:
        if path.stat().st_size > LARGEST:
            raise BadInput(f"{file}: larger than {LARGEST // 1000} kB; that is no ladder.")
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        known = ", ".join(PRESETS)
        raise BadInput(f"{file} cannot be read ({error}). Give a file, or one of {known}.") from error
    try:
        data = json.loads(text) if text.lstrip().startswith("{") else yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise BadInput(f"{file} is neither YAML nor JSON: {error}") from error
    try:
        return ladders.parse(data)
    except BadRule as error:
        raise BadInput(f"{file}: {error.path or 'ladder'}: {error.problem}") from error


def _told(found: Ladder, locale: str) -> str:
    lines = [f"{found.name}, version {found.version}"]
    for number, rung in reversed(list(enumerate(found.rungs, start=1))):
        lines.append(f"{number}  {standing.name_of(rung, locale)} ({rung.key}): {sentence(rung.rule, locale)}")
    if found.review:
        lines.append(f"Rungs are lost each {found.review.every}, one at a time, after {found.review.grace_days} days.")
    return "\n".join(lines)


def _moves(found: dict[str, Any]) -> str:
    rows = [(f"{move['from'] or '-'} → {move['to']}", move["count"]) for move in found["moves"]]
    return table([*rows, ("stay where they are", found["unmoved"])])
