"""What real development stores answered, asked again of the double: the same words, the same codes."""

from __future__ import annotations

import json
from typing import Any

import pytest

from plugin_server.demo.shopify_shop.model import Customer
from tests.conftest import shared
from tests.shopify_shop.conftest import NOW, Client


def capture(name: str) -> dict[str, Any]:
    path = shared("contracts", "shopify", "payloads", "captures", f"{name}.json")
    found: dict[str, Any] = json.loads(path.read_text())
    return found


def bare(errors: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Errors without their places and values, which hang on the layout of the question."""
    order = "SINGLE_OPT_IN, CONFIRMED_OPT_IN, UNKNOWN", "CONFIRMED_OPT_IN, SINGLE_OPT_IN, UNKNOWN"
    errors = json.loads(json.dumps(errors).replace(*order))  # the order of an enum's values is no promise
    return [
        {
            "message": one["message"],
            "code": one["extensions"]["code"],
            "problems": one["extensions"].get("problems"),
            "path": one.get("path"),
        }
        for one in errors
    ]


@pytest.mark.parametrize(
    "case",
    ["nodesInsteadOfEdges", "ordersNodesInsteadOfEdges", "topLevelNode", "nestedWithoutParentId",
     "invalidOperationType", "depthThreeNesting", "sixConnections", "connectionWithinList"],
)  # fmt: skip
def test_bulk_queries_are_refused_as_recorded(shopify: Client, case: str) -> None:
    recorded = capture("2026-04__bulk-operations__bulk-operation-run-query-validators")["validations"][case]
    expected = recorded["response"]["data"]["bulkOperationRunQuery"]
    got = shopify.data(recorded["query"], **_fitting(case, recorded["variables"]))["bulkOperationRunQuery"]
    assert got == expected


def _fitting(case: str, variables: dict[str, Any]) -> dict[str, Any]:
    """The recorded query, its fields outside the trimmed schema replaced by ones inside it."""
    swaps = {
        "depthThreeNesting": (),
        "sixConnections": (("media {", "m1: metafields {"), ("sellingPlanGroups {", "c1: collections {")),
        "connectionWithinList": (
            ("fulfillments {", "refunds {"), ("events {", "refundLineItems {"),
        ),
    }  # fmt: skip
    text = variables["query"]
    for old, new in swaps.get(case, ()):
        text = text.replace(old, new)
    return {"query": text}


CREATES = {
    "duplicate": ("discountCodeBasicCreate", "basicCodeDiscount", "DiscountCodeBasicInput", "codeDiscountNode"),
    "badRefs": ("discountCodeBasicCreate", "basicCodeDiscount", "DiscountCodeBasicInput", "codeDiscountNode"),
    "blankCodeBxgy": ("discountCodeBxgyCreate", "bxgyCodeDiscount", "DiscountCodeBxgyInput", "codeDiscountNode"),
    "blankAutomaticBxgy": (
        "discountAutomaticBxgyCreate", "automaticBxgyDiscount", "DiscountAutomaticBxgyInput", "automaticDiscountNode",
    ),
    "invalidCodeFreeShipping": (
        "discountCodeFreeShippingCreate", "freeShippingCodeDiscount", "DiscountCodeFreeShippingInput",
        "codeDiscountNode",
    ),
    "orderTagStacking": ("discountCodeBasicCreate", "basicCodeDiscount", "DiscountCodeBasicInput", "codeDiscountNode"),
    "freeShippingSelfCombine": (
        "discountCodeFreeShippingCreate", "freeShippingCodeDiscount", "DiscountCodeFreeShippingInput",
        "codeDiscountNode",
    ),
}  # fmt: skip


def create(shopify: Client, case: str, given: dict[str, Any]) -> dict[str, Any]:
    mutation, argument, kind, node = CREATES[case]
    text = f"""mutation Create($d: {kind}!) {{ {mutation}({argument}: $d) {{
        {node} {{ id }} userErrors {{ field message code extraInfo }} }} }}"""
    found: dict[str, Any] = shopify.data(text, d=given)[mutation]
    return found


@pytest.mark.parametrize(
    ("file", "case"),
    [("discount-validation-branches", name) for name in list(CREATES)[:5]]
    + [("discount-combines-with-validation", name) for name in list(CREATES)[5:]],
)
def test_bad_terms_are_refused_as_recorded(shopify: Client, file: str, case: str) -> None:
    validation = capture(f"2026-04__discounts__{file}")["validation"]
    recorded = validation.get("omnibus", validation)
    given = recorded["variables"][case]
    if case == "duplicate":
        create(shopify, case, {**given, "title": "The first of the two"})
    assert create(shopify, case, given) == recorded["response"]["data"][case]


def test_a_batch_of_codes_ends_as_recorded(shopify: Client) -> None:
    recorded = capture("2026-04__discounts__discount-redeem-code-bulk-add-validation")
    base = recorded["requests"]["create"]["variables"]["input"]
    parent = create(shopify, "duplicate", base)["codeDiscountNode"]["id"]
    expected = recorded["invalidCodes"]["finalRead"]["payload"]["data"]["discountRedeemCodeBulkCreation"]
    codes = [{"code": node["code"]} for node in expected["codes"]["nodes"]]
    fields = "done codesCount importedCount failedCount codes(first: 10) { nodes { code errors { field message code extraInfo } discountRedeemCode { code } } }"  # noqa: E501
    added = shopify.data(
        f"mutation Add($d: ID!, $c: [DiscountRedeemCodeInput!]!)"
        f" {{ discountRedeemCodeBulkAdd(discountId: $d, codes: $c)"
        f" {{ bulkCreation {{ id {fields} }} userErrors {{ field message code }} }} }}",
        d=parent, c=codes,
    )["discountRedeemCodeBulkAdd"]["bulkCreation"]  # fmt: skip
    first = recorded["invalidCodes"]["add"]["payload"]["data"]["discountRedeemCodeBulkAdd"]["bulkCreation"]
    assert {**added, "id": None} == {**first, "id": None}
    poll = f"query Poll($id: ID!) {{ discountRedeemCodeBulkCreation(id: $id) {{ {fields} }} }}"
    shopify.data(poll, id=added["id"])
    assert shopify.data(poll, id=added["id"])["discountRedeemCodeBulkCreation"] == expected


CONSENT = """mutation Consent($input: CustomerEmailMarketingConsentUpdateInput!) {
  customerEmailMarketingConsentUpdate(input: $input) {
    customer { id defaultEmailAddress { marketingState marketingOptInLevel marketingUpdatedAt } }
    userErrors { field message code } } }"""


@pytest.mark.parametrize("at", range(16))
def test_consent_is_taken_and_refused_as_recorded(shopify: Client, at: int) -> None:
    case = capture("2026-04__customers__customer-email-marketing-consent-update-parity")["validation"]["matrix"][at]
    given = case["variables"]["input"]
    id = int(given["customerId"].rpartition("/")[2])
    email = None if "without email" in case["name"] else "hermes@example.test"
    shopify.shop.save(Customer(id, email, NOW, NOW))
    body = shopify.ask(CONSENT, input=given)
    if "errors" in case["response"]:
        assert bare(body["errors"]) == bare(case["response"]["errors"])
        return
    name = "customerEmailMarketingConsentUpdate"
    expected, got = case["response"]["data"][name], body["data"][name]
    assert got["userErrors"] == expected["userErrors"]
    if expected["userErrors"]:
        assert shopify.shop.customers[id].email_state == "NOT_SUBSCRIBED"
    elif email:
        shown = expected["customer"]["defaultEmailAddress"]
        told = got["customer"]["defaultEmailAddress"]
        assert told == {name: shown[name] for name in told}


@pytest.mark.parametrize(
    "case",
    ["missingAccountZeroCredit", "missingAccountZeroDebit", "pastExpiryNegativeCredit", "zeroCredit", "zeroDebit",
     "resultOnlyUsdcCredit", "resultOnlyXxxCredit", "overLimitDebit", "overLimitCredit", "accountCurrencyMismatch"],
)  # fmt: skip
def test_store_credit_is_refused_as_recorded(shopify: Client, case: str) -> None:
    recorded = capture("2026-04__customers__store-credit-account-parity")["validations"][case]
    variables = recorded["request"]["variables"]
    customer = next(iter(shopify.shop.customers.values()))
    start = {"creditAmount": {"amount": "5.00", "currencyCode": "USD"}}
    account = credit(shopify, f"gid://shopify/Customer/{customer.id}", start)["storeCreditAccountTransaction"][
        "account"
    ]
    id = variables["id"] if "999999" in variables["id"] else account["id"]
    kind = "credit" if "creditInput" in variables else "debit"
    body = move(shopify, kind, id, variables[f"{kind}Input"])
    expected = recorded["response"]
    if "errors" in expected:
        assert bare(body["errors"]) == bare(expected["errors"])
    else:
        name = f"storeCreditAccount{kind.title()}"
        assert body["data"][name]["userErrors"] == expected["data"][name]["userErrors"]
    assert sum(one.balance for one in shopify.shop.accounts.values()) == 5


def move(shopify: Client, kind: str, id: str, given: dict[str, Any]) -> dict[str, Any]:
    name = f"storeCreditAccount{kind.title()}"
    return shopify.ask(
        f"mutation Move($id: ID!, $given: {name[0].upper()}{name[1:]}Input!) {{ {name}(id: $id, {kind}Input: $given) {{"
        " storeCreditAccountTransaction { balanceAfterTransaction { amount } account { id } }"
        " userErrors { field message code } } }",
        id=id, given=given,
    )  # fmt: skip


def credit(shopify: Client, id: str, given: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = move(shopify, "credit", id, given)["data"]["storeCreditAccountCredit"]
    return found


def test_subscriptions_are_refused_as_recorded(shopify: Client) -> None:
    shopify.shop.loopback_webhooks = False
    text = """mutation Create($topic: WebhookSubscriptionTopic!, $given: WebhookSubscriptionInput!) {
      webhookSubscriptionCreate(topic: $topic, webhookSubscription: $given) {
        webhookSubscription { id } userErrors { field message } } }"""
    primary = capture("2026-04__webhooks__webhook-subscription-uri-validation")["primary"]["response"]["payload"][
        "data"
    ]
    asked = {
        "createHttpUriRejected": "http://example.com/hook",
        "createInternalDomainRejected": "https://localhost/hook",
        "createShopifyDomainRejected": "https://demo.myshopify.com/hook",
    }
    for case, uri in asked.items():
        got = shopify.data(text, topic="SHOP_UPDATE", given={"uri": uri})["webhookSubscriptionCreate"]
        assert got == primary[case], case


def test_marketing_is_refused_as_recorded(shopify: Client) -> None:
    recorded = capture("2026-04__marketing__marketing-engagement-lifecycle")["operations"]["validation"]
    engagement = {"occurredOn": "2026-11-21", "utcOffset": "+07:00", "sendsCount": 3}
    for case, given in (
        ("missingIdentifier", {}),
        ("invalidRemoteId", {"remoteId": "nobody"}),
        ("multipleIdentifiers", {"remoteId": "a", "channelHandle": "b"}),
        ("invalidChannel", {"channelHandle": "b"}),
    ):
        named = "".join(f", ${name}: String" for name in given)
        passed = "".join(f", {name}: ${name}" for name in given)
        got = shopify.data(
            f"mutation Engage($e: MarketingEngagementInput!{named})"
            f" {{ marketingEngagementCreate(marketingEngagement: $e"
            f"{passed}) {{ marketingEngagement {{ occurredOn }} userErrors {{ field message code }} }} }}",
            e=engagement, **given,
        )["marketingEngagementCreate"]  # fmt: skip
        assert got["userErrors"] == recorded[case]["data"]["marketingEngagementCreate"]["userErrors"], case
