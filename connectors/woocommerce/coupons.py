"""Personal codes in the shop: made in batches, each compared with what was asked, none made twice, none left wrong."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

from connectors.errors import ConnectorError
from connectors.types import CodeResult, CodeSpec
from connectors.windows import chunks
from connectors.woocommerce.client import WooClient, plain
from connectors.woocommerce.coupon_terms import body, differences, is_ours, refusal
from connectors.woocommerce.values import part, reference
from connectors.woocommerce.walk import AT_ONCE

BATCH = 100
TAKEN = "woocommerce_rest_coupon_code_already_exists"
INVALID_ID = "invalid_id"


class CouponMaker:
    """Makes and revokes codes in one shop. ``currency`` is the shop's."""

    def __init__(self, client: WooClient, currency: str) -> None:
        self._client = client
        self._currency = currency

    def create(self, specs: Sequence[CodeSpec]) -> list[CodeResult]:
        """One result per spec, in their order. Raises ``ConnectorError`` only where nothing at all was done."""
        results: dict[str, CodeResult] = {}
        good: dict[str, CodeSpec] = {}
        now = self._client.clock()
        for spec in specs:
            key = spec.code.lower()
            reason = refusal(spec, currency=self._currency, now=now)
            if reason:
                results.setdefault(key, CodeResult(spec.code, None, reason))
            else:
                good.setdefault(key, spec)
        for batch in chunks((spec for key, spec in good.items() if key not in results), BATCH):
            results.update(self._batch(batch, first=not any(result.external_id for result in results.values())))
        return [self._answer(spec, good, results) for spec in specs]

    def revoke(self, external_ids: Iterable[str]) -> None:
        """Delete the coupons for good; those already gone are fine. Raises ``ConnectorError`` where one stays."""
        for batch in chunks(dict.fromkeys(external_ids), BATCH):
            numbers = [int(number) for number in batch if number.isdigit()]
            if not numbers:
                continue
            try:
                self._delete(numbers)
            except ConnectorError as error:
                if not error.ambiguous:
                    raise
                self._delete(numbers)  # Deleting again what may be gone harms nothing.

    def _answer(self, spec: CodeSpec, good: Mapping[str, CodeSpec], results: Mapping[str, CodeResult]) -> CodeResult:
        key = spec.code.lower()
        known = good.get(key)
        if known is not None and known != spec:
            return CodeResult(spec.code, None, "The same code was asked for twice, with different terms.")
        found = results[key]
        return CodeResult(spec.code, found.external_id, found.error, found.permanent)

    def _batch(self, specs: list[CodeSpec], *, first: bool) -> dict[str, CodeResult]:
        asked = [body(spec) for spec in specs]
        try:
            answer = self._client.write("POST", "coupons/batch", {"create": asked})
        except ConnectorError as error:
            if error.ambiguous:
                return self._look_up_all(specs)
            if first:
                raise
            return {
                spec.code.lower(): CodeResult(spec.code, None, error.sentence, permanent=error.permanent)
                for spec in specs
            }
        made = answer.get("create") if isinstance(answer, dict) else None
        if not isinstance(made, list) or len(made) != len(specs):
            return self._look_up_all(specs)
        return self._settle(specs, asked, made)

    def _settle(self, specs: list[CodeSpec], asked: list[dict[str, Any]], made: list[Any]) -> dict[str, CodeResult]:
        """Compare what was made with what was asked, and delete at once what differs."""
        results: dict[str, CodeResult] = {}
        taken: list[CodeSpec] = []
        wrong: dict[int, tuple[CodeSpec, list[str]]] = {}
        for spec, wanted, item in zip(specs, asked, made, strict=True):
            row = item if isinstance(item, dict) else {}
            number, fault = reference(row, "id"), part(row, "error")
            if number is None and fault.get("code") == TAKEN:
                taken.append(spec)
            elif number is None:
                results[spec.code.lower()] = _failed(spec, fault)
            elif differing := differences(row, spec, wanted):
                wrong[int(number)] = (spec, differing)
            else:
                results[spec.code.lower()] = CodeResult(spec.code, number)
        return results | self._undo(wrong) | self._look_up_all(taken)

    def _look_up_all(self, specs: list[CodeSpec]) -> dict[str, CodeResult]:
        # The shop finds a code only one at a time.
        with ThreadPoolExecutor(max_workers=AT_ONCE, thread_name_prefix="codes") as pool:
            found = pool.map(self._look_up, specs)
            return {spec.code.lower(): result for spec, result in zip(specs, found, strict=True)}

    def _look_up(self, spec: CodeSpec) -> CodeResult:
        """What the shop knows under this code: the same offer counts as made, anything else does not."""
        try:
            rows, _ = self._client.rows("coupons", {"code": spec.code.lower()})
        except ConnectorError as error:
            return CodeResult(spec.code, None, error.sentence, permanent=False)
        same = [row for row in rows if isinstance(row, dict) and str(row.get("code", "")).lower() == spec.code.lower()]
        if not same:
            return CodeResult(spec.code, None, "The shop did not confirm the code. We will try again.", permanent=False)
        row = same[0]
        number, differing = reference(row, "id"), differences(row, spec)
        if not is_ours(row, spec) or number is None:
            return CodeResult(spec.code, None, "The shop already has a coupon of its own with this code.")
        if not differing:
            return CodeResult(spec.code, number)
        if row.get("usage_count"):
            return CodeResult(spec.code, None, f"The code exists and was used, with another {', '.join(differing)}.")
        # A leftover of a run that died before it compared: once it is gone, the next call makes the code anew.
        return replace(self._undo({int(number): (spec, differing)})[spec.code.lower()], permanent=False)

    def _undo(self, wrong: Mapping[int, tuple[CodeSpec, list[str]]]) -> dict[str, CodeResult]:
        if not wrong:
            return {}
        try:
            self._delete(list(wrong))
            fate, permanent = "It was deleted again.", True
        except ConnectorError as error:
            fate, permanent = f"It could not be deleted ({error.sentence}): delete it in the shop.", False
        return {
            spec.code.lower(): CodeResult(
                spec.code, None, f"The shop made the code with another {', '.join(differing)}. {fate}", permanent
            )
            for spec, differing in wrong.values()
        }

    def _delete(self, numbers: list[int]) -> None:
        answer = self._client.write("POST", "coupons/batch", {"delete": numbers})
        items = answer.get("delete") if isinstance(answer, dict) else None
        if not isinstance(items, list) or len(items) != len(numbers):
            raise ConnectorError(
                "The shop's answer does not say whether the codes are gone.", code="shape", retry_after=300.0
            )
        for item in items:
            fault = item.get("error") if isinstance(item, dict) else None
            if isinstance(fault, dict) and INVALID_ID not in str(fault.get("code")):
                raise ConnectorError(f"The shop keeps a code: {plain(fault.get('message'))}", code="refused")


def _failed(spec: CodeSpec, fault: Mapping[str, Any]) -> CodeResult:
    reason = plain(fault.get("message")) or "The shop refused the code without a reason."
    status = part(fault, "data").get("status")
    return CodeResult(spec.code, None, reason, permanent=not (isinstance(status, int) and status >= 500))
