"""What connections, campaign files and jobs say in English is said in the reader's language on every page."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from campaigns.schema import BadCampaign, parse
from connectors.types import Check
from plugin_server.db.session import tenant
from plugin_server.db.shops import stores
from plugin_server.locales import LANGUAGES
from plugin_server.locales.sentences import PLACE, forms, known, said
from plugin_server.wiring import Services
from tests.web.conftest import Visitor
from tests.web.filled import filled

ROOT = Path(__file__).parents[2]
SPEAKING = [
    *(ROOT / f"connectors/{name}.py" for name in ("hosts", "http")),
    *(ROOT / f"connectors/woocommerce/{name}.py" for name in ("auth", "checks", "client", "coupon_terms", "coupons")),
    *(
        ROOT / f"connectors/woocommerce/{name}.py"
        for name in ("mapping", "orders", "packs", "rungs", "store", "values", "walk")
    ),
    *sorted((ROOT / "connectors/shopify").glob("*.py")),
    *(ROOT / f"connectors/sendgrid/{name}.py" for name in ("api", "client", "domains", "fence")),
    *(ROOT / f"connectors/{name}.py" for name in ("addresses", "folder/client")),
    *(ROOT / f"connectors/smtp/{name}.py" for name in ("auth", "client", "line", "server", "tally")),
    *(
        ROOT / f"campaigns/mail/{name}.py"
        for name in ("compose", "filters", "liquid", "liquid_words", "mjml", "variables")
    ),
    *(ROOT / f"campaigns/ladder/{name}.py" for name in ("draft", "ladders", "nature", "rules", "sense")),
    *(
        ROOT / f"plugin_server/{name}.py"
        for name in (
            "shop_access",
            "jobs/reading/sync",
            "db/shops/sync",
            "jobs/campaigning/preview",
        )
    ),
]
NEVER_SHOWN = (
    *("A grant ", "The permission is none of", "The key does not look", "The secret does not look"),
    *(
        "The field is missing",
        "The field holds letters",
        "It was deleted again.",
        "It could not be deleted",
        "7 It was deleted.",
    ),
    *("The shop made the code with another 7.", "The code existed with another 7."),
    "The template cannot be split: 7.",
    "7, such as ",
    "Shopify shows the app only the orders of the last 7 days, so older customers look new.7 Ask",
)
"""Answers to the shop, not to a person; pieces of a sentence with a middle or an end; what only commands print."""


def sentences(path: Path) -> Iterator[str]:
    """Every sentence a module can say, with ``7`` at each place."""
    tree = ast.parse(path.read_text())
    docs = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    inside = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    for node in ast.walk(tree):
        if id(node) in docs | inside:
            continue
        if isinstance(node, ast.JoinedStr):
            said = "".join(str(part.value) if isinstance(part, ast.Constant) else "7" for part in node.values)
        else:
            said = str(node.value) if isinstance(node, ast.Constant) else ""
        if re.fullmatch(r"[A-Z7].* .*\.", said):
            yield said


REASONS = [
    ROOT / f"plugin_server/{name}.py"
    for name in (
        "db/sending/doubts",
        "db/sending/fences",
        "jobs/sending/deliver",
        "jobs/sweep",
    )
]
IN_STATEMENTS = (
    *("no_code: it is over", "no_code: there is none", "not sent: No connection to SendGrid (7).", "not sent"),
    *("given_up: the mail server did not take it in 7 tries: 450 later", "suppressed: bounced: 550 gone"),
    *("stopped: by ani@toko.example", "suppressed: complained", "cannot be rendered: 7", "left_series: goal"),
    "in doubt: the provider gave no clear answer",
)
"""Reasons of messages that statements put together."""


def reasons(path: Path) -> Iterator[str]:
    """What a module gives as the reason of a message, with ``7`` at each place."""
    for node in ast.walk(ast.parse(path.read_text())):
        names = (
            [target.id for target in node.targets if isinstance(target, ast.Name)]
            if isinstance(node, ast.Assign)
            else []
        )
        value = node.value if isinstance(node, ast.Assign | ast.keyword) else None
        if {"reason", "again_"} & {*names, getattr(node, "arg", "")}:
            if isinstance(value, ast.Constant) and isinstance(value.value, str) and value.value:
                yield value.value
            elif isinstance(value, ast.JoinedStr):
                yield "".join(str(part.value) if isinstance(part, ast.Constant) else "7" for part in value.values)


@pytest.mark.parametrize("language", ["id", "nl"])
def test_every_reason_of_a_message_is_said_in_every_language(language: str) -> None:
    found = [*IN_STATEMENTS, *(one for path in REASONS for one in reasons(path))]
    assert len(found) > 15
    assert [one for one in found if said(one, language) == one] == []
    assert said("in doubt: ani decided that it is not sent again", "nl").startswith("onzeker: ani besloot hem niet")


@pytest.mark.parametrize("path", SPEAKING, ids=lambda path: "/".join(path.parts[-2:]))
def test_every_sentence_of_a_connection_is_known(path: Path) -> None:
    found = [one for one in sentences(path) if not one.startswith(NEVER_SHOWN)]
    assert [one for one in found if known(one) is None] == []


BAD_OFFERS: list[object] = [
    {},
    {"kind": "two_for_one"},
    {"kind": "percentage", "value": 10, "by_rung": {"member": 0}},
    {"kind": "quantity_price", "pieces": 1, "price": 0, "products": [""], "times": 99},
    {"kind": "quantity_price", "pieces": 100, "price": "x", "products": ["a", "a"]},
    {"kind": "buy_get", "buy": 0, "get": 100, "products": []},
    {"kind": "gift", "spend": -1, "product": ""},
    {"kind": "cashback"},
    {"kind": "cashback", "percent": 101},
    {"kind": "cashback", "amount": 9, "wait_days": 999, "keep_days": 1, "elsewhere": "gold"},
    {"kind": "cashback", "amount": 9},
    {"kind": "member_only", "value": 10},
    {"kind": "member_only", "value": 10, "products": ["a"], "rungs": [], "until": "soon"},
    {"kind": "member_only", "value": 10, "products": ["a"], "rungs": ["a", "a"]},
    {"kind": "member_only", "value": 10, "products": ["a"], "by_rung": {"shopper": 5}},
    {"kind": "team_deal", "value": 10, "seats": 1},
    {"kind": "team_deal", "value": 10, "seats": 51},
    {"kind": "team_deal", "value": 10, "days": 0},
    {"kind": "team_deal"},
    {"kind": "team_deal", "value": 101},
    {"kind": "team_deal", "gives": "free_shipping", "value": 1},
    {"kind": "team_deal", "value": 10, "comfort": 10},
    {"kind": "bring_a_friend", "percent": 120},
    {"kind": "bring_a_friend", "percent": 10, "own": 120, "friends": 0, "budget": 0},
    {"kind": "percentage", "value": 10, "budget": 0},
    {"kind": "early_access", "products": [7.5], "until": "2027-02-30", "link_may_spread": "perhaps"},
]
BAD_CAMPAIGNS: list[object] = [
    [],
    {},
    {"key": "K!", "trigger": {"kind": "event"}, "message": {}},
    {"key": 7, "trigger": {"kind": "recurring"}, "message": []},
    {"key": "k", "trigger": {"kind": "other"}, "message": {"xx1": {"subject": "", "html": "h"}}},
    {"key": "k", "trigger": {}, "message": {"en": {"subject": "a\nb"}, "nl": {"subject": "x" * 301, "html": "h"}}},
    {
        "key": "k",
        "name": "n" * 201,
        "trigger": {"kind": "holiday", "holiday": "!", "offsets_days": [1, 1, 999, -999, "x", 1.5], "at": "25:00"},
        "audience": {"rungs": [], "topic": "T"},
        "offer": {"kind": "percentage", "value": "101", "minimum": "-1", "valid_days": 0, "budget": "0"},
        "message": {"en": {"subject": "s"}, "id": {"subject": "s", "html": "h", "mjml": "m"}},
        "guards": {"quiet_hours": {"from": "21:00", "to": "21:00"}, "frequency_cap": {"messages": 0, "days": "x"}},
        "measure": {"goal": "gold", "window_days": 999, "holdout": "0.95"},
        "more": 1,
    },
    {"key": "k", "trigger": {"kind": "holiday", "holiday": "x", "offsets_days": []}, "message": "x"},
    {"key": "k", "trigger": {"kind": "holiday", "holiday": "x", "offsets_days": [3, 3]}, "offer": {"kind": "gift"}},
    {"key": "k", "trigger": {"kind": "once"}, "offer": {"kind": "percentage"}, "message": {"en": 7}},
    {"key": "k", "trigger": {"kind": "once"}, "offer": {"kind": "free_shipping", "value": 1, "code_prefix": "x"}},
    {"key": "k", "trigger": {"kind": "once"}, "offer": {"kind": "fixed", "value": "1.23456", "minimum": "9" * 20}},
    {"key": "k", "trigger": {"kind": "once"}, "offer": {"kind": "fixed", "value": "inf"}, "guards": 7},
    {"key": "k", "trigger": {"kind": "once"}, "message": {"en": {"subject": "s", "recipe": "holiday_discount"}}},
    {"key": "k", "trigger": {"kind": "once"}, "message": {"en": {"subject": "s", "recipe": "nothing"}}},
    {"key": "k", "trigger": {"kind": "event", "event": "order_paid", "after_days": -1}, "message": {}},
    {"key": "k", "trigger": {"kind": "event", "event": "nth_order"}, "message": {}},
    {"key": "k", "trigger": {"kind": "event", "event": "birthday", "rung": "member"}, "message": {}},
    {"key": "k", "trigger": {"kind": "event", "event": "stalled"}, "message": {}},
    {"key": "k", "trigger": {"kind": "recurring", "every": "week", "on": 9}, "message": {}},
    *({"key": "k", "trigger": {"kind": "once"}, "offer": offer} for offer in BAD_OFFERS),
]


@pytest.mark.parametrize("document", BAD_CAMPAIGNS, ids=range(len(BAD_CAMPAIGNS)))
def test_every_fault_of_a_campaign_is_known(document: object) -> None:
    with pytest.raises(BadCampaign) as caught:
        parse(document)
    assert [str(one) for one in caught.value.problems if known(one.sentence) is None] == []


def test_a_sentence_is_said_in_every_language_with_its_places() -> None:
    others = set(LANGUAGES) - {"en"}
    for form, translations in forms().items():
        places = set(PLACE.findall(form))
        assert set(translations) == others, form
        assert [one for one in translations.values() if set(PLACE.findall(one)) - places or not one.strip()] == [], form
        assert known(PLACE.sub("7", form)) is not None, form


@pytest.mark.parametrize(
    ("sentence", "dutch"),
    [
        (
            "The key's user may not see coupons, webhooks. Make the key for a shop manager or administrator.",
            "De gebruiker van de sleutel mag dit niet zien: kortingscodes, webhooks. "
            "Maak de sleutel voor een winkelbeheerder of administrator.",
        ),
        (
            "The shop's clock is 12 minutes ahead. Ask the hosting company to set it by network time.",
            "De klok van de winkel loopt 12 minuten voor. Vraag de hostingpartij hem met netwerktijd in te stellen.",
        ),
        ("orders[3].id: This is not an id.", "orders[3].id: Dit is geen id."),
        ("Sorry, the coupon service is down.", "Sorry, the coupon service is down."),
    ],
)
def test_what_stands_at_a_place_is_said_too(sentence: str, dutch: str) -> None:
    assert said(sentence, "nl") == dutch


def test_a_connection_that_is_not_well_says_so_in_dutch(
    app: Services, merchant: int, woo: int, logged_in: Callable[[str], Visitor]
) -> None:
    found = [Check("key", False, "The key may only read. Make one with Read/Write permission.")]
    with tenant(app.engine, merchant) as connection:
        stores.checked(connection, woo, found, app.now())
    owner = logged_in("owner")
    owner.post("/language", {"language": "nl"})
    page = owner.get(f"/stores/{woo}").get_data(as_text=True)
    assert "De sleutel mag alleen lezen." in page
    assert "may only read" not in page
    with tenant(app.engine, merchant) as connection:
        assert "only read" in str(connection.scalar(text("SELECT state_reason FROM store WHERE id = :i"), {"i": woo}))


def test_faults_of_a_campaign_stand_in_indonesian_beside_their_fields(logged_in: Callable[[str], Visitor]) -> None:
    marketer = logged_in("marketer")
    marketer.post("/language", {"language": "id"})
    marketer.get("/campaigns/new")
    wrong = {"trigger__offsets_days": "999", "offer__percentage__value": "101", "measure__holdout": "95"}
    answer = marketer.post("/campaigns/new", filled(**wrong))
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422
    for sentence in (
        "Isi jumlah hari dari 0 sampai 180.",
        "nilai 101 lebih dari 100 persen.",
        "Isi angka dari 0 sampai 90.",
    ):
        assert sentence in page
