"""`tangga consent`: what somebody agreed to, with its proof."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
from sqlalchemy import text

from plugin_server.cli.context import BadInput, merchant_id_of, merchant_options, opened, show
from plugin_server.db.customers import topics
from plugin_server.db.session import tenant


@click.group()
def consent() -> None:
    """Who may be written to, and how we know."""


@consent.command()
@click.argument("email")
@merchant_options
def proof(email: str, merchant: str | None, home: Path | None, as_json: bool) -> None:
    """Everything EMAIL has said about mails: when, where, in answer to what; and whether the address is suppressed."""
    with opened(home) as services, tenant(services.engine, merchant_id_of(services, merchant)) as conn:
        found = conn.scalar(
            text("SELECT id FROM customer WHERE merged_into IS NULL AND email_norm = :e"), {"e": email.strip().lower()}
        )
        if found is None:
            raise BadInput(f"There is no customer with the address {email}.")
        document = topics.proof(conn, int(found))
    show(document, as_json, lambda: "\n".join(_line(row) for row in document["log"]) or f"{email} has said nothing.")


def _line(row: dict[str, Any]) -> str:
    proved = f" ({row['evidence']})" if row["evidence"] else ""
    return f"{row['occurred_at']}  {row['topic']}: {row['state']}, {row['level']}, by {row['source']}{proved}"
