"""`tangga forecast`: who will come back, how often and for how much, and how far that can be believed."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import click

from campaigns.forecast import HORIZON_WEEKS
from campaigns.forecast.buying import ModelName
from plugin_server.cli.context import Number, home_option, merchant_option, merchant_options, show
from plugin_server.cli.ladder import Day, asked, not_after, table
from plugin_server.db.ladder import forecast as forecasts
from plugin_server.db.ladder import outlook, predictions
from plugin_server.db.merchant import merchants

MODEL = click.option(
    "--model",
    type=click.Choice(["bg/nbd", "mbg/nbd"]),
    help="One model for everybody; default: BG/NBD, and MBG/NBD for those who ordered once.",
)
UNTIL = click.option("--until", type=Day(), help="Last day of the histories; default: that of the last order.")


@click.group()
def forecast() -> None:
    """Predict orders and spend, where the history allows it."""


@forecast.command()
@UNTIL
@MODEL
@merchant_options
def fit(until: date | None, model: ModelName | None, merchant: str | None, home: Path | None, as_json: bool) -> None:
    """Fit the models to the orders, check them against the latest part of the history, and say if they are usable."""
    with asked(home, merchant) as (conn, number, now):
        not_after(until, now, "--until")
        shop = merchants.get(conn)
        found, made, ids, of = forecasts.fitted(conn, merchant=shop, until=until, now=now, model=model)
        if outlook.half_read(conn, number):
            click.echo("tangga: orders are just being read. This fit knows a part of them, and is not kept.", err=True)
        elif until is None and model is None:
            forecasts.keep(conn, merchant_id=number, document=found, now=now)
            outlook.everybody(conn, document=found, made=made, ids=ids, of=of, now=now)
    show(found, as_json, lambda: _fitted(found))


@forecast.command()
@click.option("--horizon-weeks", type=Number(0.1, 520), default=HORIZON_WEEKS, show_default=True)
@UNTIL
@MODEL
@click.option("--anyway", is_flag=True, help="Show predictions although a gate is closed.")
@merchant_option
@home_option
@click.option("--json", is_flag=True, expose_value=False, help="JSON lines, which is the only form.")
def customers(
    horizon_weeks: float,
    until: date | None,
    model: ModelName | None,
    anyway: bool,
    merchant: str | None,
    home: Path | None,
) -> None:
    """Predict every customer, one JSON object on each line. Where nothing can be predicted, tell their activity."""
    with asked(home, merchant) as (conn, _, now):
        not_after(until, now, "--until")
        shop = merchants.get(conn)
        found, made, ids, of = forecasts.fitted(conn, merchant=shop, until=until, now=now, model=model)
        if made is None or not (found["usable"] or anyway):
            why = found["reason"].removesuffix(".")
            click.echo(f"tangga: no forecast: {why}. What rules know is shown instead.", err=True)
            lines = predictions.by_rules(conn, ids=ids, reason=found["reason"])
        else:
            lines = predictions.customers(
                conn,
                made=made,
                ids=ids,
                of=of,
                weeks=horizon_weeks,
                until=date.fromisoformat(found["until"]),
                currency=shop["currency"],
            )
        for line in lines:
            click.echo(json.dumps(line, ensure_ascii=False))


def _fitted(found: dict[str, Any]) -> str:
    told = [f"Orders up to {found['until']}, {found['customers']} customers"]
    if found["parameters"]:
        told.append(f"{found['model']}: " + ", ".join(f"{k} {v:.4g}" for k, v in found["parameters"].items()))
    if found["spend"]:
        told.append("gamma-gamma: " + ", ".join(f"{name} {found['spend'][name]:.4g}" for name in ("p", "q", "v")))
    told += [f"  {'yes' if gate['ok'] else 'no '}  {gate['detail']}" for gate in found["gates"]]
    told.append("Usable." if found["usable"] else "Not usable: " + found["reason"])
    if found["calibration"]:
        rows = [("repeat orders before", "customers", "predicted", "actual")]
        rows += [
            (one["label"], one["customers"], f"{one['predicted']:.2f}", f"{one['actual']:.2f}")
            for one in found["calibration"]["by_repeats"]
        ]
        told += ["", f"Orders in the {found['calibration']['weeks']:.0f} weeks kept back, per customer", table(rows)]
    return "\n".join(told)
