"""`tangga audit`."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import click

from plugin_server.cli.context import BadInput, merchant_options, show
from plugin_server.cli.ladder import NO_CUSTOMERS, Day, asked, not_after, table
from plugin_server.db.audit.figures import WINDOW_DAYS
from plugin_server.db.audit.figures import audit as audited
from plugin_server.db.merchant import merchants
from plugin_server.locales import LANGUAGES
from plugin_server.web.ladder.rungs import names_of
from plugin_server.web.words import Words, language_of, zone_of


@click.command()
@click.option("--from", "date_from", type=Day(), help="First day; default: that of the first order.")
@click.option("--to", "date_to", type=Day(), help="Last day; default: that of the last order.")
@click.option("--window-days", type=click.IntRange(1, 3650), default=WINDOW_DAYS, show_default=True)
@click.option("--pdf", type=click.Path(dir_okay=False, path_type=Path), help="Write it as a PDF to this file too.")
@click.option("--language", type=click.Choice(LANGUAGES), help="Of the PDF; default: the merchant's.")
@merchant_options
def audit(
    date_from: date | None,
    date_to: date | None,
    window_days: int,
    pdf: Path | None,
    language: str | None,
    merchant: str | None,
    home: Path | None,
    as_json: bool,
) -> None:
    """Show who buys, who comes back, and what that is worth."""
    if date_from and date_to and date_from > date_to:
        raise BadInput(f"--from {date_from} lies after --to {date_to}; swap them.")
    with asked(home, merchant) as (conn, number, now):
        not_after(date_from, now, "--from")
        whose = merchants.get(conn)
        found = audited(
            conn,
            merchant=whose,
            date_from=date_from,
            date_to=date_to,
            now=now,
            window_days=window_days,
        )
        words = Words(language_of(language, whose["locale"]), zone_of(whose["timezone"]), now)
        rungs = {rung.key: rung.name for rung in names_of(conn, number, words.language)}
    if pdf:
        from plugin_server.web.ladder.audit_paper import printed  # What draws letters is long to load.

        write(pdf, printed(found, words, shop=whose["name"], rungs=rungs, made_at=now))
    show(found, as_json, lambda: _lines(found))


def write(path: Path, content: bytes) -> None:
    """Put it there whole or not at all. Raises ``BadInput`` where nothing can be written."""
    beside = path.with_name(f".{path.name}.part")
    try:
        if path.exists() and not path.is_file():
            path.write_bytes(content)  # A pipe or a device such as /dev/null, which must not be replaced by a file.
            return
        beside.write_bytes(content)
        beside.replace(path)
    except OSError as error:
        raise BadInput(f"{path} cannot be written: {error.strerror}. Name a file in a folder of yours.") from error


def _lines(found: dict[str, Any]) -> str:
    if not found["customers"]:
        return f"No orders of known customers in these days. Guest orders: {found['guests']['orders']}. {NO_CUSTOMERS}"
    gaps = " / ".join(_days(found["gap_days"][quantile]) for quantile in ("median", "p80", "p95"))
    head = [
        ("Customers", found["customers"]),
        ("Orders", found["orders"]),
        ("Revenue", _money(found["revenue"])),
        ("Average order", _money(found["average_order"])),
        ("Came back", _percent(found["repeat_rate"])),
        ("Sales from existing customers", _percent(found["existing_share"])),
        ("Sales from the best tenth", _percent(found["top_decile_revenue_share"])),
        ("Days between orders, median / p80 / p95", gaps),
        (f"Kept over {found['window_retention']['days']} days", _percent(found["window_retention"]["value"])),
        ("Bought something else later", _percent(found["cross_sell"]["rate"])),
        (
            "Lost customers, and their last year",
            f"{found['lost']['customers']}, {_money(found['lost']['last_year_revenue'])}",
        ),
        ("Cost of a new customer", _money(found["acquisition"]["cac"])),
        ("Brought so far, as margin", _money(found["acquisition"]["ltv"]["contribution"])),
        ("Guest orders", found["guests"]["orders"]),
    ]
    months = [("month", "buyers", "new sales", "existing sales", "existing", "retention", "")]
    months += [
        (
            month["month"],
            month["buyers"],
            month["new_revenue"]["amount"],
            month["existing_revenue"]["amount"],
            _percent(month["existing_share"]),
            _percent(month["retention"]),
            ", ".join(
                said for name, said in (("flagged_incomplete", "opening month"), ("partial", "in part")) if month[name]
            ),
        )
        for month in found["months"]
    ]
    cut = any(month["partial"] for month in found["months"])
    asked = f"In part: only its days from {found['from'] or 'the first'} to {found['to']} are counted." if cut else ""
    steps = [
        f"  {one['action'].replace('_', ' ')}: {one['people']} {'person' if one['people'] == 1 else 'people'}, "
        f"{one['reachable']} by mail, {_money(one['worth'])} margin if one in ten of those answers"
        for one in found["next_actions"]
    ]
    parts = [table(head), table(months), asked, "\n".join(["Next steps", *steps]) if steps else ""]
    return "\n\n".join(part for part in parts if part)


def _money(money: dict[str, str] | None) -> str:
    return f"{money['amount']} {money['currency']}" if money else "-"


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{share:.1%}"


def _days(days: float | None) -> str:
    return "-" if days is None else f"{days:.0f}"
