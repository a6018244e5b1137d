"""The ready letters and what each has a place for. A table of its own, for schema and letters both need it."""

from __future__ import annotations

from typing import Final

LETTERS: Final[dict[str, str | None]] = {
    "holiday_discount": "percentage",
    "welcome": None,
    "first_order": "free_shipping",
    "second_order": "percentage",
    "climbed": None,
    "birthday": "percentage",
    "win_back": "percentage",
    "supply_ends": None,
    "checkout": None,
    "points_end": None,
    "rung_ends": None,
    "member_invite": None,
    "anniversary": "percentage",
    "friend_bought": "percentage",
    "opinion": None,
    "likes": None,
    "birthday_ask": None,
    "friend_wish": None,
    "fan_voice": None,
    "welcome_look": None,
    "first_order_ends": "free_shipping",
    "care": None,
    "code_ends": "percentage",
    "thinking": None,
    "member_hello": None,
    "member_wishes": None,
    "member_friend": None,
    "three_for_less": "quantity_price",
    "one_more": "buy_get",
    "gift": "gift",
    "cashback": "cashback",
    "members_price": "member_only",
    "early_access": "early_access",
    "team_invite": "team_deal",
    "friend_invite": "bring_a_friend",
}
"""Letter → the kind of offer it speaks of; None where it has no place for one."""
WITHOUT_CODE: Final = frozenset({"cashback", "early_access", "team_invite", "friend_invite"})
"""Letters that speak of an offer for which the reader needs no code."""
LINKED: Final = frozenset({"team_deal", "bring_a_friend"})
"""Kinds of offer of which a mail gives a link to pass on; the codes come later."""
