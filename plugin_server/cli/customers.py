"""`tangga customers`: two rows that are one person, and two persons that are not."""

from __future__ import annotations

from pathlib import Path

import click

from plugin_server.cli.context import BadInput, merchant_id_of, merchant_options, opened, show
from plugin_server.db.customers.identity import MergeRefused
from plugin_server.jobs.merging import merged, taken_apart

ACTOR = "command line"


@click.group()
def customers() -> None:
    """Make two customers one, and undo that."""


@customers.command()
@click.argument("email")
@click.argument("other")
@click.option("--reason", default="the same person", show_default=True, help="Kept with the merge.")
@merchant_options
def merge(email: str, other: str, reason: str, merchant: str | None, home: Path | None, as_json: bool) -> None:
    """Make the customer OTHER one with EMAIL, who stays: orders, consents and accounts change hands."""
    with opened(home) as services:
        try:
            document = merged(
                services, merchant_id_of(services, merchant), keep=email, other=other, reason=reason, by=ACTOR
            )
        except MergeRefused as error:
            raise BadInput(str(error)) from error
    undo = f"Undo: tangga customers unmerge {document['merge']}"
    show(document, as_json, lambda: f"Merge {document['merge']}: {other} is {email} now. {undo}")


@customers.command()
@click.argument("which", metavar="MERGE|EMAIL")
@merchant_options
def unmerge(which: str, merchant: str | None, home: Path | None, as_json: bool) -> None:
    """Undo a merge, by its number or by the address that was given up. What came later stays where it is."""
    with opened(home) as services:
        try:
            document = taken_apart(services, merchant_id_of(services, merchant), which=which, by=ACTOR)
        except MergeRefused as error:
            raise BadInput(str(error)) from error
    show(document, as_json, lambda: f"Merge {document['merge']} is undone: two customers again.")
