"""Writing each customer's rung to the shop, as metafields of the app that themes, segments and Flow can read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any

from connectors.base import Written
from connectors.errors import BadPayload, ConnectorError
from connectors.shopify.client import ShopifyClient
from connectors.shopify.failures import Rejected
from connectors.shopify.values import gid, is_number, moment, number_of, part, rows
from connectors.windows import chunks

NAMESPACE = "$app:loyalty"
"""Reserved for this app: no other app can write here, and it goes when the app goes."""
FIELDS = (("rung", "Loyalty rung"), ("rung_name", "Loyalty rung, as customers read it"))
BATCH = 12
"""Customers in one call: Shopify takes 25 metafields, and each customer has two."""
EXISTS = {"TAKEN", "UNSTRUCTURED_ALREADY_EXISTS"}


class RungWriter:
    """Writes rungs to one shop."""

    def __init__(self, client: ShopifyClient) -> None:
        self._client = client
        self._defined = False

    def write(self, rungs: Mapping[str, tuple[str, str]]) -> Written:
        """Write {customer id: (rung key, rung name)}.

        Raises ``ConnectorError`` where the shop fails; writing all of them again is harmless.
        """
        refused = {owner: "This is not a customer's number." for owner in rungs if not is_number(owner)}
        changed: dict[str, datetime] = {}
        good = [owner for owner in rungs if owner not in refused]
        if good and not self._defined:
            self.define()
        for batch in chunks(good, BATCH):
            refused |= self._batch({owner: rungs[owner] for owner in batch}, changed)
        return Written(refused, changed)

    def define(self) -> None:
        """Make the fields known to the shop, so that themes and customers may read them; done before is fine."""
        for key, name in FIELDS:
            definition = {
                "name": name,
                "namespace": NAMESPACE,
                "key": key,
                "type": "single_line_text_field",
                "ownerType": "CUSTOMER",
                "access": {"admin": "MERCHANT_READ", "storefront": "PUBLIC_READ", "customerAccount": "READ"},
            }
            try:
                self._client.write("rung_definition", {"definition": definition})
            except Rejected as error:
                if not all(one.code in EXISTS for one in error.errors):
                    raise
        self._defined = True

    def _batch(self, rungs: dict[str, tuple[str, str]], changed: dict[str, datetime]) -> dict[str, str]:
        """All of a batch or none is written: whoever spoils it is left out, and the others are sent again."""
        refused: dict[str, str] = {}
        left = dict(rungs)
        while left:
            owners = list(left)
            try:
                changed |= self._set(left)
                return refused
            except Rejected as error:
                bad = {owners[place // 2]: message for place, message in _places(error) if place // 2 < len(owners)}
                if not bad:
                    return refused | dict.fromkeys(left, error.sentence)
                refused |= bad
                left = {owner: rung for owner, rung in left.items() if owner not in bad}
        return refused

    def _set(self, rungs: Mapping[str, tuple[str, str]]) -> dict[str, datetime]:
        fields = [
            {
                "ownerId": gid("Customer", owner),
                "namespace": NAMESPACE,
                "key": key,
                "type": "single_line_text_field",
                "value": value,
            }
            for owner, pair in rungs.items()
            for (key, _), value in zip(FIELDS, pair, strict=True)
        ]
        try:
            told = self._client.write("rungs_set", {"metafields": fields})
        except ConnectorError as error:
            if not error.ambiguous:
                raise
            told = self._client.write("rungs_set", {"metafields": fields})  # The same values again change nothing.
        owners = [part(row, "owner") for row in rows(told, "metafields", "rungs") if isinstance(row, dict)]
        return changes(owners, self._client.clock())


def changes(accounts: Iterable[Mapping[str, Any]], now: datetime) -> dict[str, datetime]:
    """{customer id: its time of change} of customers in the answer to a change; those that tell none are left out."""
    found: dict[str, datetime] = {}
    for row in accounts:
        number = number_of(row.get("id"), "Customer")
        with suppress(BadPayload):  # It was written; only our own change is not known again by a time that is none.
            at = moment(row, "updatedAt", "customer", now)
            if number and at:
                found[number] = at
    return found


def _places(error: Rejected) -> list[tuple[int, str]]:
    """(place in the list of fields, sentence) of what was refused: ``["metafields", "3", "value"]``."""
    found: list[tuple[int, str]] = []
    for one in error.errors:
        number: Any = next((step for step in one.field if step.isdigit()), None)
        if number is not None:
            found.append((int(number), one.message or "Shopify gave no reason."))
    return found
