"""Campaigns that are ready to use, in three languages, and what a wording's body is made of."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final

from campaigns.mail.blocks import blocks_mjml
from campaigns.mail.letters import letter
from campaigns.schema import Campaign, Wording, parse
from campaigns.series_recipes import BOUGHT, documents, wordings


@dataclass(frozen=True, slots=True)
class Recipe:
    """A campaign to start from; ``why`` says in one sentence when it is the right one."""

    key: str
    name: str
    why: str
    document: dict[str, Any]

    @property
    def campaign(self) -> Campaign:
        """The recipe as a checked campaign."""
        return parse(self.document)


def holiday_discount(holiday: str = "eid_al_fitr", *, key: str = "") -> Recipe:
    """A thank-you with a personal discount before a holiday, for those who have bought at least once."""
    document = {
        "key": key or f"{holiday.replace('_', '-')}-thanks",
        "name": "Holiday thank-you",
        "trigger": {"kind": "holiday", "holiday": holiday, "offsets_days": [-14], "at": "09:00"},
        "audience": {"rungs": ["shopper", "customer", "member", "advocate", "raving_fan"]},
        "offer": {"kind": "percentage", "value": "10", "valid_days": 14},
        "message": wordings("holiday_discount"),
        "measure": {"goal": "order", "window_days": 14, "holdout": "0.1"},
    }
    why = "Thanks those who have bought before a holiday, with a personal code that works once."
    return Recipe("holiday_discount", "Holiday thank-you with a discount", why, document)


LOYAL: Final = ["member", "advocate", "raving_fan"]
YOURS: Final = "YOUR-SKU"
"""Stands where a product is named. It is filled with the shop's own goods when the recipe is taken; no shop has it."""
_READY: Final[tuple[tuple[str, str, str, dict[str, Any], Any, dict[str, Any] | None, str], ...]] = (
    ("welcome", "Welcome", "Greets people who have just agreed to hear from you, and asks for nothing.",
     {"event": "consent_given"}, ["suspect", "prospect"], None, "order"),
    ("first_order", "First order without shipping", "Brings prospects who have waited a month to a first order.",
     {"event": "stalled", "after_days": 30, "rung": "prospect"}, ["prospect"],
     {"kind": "free_shipping", "valid_days": 21}, "climb"),
    ("second_order", "Second order", "Asks shoppers how it was two weeks after the first order, with a code.",
     {"event": "nth_order", "nth": 1, "after_days": 14}, ["shopper"],
     {"kind": "percentage", "value": "10", "valid_days": 21}, "climb"),
    ("climbed", "You climbed", "Tells people that they climbed, and what comes next.",
     {"event": "rung_up", "after_days": 1}, ["customer", "member", "advocate", "raving_fan"], None, "climb"),
    ("birthday", "Birthday", "A present three days before the birthday, for those who have bought.",
     {"event": "birthday", "after_days": -3}, BOUGHT, {"kind": "percentage", "value": "10", "valid_days": 14}, "order"),
    ("member_invite", "Invitation to membership", "Invites those who have just ordered for the third time.",
     {"event": "nth_order", "nth": 3, "after_days": 1}, ["customer"], None, "climb"),
    ("anniversary", "Member for a year", "Thanks members each year for their loyalty.",
     {"event": "member_anniversary"}, LOYAL, {"kind": "percentage", "value": "10", "valid_days": 14}, "order"),
    ("supply_ends", "Running low", "Reminds people five days before what they bought is used up; no discount needed.",
     {"event": "supply_ends", "after_days": -5}, BOUGHT, None, "order"),
    ("win_back", "We miss you", "Asks regulars who are two weeks over their own rhythm what went wrong.",
     {"event": "overdue", "after_days": 14}, BOUGHT, {"kind": "percentage", "value": "10", "valid_days": 14}, "order"),
    ("checkout", "Unfinished order", "Helps people who began an order yesterday and did not pay.",
     {"event": "checkout_abandoned", "after_days": 1}, "all", None, "order"),
    ("points_end", "Points end soon", "Tells people two weeks before their points end.",
     {"event": "points_end", "after_days": -14}, "all", None, "order"),
    ("rung_ends", "Before a rung is lost", "Warns people two weeks before their place is reviewed, in time to keep it.",
     {"event": "rung_ends", "after_days": -14}, ["customer", "member", "advocate", "raving_fan"], None, "order"),
    ("opinion", "How was it", "Asks a week after a delivery for a score from 0 to 10, in one tap.",
     {"event": "order_delivered", "after_days": 7}, ["customer", *LOYAL], None, "climb"),
    ("likes", "What do you like", "Asks people a week after their yes which of your goods to write about.",
     {"event": "consent_given", "after_days": 7}, "all", None, "order"),
    ("birthday_ask", "When is your birthday", "Asks for the birthday three weeks after the first order.",
     {"event": "nth_order", "nth": 1, "after_days": 21}, "all", None, "climb"),
    ("friend_bought", "Thank you for a friend", "Thanks those whose friend ordered two weeks ago, and kept it.",
     {"event": "friend_bought", "after_days": 15}, "all",
     {"kind": "percentage", "value": "10", "valid_days": 30}, "climb"),
    ("friend_wish", "A friend for your link", "Asks advocates a month after their climb to pass their own link on.",
     {"event": "stalled", "rung": "advocate", "after_days": 30}, ["advocate"], None, "climb"),
    ("fan_voice", "A word in what comes next", "Asks raving fans what the shop should make or change next.",
     {"event": "rung_up", "rung": "raving_fan", "after_days": 7}, ["raving_fan"], None, "order"),
    ("three_for_less", "Three for less", "Three of your best seller for a round sum.",
     {"event": "order_paid", "after_days": 21}, ["shopper", "customer"],
     {"kind": "quantity_price", "pieces": 3, "price": "70000", "products": [YOURS], "valid_days": 14}, "climb"),
    ("one_more", "Buy ten, get one", "Lets regulars stock up on what they order again, before they run out.",
     {"event": "supply_ends", "after_days": -7}, ["customer", *LOYAL],
     {"kind": "buy_get", "buy": 10, "get": 1, "products": [YOURS], "valid_days": 21}, "order"),
    ("gift", "A gift from a sum on", "A small thing with a large basket, a week after a climb.",
     {"event": "rung_up", "after_days": 7}, ["customer", *LOYAL],
     {"kind": "gift", "spend": "350000", "product": YOURS, "valid_days": 21}, "order"),
    ("cashback", "Cashback on the next order", "Five percent of the next order back, for those who ordered twice.",
     {"event": "nth_order", "nth": 2, "after_days": 7}, ["shopper", "customer"],
     {"kind": "cashback", "percent": "5", "wait_days": 14, "keep_days": 90, "valid_days": 30}, "climb"),
    ("members_price", "Members' price", "A price that only members get, on your best sellers.",
     {"event": "order_paid", "after_days": 30}, LOYAL,
     {"kind": "member_only", "value": "15", "products": [YOURS], "valid_days": 14}, "order"),
    ("early_access", "Early access for members", "Tells members of new goods first; whoever has the link can buy.",
     {"kind": "once"}, LOYAL,
     {"kind": "early_access", "products": [YOURS], "link_may_spread": True, "valid_days": 7}, "order"),
    ("team_invite", "A team of five", "Hands regulars a team with five seats and four days to fill them.",
     {"kind": "once"}, ["customer", "member", "advocate", "raving_fan"],
     {"kind": "team_deal", "value": "15", "seats": 5, "days": 4, "comfort": "5", "valid_days": 14}, "order"),
    ("friend_invite", "Bring a friend", "Gives the loyal a link by which a new friend, and then they, get a price.",
     {"kind": "once"}, LOYAL,
     {"kind": "bring_a_friend", "percent": "15", "own": "10", "days": 30, "valid_days": 30}, "climb"),
)  # fmt: skip

_ONLY: Final[dict[str, dict[str, Any]]] = {
    "birthday_ask": {"rule": {"kind": "not", "rule": {"kind": "is_set", "fact": "birthday"}}},
}
"""Whom a recipe is for beside the rungs."""


def _ready() -> list[Recipe]:
    """The letters of ``letters.toml`` with the event, the people and the offer that fit them."""
    made = []
    for key, name, why, trigger, rungs, offer, goal in _READY:
        document = {
            "key": key.replace("_", "-"),
            "name": name,
            "trigger": trigger if "kind" in trigger else {"kind": "event", "at": "09:00", **trigger},
            "audience": {"rungs": rungs, **_ONLY.get(key, {})},
            "offer": offer,
            "message": wordings(key),
            "measure": {"goal": goal, "window_days": 30 if goal == "climb" else 14, "holdout": "0.1"},
        }
        made.append(Recipe(key, name, why, {part: value for part, value in document.items() if value is not None}))
    return made


def recipes() -> list[Recipe]:
    """All recipes, in the order in which they are shown."""
    return [holiday_discount(), *_ready(), *(Recipe(*one) for one in documents())]


def body_of(wording: Wording, language: str) -> str:
    """The MJML of a wording, with its Liquid. Whatever the merchant wrote, it ends with a way to say no."""
    if wording.recipe:
        return letter(wording.recipe, language).mjml
    if wording.blocks:
        return blocks_mjml(wording.blocks, language)
    source = wording.mjml or _framed(wording.html or "")
    return source if "links.unsubscribe" in source else _signed(source, language)


def _framed(html: str) -> str:
    inner = re.search(r"<body[^>]*>(.*)</body>", html, re.DOTALL | re.IGNORECASE)
    styles = "".join(re.findall(r"<style[^>]*>(.*?)</style>", html, re.DOTALL | re.IGNORECASE))
    body = re.sub(r"<style[^>]*>.*?</style>", "", inner[1] if inner else html, flags=re.DOTALL | re.IGNORECASE)
    head = f"<mj-head><mj-style>{styles}</mj-style></mj-head>" if styles else ""
    return f"<mjml>{head}<mj-body><mj-raw>{body}</mj-raw></mj-body></mjml>"


_FOOTER: Final = {
    "en": ("You receive this mail because you agreed to hear about our offers.", "Unsubscribe"),
    "id": ("Anda menerima email ini karena Anda setuju menerima penawaran kami.", "Berhenti berlangganan"),
    "nl": ("Je krijgt deze mail omdat je onze aanbiedingen wilt ontvangen.", "Afmelden"),
}


def _signed(source: str, language: str) -> str:
    why, no = _FOOTER.get(language[:2], _FOOTER["en"])
    footer = (
        '<mj-section><mj-column><mj-text font-size="14px" color="#5B6270">'
        f'{why} <a href="{{{{ links.unsubscribe }}}}">{no}</a><br />{{{{ shop.name }}}}, {{{{ shop.address }}}}'
        "</mj-text></mj-column></mj-section>"
    )
    return re.sub(r"</mj-body>(?!.*</mj-body>)", lambda end: footer + end[0], source, count=1, flags=re.DOTALL)
