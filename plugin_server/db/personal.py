"""Where personal data of customers lies: every table, every column. Export and erasure both go by this list.

A table that is added must be entered here; a test compares the list with the schema. ``whose`` is an SQL condition over
``:ids`` (all rows of one person, merged ones included), ``:emails`` (their addresses, normalised) and ``:needles``
(texts that name the person in free text and JSON).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

GONE: Final = "(erased)"


@dataclass(frozen=True, slots=True)
class Held:
    """One table with rows about a person.

    ``wiped`` says by column what erasing puts in its place, as SQL. ``kept`` are columns that name nobody: figures,
    times, states, and our own numbers, which lead to an empty row. ``deleted``: the whole row goes. ``locked``: the
    application itself may not change the table, a function of the schema does. ``told``: part of a person's export.
    """

    table: str
    whose: str
    wiped: Mapping[str, str] = field(default_factory=dict)
    kept: frozenset[str] = frozenset()
    deleted: bool = False
    locked: bool = False
    told: bool = True
    hidden: frozenset[str] = frozenset()


def _named(column: str) -> str:
    return f"EXISTS (SELECT FROM unnest(CAST(:needles AS text[])) AS n WHERE position(n IN lower({column})) > 0)"


def _redacted(column: str) -> str:
    return f"CASE WHEN {_named(column)} THEN '{GONE}' ELSE {column} END"


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


OF_PERSON: Final = "customer_id = ANY(:ids)"
_SPOKE: Final = "(customer_id = ANY(:ids) OR lower(email) = ANY(:emails))"

HELD: Final = (
    Held(
        "customer",
        "id = ANY(:ids)",
        {
            "email": "NULL",
            "email_norm": "NULL",
            "first_name": "''",
            "last_name": "''",
            "phone": "NULL",
            "country": "NULL",
            "language": "NULL",
            "timezone": "NULL",
            "birthday": "NULL",
            "tags": "'{}'",
            "accounts_gone": "'{}'",
            "member_number": "NULL",
            "public_id": "gen_random_uuid()",
            "erased_at": "coalesce(erased_at, :now)",
        },
        _words("id merchant_id source has_account birthday_told_at enquired_at member_since merged_into created_at"),
    ),
    Held(
        "customer_facts",
        OF_PERSON,
        {"country": "NULL", "language": "NULL", "birthday": "NULL", "tags": "'{}'", "consent_promotions": "'unknown'"},
        _words(
            "customer_id merchant_id orders order_days spend_minor foreign_orders average_order_minor first_order_at "
            "second_order_at third_order_at last_order_at gap_mean_days discount_orders refunded_minor stores "
            "has_account known_since enquired_at member_since reviews first_review_at referrals_converted "
            "first_referral_at second_referral_at last_referral_at rung rung_since activity updated_at"
        ),
    ),
    Held(
        "customer_contact",
        OF_PERSON,
        {"topics_yes": "'{}'", "topics_no": "'{}'", "favourites": "'{}'"},
        _words(
            "customer_id merchant_id mails mail_clicks last_click_at mails_since_click mail_opens machine_opens "
            "last_review_at referrals_made nps_score nps_at last_answer_at points replies last_reply_at"
        ),
    ),
    Held(
        "customer_habits",
        OF_PERSON,
        kept=_words(
            "customer_id merchant_id gap_spread products product_count categories category_count margin_percent "
            "supply_ends_on supply_products supply_dates first_source"
        ),
    ),
    Held("customer_outlook", OF_PERSON, deleted=True),
    Held(
        "rung_pin",
        OF_PERSON,
        {"reason": f"'{GONE}'"},
        _words("customer_id merchant_id rung pinned_at pinned_by"),
        hidden=_words("pinned_by"),
    ),
    Held("conversation", _SPOKE, deleted=True),
    Held(
        "conversation_message",
        f"conversation_id IN (SELECT id FROM conversation WHERE {_SPOKE})",
        deleted=True,
        hidden=_words("reference"),
    ),
    Held(
        "survey_answer",
        OF_PERSON,
        {"text": "''", "choices": "'{}'"},
        _words("id customer_id message_id question occasion score first_at answered_at tell told_at merchant_id"),
    ),
    Held("rung_review", OF_PERSON, kept=_words("customer_id merchant_id lapsed_on falls_on")),
    Held(
        "point_entry",
        OF_PERSON,
        {"reason": f"CASE WHEN kind IN ('adjust', 'action') THEN '{GONE}' ELSE {_redacted('reason')} END"},
        _words(
            "id customer_id kind points open_points key order_id about_id version available_at expires_at happened_at "
            "recorded_at merchant_id"
        ),
    ),
    Held(
        "point_use",
        "lot_id IN (SELECT id FROM point_entry WHERE customer_id = ANY(:ids))",
        kept=_words("debit_id lot_id points merchant_id"),
    ),
    Held(
        "point_basis",
        "order_id IN (SELECT id FROM shop_order WHERE customer_id = ANY(:ids))",
        kept=_words("order_id version gross_minor parts rung taken_at merchant_id"),
    ),
    Held(
        "reward_claim",
        OF_PERSON,
        {"error": _redacted("error")},
        _words("id customer_id store_id reward name points entry_id state created_at settled_at merchant_id"),
    ),
    Held(
        "credit_intent",
        OF_PERSON,
        # Without its account a credit that waits is never given.
        {"account": "''", "reason": f"'{GONE}'", "error": _redacted("error"), "cause": f"'{GONE} ' || id"},
        _words(
            "id store_id customer_id amount_minor currency expires_at state tries not_before external_id created_by "
            "created_at sending_at settled_at merchant_id"
        ),
        hidden=_words("created_by"),
    ),
    Held("identity", OF_PERSON, deleted=True),
    Held(
        "customer_merge",
        "winner_id = ANY(:ids) OR loser_id = ANY(:ids)",
        {
            "reason": f"'{GONE}'",
            "moved": "'{}'",
            "undone_at": "coalesce(undone_at, :now)",
            "undone_by": f"coalesce(undone_by, '{GONE}')",
        },
        _words("id merchant_id winner_id loser_id merged_at merged_by"),
    ),
    Held("consent", OF_PERSON, deleted=True, locked=True),
    Held("suppression", "email_norm = ANY(:emails)", deleted=True),
    Held(
        "shop_order",
        OF_PERSON,
        {"email": "NULL", "name": "NULL", "country": "NULL", "referred_by": "NULL", "way_back": "NULL"},
        _words(
            "id store_id external_id number customer_id status raw_status paid test placed_at provider_updated_at "
            "currency total_minor refunded_minor net_minor counts discount_minor shipping_minor tax_minor coupon_codes "
            "source content delivered_at delivery_told_at delivery_moved_at delivery_heard_at told_at placed_later_at "
            "paid_later_at way_back_until synced_at merchant_id"
        ),
    ),
    Held(
        "order_line",
        "order_id IN (SELECT id FROM shop_order WHERE customer_id = ANY(:ids))",
        kept=_words(
            "order_id position product_external_id variant_external_id sku title quantity total_minor discount_minor "
            "merchant_id"
        ),
    ),
    Held(
        "order_refund",
        "order_id IN (SELECT id FROM shop_order WHERE customer_id = ANY(:ids))",
        kept=_words("order_id external_id amount_minor refunded_at shipping_minor merchant_id"),
    ),
    Held(
        "testimonial",
        "customer_id = ANY(:ids) OR email_norm = ANY(:emails)",
        {"email_norm": "''", "text": "''"},
        _words("id store_id external_id customer_id rating approved written_at synced_at merchant_id"),
    ),
    Held(
        "referral",
        "advocate_id = ANY(:ids) OR friend_id = ANY(:ids)",
        kept=_words("id advocate_id friend_id source joined_at converted_at merchant_id"),
    ),
    Held(
        "referral_join",
        "advocate_id = ANY(:ids) OR friend_id = ANY(:ids)",
        {"mailbox": "NULL", "ip_hash": "NULL", "reason": f"'{GONE}'"},
        _words(
            "id advocate_id friend_id state flags claim_id promise_id own_claim_id asked_at confirmed_at flagged_at "
            "decided_at decided_by merchant_id"
        ),
        hidden=_words("decided_by mailbox ip_hash reason"),
    ),
    Held(
        "team",
        "founder_id = ANY(:ids)",
        {"reason": f"CASE WHEN reason IN ('', 'moved') THEN reason ELSE '{GONE}' END"},
        _words(
            "id deal_id founder_id seats taken state given opened_at deadline extensions reminded promised_minor "
            "settled_at closed_by offer_code_id merchant_id"
        ),
        hidden=_words("closed_by"),
    ),
    Held(
        "team_seat",
        OF_PERSON,
        {"mailbox": "NULL"},
        _words("id deal_id team_id customer_id taken_at gets claim_id merchant_id"),
    ),
    Held(
        "team_letter",
        OF_PERSON,
        {"reason": _redacted("reason")},
        _words(
            "id team_id customer_id kind occasion state attempt_id not_before planned_at sending_at settled_at "
            "merchant_id"
        ),
    ),
    Held(
        "rung_change",
        OF_PERSON,
        # Version 0 is a pin: a person of the shop wrote the reason.
        {"reason": f"CASE WHEN ladder_version = 0 THEN '{GONE}' ELSE reason END"},
        _words("id customer_id from_rung to_rung changed_at recorded_at ladder_version merchant_id"),
    ),
    Held(
        "audience_member",
        OF_PERSON,
        {"email": "NULL", "language": "NULL"},
        _words("run_id customer_id arm reason rung store_id variant offer_code_id merchant_id"),
    ),
    Held(
        "series_place",
        OF_PERSON,
        kept=_words(
            "id campaign_id run_id customer_id version step state outcome rung due_at step_since step_run_id "
            "offer_code_id entered_at left_at merchant_id"
        ),
    ),
    Held(
        "series_log",
        "place_id IN (SELECT id FROM series_place WHERE customer_id = ANY(:ids))",
        kept=_words("place_id step campaign_id note at merchant_id"),
    ),
    Held(
        "owner_task",
        OF_PERSON,
        {"title": f"'{GONE}'", "note": "''", "done_at": "coalesce(done_at, :now)"},
        _words("id place_id campaign_id customer_id step created_at done_by merchant_id"),
        hidden=_words("done_by"),
    ),
    Held(
        "series_call",
        OF_PERSON,
        {"detail": _redacted("detail")},
        _words(
            "id place_id campaign_id customer_id step url state tries status created_at not_before settled_at "
            "merchant_id"
        ),
    ),
    Held(
        "message",
        OF_PERSON,
        {"email": "''", "language": "''", "provider_reference": "NULL", "reason": _redacted("reason")},
        _words(
            "id run_id customer_id step channel state tries attempt_id not_before planned_at claimed_at accepted_at "
            "clicked_at settled_at priority variant merchant_id"
        ),
    ),
    Held(
        "delivery_event",
        "message_id IN (SELECT id FROM message WHERE customer_id = ANY(:ids)) OR lower(email) = ANY(:emails)",
        {"email": "NULL", "url": "''", "reason": _redacted("reason")},
        _words("id dedupe kind message_id attempt_id machine occurred_at received_at merchant_id"),
    ),
    Held(
        "offer_code",
        OF_PERSON,
        {"email": "''", "error": _redacted("error")},
        _words(
            "id run_id customer_id store_id code state external_id kind value currency minimum_minor liability_minor "
            "generation expires_at created_at issued_at claim_id terms merchant_id"
        ),
    ),
    Held(
        "code_leak",
        "offer_code_id IN (SELECT id FROM offer_code WHERE customer_id = ANY(:ids))",
        {"detail": _redacted("detail")},
        _words("id offer_code_id order_id new_code_id state reason agreed found_at settled_at told_at merchant_id"),
    ),
    Held(
        "redemption",
        OF_PERSON,
        kept=_words(
            "id store_id order_id offer_code_id customer_id code discount_minor redeemed_at released_at merchant_id"
        ),
    ),
    Held(
        "inbound_event",
        _named("convert_from(body, 'LATIN1')"),
        deleted=True,
        told=False,
    ),
    Held(
        "privacy_request",
        OF_PERSON,
        {"document": "NULL"},
        _words("id kind store_id external_id customer_id asked_by asked_at answered_at outcome merchant_id"),
        told=False,
    ),
    Held(
        "sync_run",
        _named("faults::text"),
        {"faults": "'{}'"},
        _words(
            "id store_id kind state phase seen total counters error queued_at started_at beat_at finished_at "
            "deaths merchant_id"
        ),
        told=False,
    ),
    Held(
        "send_attempt",
        _named("detail"),
        {"detail": f"'{GONE}'"},
        _words(
            "id run_id backend state recipients body_hash provider_reference prepared_at sending_at settled_at "
            "batch_id send_at merchant_id"
        ),
        told=False,
    ),
    Held(
        "audit_log",
        f"{_named('subject')} OR {_named('detail::text')} OR {_named('actor')}",
        {"subject": f"'{GONE}'", "detail": "'{}'", "actor": _redacted("actor")},
        _words("id action at merchant_id"),
        locked=True,
        hidden=_words("actor"),
    ),
)
"""Erasing goes up this list, export down: what a condition reads of another table is still there when it is asked."""

NOBODY: Final = {
    "api_key": "hashes of keys of the shop's own programs",
    "audit_rollup": "sums",
    "brand": "how the shop looks",
    "facts_due": "our own numbers, which wait to be looked at",
    "forecast_fit": "sums",
    "kept_figure": "sums",
    "order_pulse": "a counter",
    "point_program": "rules",
    "segment": "rules",
    "spend_entry": "what the shop spends",
    "team_deal": "rules",
    "campaign": "what the shop sends",
    "campaign_run": "when it was sent",
    "campaign_version": "what was written",
    "category": "goods",
    "holiday_date": "dates",
    "ladder_version": "rules",
    "login_token": "hashes of the shop's own people",
    "mail_account": "a sealed key of the shop's own",
    "marketing_shown": "what the shop sends",
    "merchant": "the business itself",
    "offer_budget": "sums",
    "order_rhythm": "figures",
    "periodic_job": "our own work",
    "product": "goods",
    "store": "the shop",
    "store_access": "rights",
    "store_grant": "rights",
    "store_staff": "the shop's own people",
    "sync_cursor": "times",
    "user_account": "the shop's own people",
    "erasure": "salted hashes by which an erased person is recognised and erased again, as nothing else can do",
}
"""Tables without personal data of customers, and why."""
