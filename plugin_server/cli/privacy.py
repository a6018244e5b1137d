"""`tangga privacy`: all we hold of a person, and forgetting them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from plugin_server.cli.context import BadInput, merchant_id_of, merchant_options, opened, show
from plugin_server.db.session import tenant
from plugin_server.jobs import privacy as work
from plugin_server.wiring import Services

ACTOR = "command line"


@click.group()
def privacy() -> None:
    """Show a person all we hold of them, or forget them."""


@privacy.command()
@click.argument("email")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="Write to this file instead of stdout.")
@merchant_options
def export(email: str, out: Path | None, merchant: str | None, home: Path | None, as_json: bool) -> None:
    """Everything that is held of the person with this address, as JSON."""
    with opened(home) as services:
        merchant_id = merchant_id_of(services, merchant)
        document = work.exported(services, merchant_id, _meant(services, merchant_id, email), by=ACTOR)
    if out is None:
        show(document, as_json)
        return
    out.write_text(json.dumps(document, ensure_ascii=False, indent=2, default=str), encoding="utf-8")
    summary = {"file": str(out), "rows": {table: len(rows) for table, rows in document["data"].items()}}
    show(summary, as_json, lambda: f"Written to {out}.")


@privacy.command()
@click.argument("email")
@click.option("--yes", is_flag=True, help="Do not ask.")
@merchant_options
def erase(email: str, yes: bool, merchant: str | None, home: Path | None, as_json: bool) -> None:
    """Forget the person with this address for good; the sums of their orders stay, without a name."""
    with opened(home) as services:
        merchant_id = merchant_id_of(services, merchant)
        people = _meant(services, merchant_id, email)
        if not (yes or as_json) and not click.confirm(
            f"Erase all that names {email}? This cannot be undone.", err=True
        ):
            raise click.Abort
        done: dict[str, Any] = {"email": email, "rows": work.erased(services, merchant_id, people, by=ACTOR)}
    show(done, as_json, lambda: f"{email} is erased. Rows: {sum(done['rows'].values())}.")


def _meant(services: Services, merchant_id: int, email: str) -> list[int]:
    try:
        with tenant(services.engine, merchant_id) as connection:
            return work.by_email(connection, email)
    except work.Nobody as error:
        raise BadInput(str(error)) from error
