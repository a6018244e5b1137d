"""Writing to the double: discounts as asked, tags, metafields, credit, marketing; a second try changes nothing."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from tests.shopify_shop.conftest import NOW, Client

BASIC = """mutation Create($d: DiscountCodeBasicInput!) { discountCodeBasicCreate(basicCodeDiscount: $d) {
  codeDiscountNode { id codeDiscount { ... on DiscountCodeBasic { title status usageLimit appliesOncePerCustomer
    startsAt endsAt tags
    context { __typename ... on DiscountCustomers { customers { id } } }
    customerGets { value { ... on DiscountPercentage { percentage } } items { ... on AllDiscountItems { allItems } } }
    minimumRequirement { ... on DiscountMinimumSubtotal { greaterThanOrEqualToSubtotal { amount } } }
    codes(first: 5) { nodes { id code asyncUsageCount } } } } }
  userErrors { field message code } } }"""


def person(shopify: Client) -> str:
    return f"gid://shopify/Customer/{next(iter(shopify.shop.customers))}"


def terms(shopify: Client, code: str = "LOY-AB12", **changed: Any) -> dict[str, Any]:
    return {
        "title": "Thanks", "code": code, "startsAt": NOW.isoformat(), "endsAt": (NOW + timedelta(days=7)).isoformat(),
        "context": {"customers": {"add": [person(shopify)]}}, "usageLimit": 1, "appliesOncePerCustomer": True,
        "customerGets": {"value": {"percentage": 0.1}, "items": {"all": True}}, "tags": ["tangga"],
        "minimumRequirement": {"subtotal": {"greaterThanOrEqualToSubtotal": "100000"}}, **changed,
    }  # fmt: skip


def test_a_personal_discount_is_kept_exactly_as_asked_and_found_by_its_code(shopify: Client) -> None:
    made = shopify.data(BASIC, d=terms(shopify))["discountCodeBasicCreate"]
    assert made["userErrors"] == []
    form = made["codeDiscountNode"]["codeDiscount"]
    assert form == {
        "title": "Thanks", "status": "ACTIVE", "usageLimit": 1, "appliesOncePerCustomer": True, "tags": ["tangga"],
        "startsAt": "2026-11-22T06:00:00Z", "endsAt": "2026-11-29T06:00:00Z",
        "context": {"__typename": "DiscountCustomers", "customers": [{"id": person(shopify)}]},
        "customerGets": {"value": {"percentage": 0.1}, "items": {"allItems": True}},
        "minimumRequirement": {"greaterThanOrEqualToSubtotal": {"amount": "100000.0"}},
        "codes": {"nodes": [{"id": form["codes"]["nodes"][0]["id"], "code": "LOY-AB12", "asyncUsageCount": 0}]},
    }  # fmt: skip
    again = shopify.data(BASIC, d=terms(shopify, "loy-ab12"))["discountCodeBasicCreate"]
    assert [error["code"] for error in again["userErrors"]] == ["TAKEN"]
    by_code = "query By($code: String!) { codeDiscountNodeByCode(code: $code) { id } }"
    assert shopify.data(by_code, code="loy-ab12")["codeDiscountNodeByCode"]["id"] == made["codeDiscountNode"]["id"]


def test_a_discount_ends_and_goes(shopify: Client) -> None:
    id = shopify.data(BASIC, d=terms(shopify))["discountCodeBasicCreate"]["codeDiscountNode"]["id"]
    off = """mutation Off($id: ID!) { discountCodeDeactivate(id: $id) {
      codeDiscountNode { codeDiscount { ... on DiscountCodeBasic { status } } } userErrors { code } } }"""
    assert shopify.data(off, id=id)["discountCodeDeactivate"]["codeDiscountNode"]["codeDiscount"]["status"] == "EXPIRED"
    gone = (
        "mutation Gone($id: ID!) { discountCodeDelete(id: $id) { deletedCodeDiscountId userErrors { code message } } }"
    )
    assert shopify.data(gone, id=id)["discountCodeDelete"]["deletedCodeDiscountId"] == id
    error = shopify.data(gone, id=id)["discountCodeDelete"]["userErrors"][0]
    assert error == {"code": "INVALID", "message": "Code discount does not exist."}


def test_what_a_discount_may_not_be_is_refused(shopify: Client) -> None:
    both = {"quantity": {"greaterThanOrEqualToQuantity": "2"}, "subtotal": {"greaterThanOrEqualToSubtotal": "1"}}
    cases = {
        "BLANK": {"title": " "},
        "INVALID": {"endsAt": (NOW - timedelta(days=1)).isoformat()},
        "CONFLICT": {"minimumRequirement": both},
        "VALUE_OUTSIDE_RANGE": {"customerGets": {"value": {"percentage": 1.5}, "items": {"all": True}}},
        "TOO_LONG": {"code": "x" * 256},
    }
    for code, changed in cases.items():
        made = shopify.data(BASIC, d=terms(shopify, **changed))["discountCodeBasicCreate"]
        assert {error["code"] for error in made["userErrors"]} == {code}
        assert made["codeDiscountNode"] is None
    two = {"percentage": 0.1, "discountAmount": {"amount": "5", "appliesOnEachItem": False}}
    body = shopify.ask(BASIC, d=terms(shopify, customerGets={"value": two, "items": {"all": True}}))
    assert body["errors"][0]["extensions"]["code"] == "BAD_REQUEST"
    assert not [one for one in shopify.shop.discounts.values() if one.title == "Thanks"]


def test_tags_are_added_once_split_at_commas_and_taken_away(shopify: Client) -> None:
    add = "mutation A($id: ID!, $t: [String!]!) { tagsAdd(id: $id, tags: $t) { node { id } userErrors { message } } }"
    for _ in range(2):
        shopify.data(add, id=person(shopify), t=["gold, silver", "GOLD"])
    customer = next(iter(shopify.shop.customers.values()))
    assert sorted(tag.lower() for tag in customer.tags) == ["gold", "silver"]
    take = add.replace("tagsAdd", "tagsRemove")
    shopify.data(take, id=person(shopify), t=["gold"])
    assert customer.tags == ["silver"]


def test_metafields_are_all_or_nothing_and_compare_before_they_set(shopify: Client) -> None:
    write = """mutation S($m: [MetafieldsSetInput!]!) { metafieldsSet(metafields: $m) {
      metafields { namespace value compareDigest } userErrors { field message code } } }"""
    good = {"ownerId": person(shopify), "namespace": "$app:tangga", "key": "rung", "value": "member",
            "type": "single_line_text_field"}  # fmt: skip
    bad = {**good, "key": "points", "type": "number_integer", "value": "many"}
    refused = shopify.data(write, m=[good, bad])["metafieldsSet"]
    assert [(one["field"], one["code"]) for one in refused["userErrors"]] == [
        (["metafields", "1", "value"], "INVALID_VALUE")
    ]
    read = 'query R($id: ID!) { customer(id: $id) { metafield(namespace: "$app:tangga", key: "rung") { value } } }'
    assert shopify.data(read, id=person(shopify))["customer"]["metafield"] is None
    kept = shopify.data(write, m=[good])["metafieldsSet"]["metafields"][0]
    assert kept["namespace"] == "app--1--tangga"
    changed = {**good, "value": "advocate", "compareDigest": kept["compareDigest"]}
    assert shopify.data(write, m=[changed])["metafieldsSet"]["userErrors"] == []
    stale = shopify.data(write, m=[changed])["metafieldsSet"]["userErrors"][0]
    assert stale["code"] == "STALE_OBJECT"
    assert shopify.data(read, id=person(shopify))["customer"]["metafield"] == {"value": "advocate"}


def test_credit_is_moved_and_read_back(shopify: Client) -> None:
    credit = """mutation C($id: ID!, $c: StoreCreditAccountCreditInput!) { storeCreditAccountCredit(id: $id, creditInput: $c) {
      storeCreditAccountTransaction { balanceAfterTransaction { amount currencyCode } } userErrors { code } } }"""  # noqa: E501
    expires = (NOW + timedelta(days=90)).isoformat()
    given = {"creditAmount": {"amount": "25000", "currencyCode": "IDR"}, "expiresAt": expires}
    for _ in range(2):
        told = shopify.data(credit, id=person(shopify), c=given)["storeCreditAccountCredit"]
    assert told["storeCreditAccountTransaction"]["balanceAfterTransaction"] == {
        "amount": "50000.0", "currencyCode": "IDR",
    }  # fmt: skip
    read = """query R($id: ID!) { customer(id: $id) { storeCreditAccounts(first: 5) { nodes { transactions(
      first: 20, reverse: true, sortKey: CREATED_AT) { nodes { amount { amount }
        ... on StoreCreditAccountCreditTransaction { expiresAt } } } } } } }"""
    nodes = shopify.data(read, id=person(shopify))["customer"]["storeCreditAccounts"]["nodes"]
    assert [one["amount"]["amount"] for one in nodes[0]["transactions"]["nodes"]] == ["25000.0", "25000.0"]
    assert nodes[0]["transactions"]["nodes"][0]["expiresAt"] == "2027-02-20T06:00:00Z"


def test_a_campaign_is_upserted_by_its_remote_id(shopify: Client) -> None:
    upsert = """mutation U($i: MarketingActivityUpsertExternalInput!) { marketingActivityUpsertExternal(input: $i) {
      marketingActivity { id title statusLabel marketingEvent { id } } userErrors { code } } }"""
    given = {
        "remoteId": "c1", "title": "Win-back", "tactic": "NEWSLETTER", "marketingChannelType": "EMAIL",
        "status": "ACTIVE", "remoteUrl": "https://app.test/c/1",
        "utm": {"source": "tangga", "medium": "email", "campaign": "c1"},
    }  # fmt: skip
    first = shopify.data(upsert, i=given)["marketingActivityUpsertExternal"]["marketingActivity"]
    ended = {**given, "status": "INACTIVE", "title": "Win-back, done"}
    second = shopify.data(upsert, i=ended)["marketingActivityUpsertExternal"]["marketingActivity"]
    assert (second["id"], second["title"], second["statusLabel"]) == (first["id"], "Win-back, done", "Sent")
    moved = {**given, "utm": {"source": "x", "medium": "email", "campaign": "c1"}}
    refused = shopify.data(upsert, i=moved)["marketingActivityUpsertExternal"]
    assert refused["userErrors"] == [{"code": "IMMUTABLE_UTM_PARAMETERS"}]
    assert len(shopify.shop.activities) == 1
