"""Many codes under one discount: 250 a call, made by the shop in its own time, each with its own outcome.

Whoever may use the discount may use any of its codes, once each. So these are for offers that are meant to be passed
on (bring a friend, a team deal), never for personal ones: those are bound to their customer, one discount each.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from connectors.errors import ConnectorError
from connectors.shopify.client import ShopifyClient
from connectors.shopify.discount_terms import CODE
from connectors.shopify.failures import Rejected
from connectors.shopify.values import gid, number_of, part, rows
from connectors.types import CodeResult
from connectors.windows import chunks

BATCH = 250
PAUSE = 1.0
LOOKS = 120
NOT_UNIQUE = "unique"


class CodeBatches:
    """Adds codes to a shared discount of one shop."""

    def __init__(self, client: ShopifyClient) -> None:
        self._client = client

    def add(self, deal_id: str, codes: Sequence[str]) -> list[CodeResult]:
        """Make ``codes`` exist under the deal (``code:1``); one result each, in their order. Safe to call again.

        A code's id is ``discount/code``. A code that is already there counts as made where it is under this very
        discount. Raises ``ConnectorError`` where nothing at all was done.
        """
        kind, _, discount = deal_id.partition(":")
        if kind != "code":
            sentence = "Codes can be added to an offer with codes alone."
            return [CodeResult(code, None, sentence) for code in codes]
        found: dict[str, CodeResult] = {}
        good: list[str] = []
        for code in dict.fromkeys(code.upper() for code in codes):
            if CODE.fullmatch(code):
                good.append(code)
            else:
                found[code] = CodeResult(code, None, "A code has 3 to 255 letters, digits, - or _.")
        for batch in chunks(good, BATCH):
            found |= self._batch(discount, batch)
        return [_named(code, found[code.upper()]) for code in codes]

    def _batch(self, discount: str, codes: list[str]) -> dict[str, CodeResult]:
        ask = {"discountId": gid("DiscountCodeNode", discount), "codes": [{"code": code} for code in codes]}
        try:
            payload = self._client.write("codes_add", ask)
        except Rejected as error:
            return {code: CodeResult(code, None, error.sentence) for code in codes}
        except ConnectorError as error:
            if not error.ambiguous:
                raise
            return {code: self._look_up(discount, code) for code in codes}
        number = part(payload, "bulkCreation").get("id")
        if not isinstance(number, str):
            return {code: self._look_up(discount, code) for code in codes}
        return self._wait(discount, number, codes)

    def _wait(self, discount: str, number: str, codes: list[str]) -> dict[str, CodeResult]:
        for _ in range(LOOKS):
            answer = self._client.read("codes_added", {"id": number, "first": 1, "after": None})
            if part(answer.data, "discountRedeemCodeBulkCreation").get("done") is True:
                return self._settle(discount, number, codes)
            self._client.sleep(PAUSE)
        late = "The shop is still making this code. We look again."
        return {code: CodeResult(code, None, late, permanent=False) for code in codes}

    def _settle(self, discount: str, number: str, codes: list[str]) -> dict[str, CodeResult]:
        told: dict[str, Mapping[str, Any]] = {}
        ask = {"id": number, "first": BATCH}
        for nodes, _ in self._client.pages("codes_added", "discountRedeemCodeBulkCreation.codes", ask):
            told |= {str(row.get("code")).upper(): row for row in nodes if isinstance(row, dict)}
        return {code: self._one(discount, code, told.get(code, {})) for code in codes}

    def _one(self, discount: str, code: str, row: Mapping[str, Any]) -> CodeResult:
        made = number_of(part(row, "discountRedeemCode").get("id"))
        if made:
            return CodeResult(code, f"{discount}/{made}")
        errors = [str(one.get("message")) for one in rows(row, "errors", "codes") if isinstance(one, dict)]
        if not errors or any(NOT_UNIQUE in message for message in errors):
            return self._look_up(discount, code)
        return CodeResult(code, None, f"Shopify refuses this code: {'; '.join(errors)}"[:300])

    def _look_up(self, discount: str, code: str) -> CodeResult:
        """A code that exists under this very discount is ours; under any other it is not."""
        node = self._client.read("code_owner", {"code": code, "query": f"code:{code}"}).data.get(
            "codeDiscountNodeByCode"
        )
        if not isinstance(node, dict):
            return CodeResult(code, None, "The shop did not confirm the code. We will try again.", permanent=False)
        if number_of(node.get("id")) != discount:
            return CodeResult(code, None, "The shop already has this code under another discount.")
        known = rows(part(node, "codeDiscount"), "codes", "codes")
        same = [row for row in known if isinstance(row, dict) and str(row.get("code")).upper() == code]
        number = number_of(same[0].get("id")) if same else None
        if number is None:
            return CodeResult(code, None, "The shop did not confirm the code. We will try again.", permanent=False)
        return CodeResult(code, f"{discount}/{number}")


def _named(code: str, found: CodeResult) -> CodeResult:
    return CodeResult(code, found.external_id, found.error, found.permanent)
