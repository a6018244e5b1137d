"""Personal codes in the shop: each bound to its customer, compared with what was asked, none made twice or left wrong.

Codes are one to a discount, because only a discount can be bound to a person. Codes added in bulk to a shared discount
can be used by whoever may use that discount: ``code_batches`` makes those, for offers that are meant so.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from connectors.errors import BadPayload, ConnectorError
from connectors.shopify.catalog import CatalogReader
from connectors.shopify.client import ShopifyClient
from connectors.shopify.discount_terms import body, differences, is_personal, refusal
from connectors.shopify.failures import Rejected
from connectors.shopify.values import gid, is_number, number_of, part
from connectors.types import CodeResult, CodeSpec, DiscountKind

AT_ONCE = 4
ONE_MAILBOX = re.compile(r"[^@\s*,;<>]+@[^@\s*,;<>]+\.[^@\s*,;<>]+")
"""No pattern and no list: nobody is added to the shop for what may stand for several people."""
CREATES = {DiscountKind.FREE_SHIPPING: "discount_shipping_create", DiscountKind.BUY_GET: "bxgy_personal_create"}
TAKEN = "TAKEN"
UNKNOWN_CUSTOMER = (
    "The shop has no customer with this e-mail address, and made none. A code that belongs to nobody could be used by "
    "everybody, so none was made."
)
ONE_BY_ONE = {"missing_scope", "bad_token", "forbidden", "wrong_shop", "shop_closed", "protected_data"}
"""Refusals of the connection, not of one code: asking for the next would end the same."""


class DiscountMaker:
    """Makes and revokes personal codes in one shop. ``currency`` is the shop's."""

    def __init__(self, client: ShopifyClient, catalog: CatalogReader, currency: str) -> None:
        self._client = client
        self._catalog = catalog
        self._currency = currency

    def create(self, specs: Sequence[CodeSpec]) -> list[CodeResult]:
        """One result per spec, in their order. Raises ``ConnectorError`` where the shop takes none at all."""
        results: dict[str, CodeResult] = {}
        good: dict[str, CodeSpec] = {}
        now = self._client.clock()
        for spec in specs:
            reason = refusal(spec, currency=self._currency, now=now)
            if reason:
                results.setdefault(spec.code.upper(), CodeResult(spec.code, None, reason))
            else:
                good.setdefault(spec.code.upper(), spec)
        todo = [spec for key, spec in good.items() if key not in results]
        # The first alone: what the connection refuses, it refuses once.
        for spec in todo[:1]:
            results[spec.code.upper()] = self._make(spec, first=True)
        with ThreadPoolExecutor(max_workers=AT_ONCE, thread_name_prefix="codes") as pool:
            for spec, result in zip(todo[1:], pool.map(self._make, todo[1:]), strict=True):
                results[spec.code.upper()] = result
        return [_answer(spec, good, results) for spec in specs]

    def revoke(self, external_ids: Iterable[str]) -> None:
        """Delete the discounts for good, or the code alone where it shares one (``discount/code``)."""
        for external_id in dict.fromkeys(external_ids):
            owner, _, code = external_id.partition("/")
            if not is_number(owner) or (code and not is_number(code)):
                continue
            self._delete(owner, code)

    def _delete(self, owner: str, code: str = "") -> None:
        discount = gid("DiscountCodeNode", owner)
        name, variables = (
            ("codes_delete", {"discountId": discount, "ids": [gid("DiscountRedeemCode", code)]})
            if code
            else ("discount_delete", {"id": discount})
        )
        try:
            self._client.write(name, variables)
        except Rejected as error:
            if not _gone(error):
                raise
        except ConnectorError as error:
            if not error.ambiguous:
                raise
            try:
                self._client.write(name, variables)  # Deleting again what may be gone harms nothing.
            except Rejected as again:
                if not _gone(again):
                    raise

    def _make(self, spec: CodeSpec, *, first: bool = False) -> CodeResult:
        try:
            customer = self._catalog.customer_id(spec.email) or self._introduced(spec.email)
            if customer is None:
                return CodeResult(spec.code, None, UNKNOWN_CUSTOMER)
            return self._create(spec, customer)
        except Rejected as error:
            return CodeResult(spec.code, None, error.sentence)
        except BadPayload as error:
            return CodeResult(spec.code, None, error.sentence, permanent=False)
        except ConnectorError as error:
            if first and error.code in ONE_BY_ONE:
                raise
            return CodeResult(spec.code, None, error.sentence, permanent=False)

    def _introduced(self, email: str) -> str | None:
        """The number of a customer made for ``email``; None where the shop takes none.

        A friend somebody brought, or a contact of a list, is new to the shop, and codes are bound to customers alone.
        """
        if not ONE_MAILBOX.fullmatch(email):
            return None
        try:
            made = self._client.write("customer_create", {"input": {"email": email}})
            return number_of(part(made, "customer").get("id"), "Customer")
        except Rejected:
            pass  # Taken: another code of the same person may have come first.
        except ConnectorError as error:
            if error.code == "missing_scope":
                return None
            if not error.ambiguous:
                raise
        return self._catalog.customer_id(email)

    def _create(self, spec: CodeSpec, customer: str) -> CodeResult:
        name = CREATES.get(spec.kind, "discount_basic_create")
        try:
            payload = self._client.write(name, {"discount": body(spec, customer, now=self._client.clock())})
        except Rejected as error:
            if any(one.code == TAKEN for one in error.errors):
                return self._known(spec, customer)
            raise
        except ConnectorError as error:
            if error.ambiguous:
                return self._known(spec, customer)
            raise
        return self._settle(spec, customer, part(payload, "codeDiscountNode"))

    def _settle(self, spec: CodeSpec, customer: str, node: Mapping[str, Any]) -> CodeResult:
        """Compare what was made with what was asked, and delete it at once where it differs."""
        number = number_of(node.get("id"), "DiscountCodeNode")
        if number is None:
            return self._known(spec, customer)
        wrong = differences(part(node, "codeDiscount"), spec, customer)
        if not wrong:
            return CodeResult(spec.code, number)
        return self._undo(spec, number, f"The shop made the code with another {', '.join(wrong)}.", permanent=True)

    def _known(self, spec: CodeSpec, customer: str) -> CodeResult:
        """What the shop knows under this code: the same offer of ours counts as made, anything else does not."""
        node = self._client.read("discount_by_code", {"code": spec.code.upper()}).data.get("codeDiscountNodeByCode")
        if not isinstance(node, dict):
            return CodeResult(spec.code, None, "The shop did not confirm the code. We will try again.", permanent=False)
        discount, number = part(node, "codeDiscount"), number_of(node.get("id"))
        if not is_personal(discount) or number is None:
            return CodeResult(spec.code, None, "The shop already has a discount of its own with this code.")
        wrong = differences(discount, spec, customer)
        if not wrong:
            return CodeResult(spec.code, number)
        if discount.get("asyncUsageCount"):
            return CodeResult(spec.code, None, f"The code exists and was used, with another {', '.join(wrong)}.")
        # A leftover of a run that died before it compared: once it is gone, the next call makes the code anew.
        return self._undo(spec, number, f"The code existed with another {', '.join(wrong)}.", permanent=False)

    def _undo(self, spec: CodeSpec, number: str, sentence: str, *, permanent: bool) -> CodeResult:
        try:
            self._delete(number)
        except ConnectorError as error:
            sentence += f" It could not be deleted ({error.sentence}): delete it in the shop."
            return CodeResult(spec.code, None, sentence, permanent=False)
        return CodeResult(spec.code, None, f"{sentence} It was deleted.", permanent)


def _answer(spec: CodeSpec, good: Mapping[str, CodeSpec], results: Mapping[str, CodeResult]) -> CodeResult:
    key = spec.code.upper()
    known = good.get(key)
    if known is not None and known != spec:
        return CodeResult(spec.code, None, "The same code was asked for twice, with different terms.")
    found = results[key]
    return CodeResult(spec.code, found.external_id, found.error, found.permanent)


def _gone(error: Rejected) -> bool:
    """True where all that Shopify says is that the thing does not exist (any more)."""
    words = ("does not exist", "not found", "could not be found")
    return all(any(word in one.message.lower() for word in words) for one in error.errors)
