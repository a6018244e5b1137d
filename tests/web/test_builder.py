"""The builder: what the form says is the campaign, each fault stands at its field, and nothing typed is lost."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, time
from html import unescape
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text
from werkzeug.datastructures import MultiDict

from campaigns.ladder import rules
from campaigns.recipes import holiday_discount, recipes
from campaigns.schema import Campaign, dump, parse
from plugin_server.db.campaigning import campaigns
from plugin_server.db.session import tenant
from plugin_server.jobs.campaigning.run import firings
from plugin_server.web.campaigning.base import fitted
from plugin_server.web.campaigning.fields import document_of, fields_of
from plugin_server.web.campaigning.offer_fields import COMMON, classes, own_fields
from plugin_server.web.typed import plain
from plugin_server.wiring import Services
from tests.web.conftest import Visitor
from tests.web.filled import filled


def through_the_form(campaign: Campaign, base: dict[str, Any] | None = None) -> Campaign:
    """A campaign as its form says it, as a browser would send it."""
    sent = MultiDict(list(fields_of(dump(campaign)).items(multi=True)))
    document, problems = document_of(sent, base or {}, "en")
    assert problems == []
    return parse({**document, "key": campaign.key})


@pytest.mark.parametrize("recipe", recipes(), ids=lambda recipe: recipe.key)
def test_each_recipe_survives_the_form(recipe: Any) -> None:
    document = dump(recipe.campaign)
    kept = {part: document[part] for part in ("steps", "again_after_days") if recipe.campaign.steps}
    assert through_the_form(recipe.campaign, kept) == recipe.campaign


NUMBERS = st.integers(1, 30)
DECIMALS = st.decimals("0.01", "99", places=2).map(str)
TRIGGERS = st.one_of(
    st.fixed_dictionaries({"kind": st.just("once")}, optional={"day": st.dates(date(2026, 1, 1), date(2030, 1, 1))}),
    st.fixed_dictionaries({
        "kind": st.just("holiday"), "holiday": st.just("christmas"),
        "offsets_days": st.lists(st.integers(-180, 180), min_size=1, max_size=6, unique=True),
        "at": st.times().map(lambda at: at.replace(microsecond=0).isoformat()),
    }),
    st.fixed_dictionaries({
        "kind": st.just("recurring"), "every": st.sampled_from(["week", "month"]), "on": st.integers(1, 7),
    }),
    st.fixed_dictionaries({
        "kind": st.just("event"), "event": st.sampled_from(["birthday", "points_end", "overdue"]),
        "after_days": st.integers(-60, 700),
    }),
    st.fixed_dictionaries({"kind": st.just("event"), "event": st.just("nth_order"), "nth": NUMBERS}),
    st.fixed_dictionaries({
        "kind": st.just("event"), "event": st.sampled_from(["rung_up", "stalled"]), "after_days": NUMBERS,
        "rung": st.sampled_from(["customer", None]),
    }),
)  # fmt: skip
RULE = rules.canonical(rules.parse({"kind": "any", "rules": [
    {"kind": "cmp", "fact": "orders", "op": ">=", "value": 3},
    {"kind": "not", "rule": {"kind": "is_set", "fact": "birthday"}},
]}))  # fmt: skip
AUDIENCES = st.fixed_dictionaries({
    "rungs": st.one_of(st.just("all"), st.lists(st.sampled_from(["shopper", "member"]), min_size=1, unique=True)),
    "rule": st.sampled_from([None, "regulars", rules.as_json(RULE)]), "topic": st.sampled_from(["promotions", "tea"]),
})  # fmt: skip
OFFERS = st.one_of(
    st.none(),
    st.fixed_dictionaries(
        {"kind": st.just("percentage"), "value": DECIMALS, "valid_days": NUMBERS},
        optional={"minimum": DECIMALS, "budget": DECIMALS, "code_prefix": st.just("EID27")},
    ),
    st.fixed_dictionaries({"kind": st.just("fixed"), "value": DECIMALS}, optional={"minimum": DECIMALS}),
    st.just({"kind": "free_shipping"}),
    st.sampled_from(
        [
            {"kind": "percentage", "value": "10", "by_rung": {"member": "15"}, "products": ["TEA-1", "77"]},
            {"kind": "quantity_price", "pieces": 3, "price": "70000", "products": ["TEA-1"], "times": 2},
            {"kind": "buy_get", "buy": 10, "products": ["TEA-1", "TEA-2"], "get_products": ["CUP"]},
            {"kind": "gift", "spend": "350000", "product": "BAG"},
            {"kind": "cashback", "percent": "5", "most": "50000", "wait_days": 20, "elsewhere": "points"},
            {"kind": "cashback", "amount": "5000", "minimum": "100000"},
            {"kind": "member_only", "value": "20", "categories": ["4"], "until": "2027-01-31", "rungs": ["member"]},
            {"kind": "early_access", "products": ["NEW-1"], "until": "2027-01-31", "link_may_spread": True},
        ]
    ),
)
LINES = st.text("ab é{}|<&\"'", min_size=1, max_size=20).map(str.strip).filter(bool)
BODIES = st.one_of(
    LINES.map(lambda body: {"mjml": body}),
    LINES.map(lambda body: {"html": body}),
    st.tuples(LINES, LINES, st.booleans()).map(lambda told: {"blocks": [
        {"kind": "hero", "heading": told[0]}, {"kind": "text", "text": told[1]}, {"kind": "coupon", "qr": told[2]},
        {"kind": "products", "products": [{"title": told[0], "price": "Rp 5"}, {"title": told[1]}]},
    ]}),
)  # fmt: skip
MESSAGES = st.dictionaries(st.sampled_from(["en", "id", "nl"]), st.tuples(LINES, BODIES), min_size=1).map(
    lambda told: {language: {"subject": subject, **body} for language, (subject, body) in told.items()}
)
GUARDS = st.fixed_dictionaries({
    "quiet_hours": st.sampled_from([None, {"from": "22:00", "to": "07:30"}]),
    "frequency_cap": st.sampled_from([None, {"messages": 1, "days": 3}]),
    "margin_floor": st.sampled_from([None, True]), "stacking": st.sampled_from(["alone", "combine"]),
    "in_doubt": st.sampled_from(["give_up", "resend"]),
    "priority": st.integers(1, 9), "margin_reason": st.sampled_from([None, "The stock must go."]),
})  # fmt: skip
MEASURES = st.fixed_dictionaries({
    "goal": st.sampled_from(["order", "climb"]), "window_days": NUMBERS,
    "holdout": st.decimals("0", "0.9", places=3).map(str),
})  # fmt: skip
CAMPAIGNS = st.fixed_dictionaries({
    "key": st.just("k"), "name": LINES.map(lambda name: " ".join(name.split())), "trigger": TRIGGERS,
    "audience": AUDIENCES, "offer": OFFERS, "message": MESSAGES, "guards": GUARDS, "measure": MEASURES,
}).map(parse)  # fmt: skip


@given(CAMPAIGNS)
def test_any_campaign_survives_the_form(campaign: Campaign) -> None:
    assert through_the_form(campaign) == campaign


def test_what_the_form_has_no_field_for_is_kept() -> None:
    french = {"fr": {"subject": "Bonjour", "html": "<p>Merci</p>"}}
    campaign = parse(holiday_discount().document | {"message": holiday_discount().document["message"] | french})
    assert through_the_form(campaign, dump(campaign)) == campaign
    kept, _ = document_of(fields_of(dump(campaign)), {"note": [1], "guards": {"fenced": 2}}, "en")
    assert (kept["note"], kept["guards"]["fenced"]) == ([1], 2)


def test_every_kind_of_offer_of_the_schema_has_its_place() -> None:
    for kind, model in classes().items():
        assert {field.name for field in own_fields(kind)} == set(model.model_fields) - {"kind", *COMMON}


@pytest.mark.parametrize(
    ("typed", "language", "meant"),
    [("100.000", "id", "100000"), ("100.000", "en", "100.000"), ("1,250,000.50", "en", "1250000.50"),
     ("12,5", "nl", "12.5"), ("12.5", "nl", "12.5"), (" 100 000 ", "id", "100000"), ("abc", "en", "abc")],
)  # fmt: skip
def test_numbers_are_read_as_people_write_them(typed: str, language: str, meant: str) -> None:
    assert plain(typed, language) == meant


def test_rungs_of_a_recipe_fit_another_ladder() -> None:
    cycle = ["suspect", "prospect", "initial", "repeater", "loyal", "advocate", "partner"]
    assert fitted(["shopper", "raving_fan"], cycle) == ["initial", "partner"]
    assert fitted(["member"], ["pre_sales", "acquisition", "retained"]) == ["acquisition"]


# The pages.

SENTENCES = {
    "en": "14 days before Eid al-Fitr, at 09:00, people on Shopper and Customer who said yes to mails get 10% off, for "
    "orders from Rp100,000, by a code of their own that is valid for 14 days.",
    "id": "14 hari sebelum Lebaran, pukul 09:00, orang di Pembeli dan Pelanggan yang setuju menerima email mendapat "
    "diskon 10% mulai Rp100.000, dengan kode pribadi yang berlaku 14 hari.",
    "nl": "14 dagen voor Suikerfeest, om 09:00, krijgen mensen op Koper en Klant met toestemming voor mail 10% korting "
    "vanaf Rp100.000, met een eigen code die 14 dagen geldig is.",
}


def told(visitor: Visitor, **changed: Any) -> str:
    visitor.get("/campaigns/new")
    answer = visitor.post("/campaigns/build/told", filled(**changed))
    assert answer.status_code == 200
    return " ".join(unescape(re.sub("<[^>]*>", " ", answer.text)).split())


@pytest.mark.parametrize("language", SENTENCES)
def test_the_form_in_a_sentence(logged_in: Callable[[str], Visitor], language: str) -> None:
    visitor = logged_in("marketer")
    visitor.get("/home")
    visitor.post("/language", {"language": language})
    rungs = ["shopper", "customer"]
    assert SENTENCES[language] in told(visitor, audience__rungs=rungs, offer__percentage__minimum="100000")


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"trigger__offsets_days": ["14", "0", "3"], "trigger__side": ["before", "before", "after"]},
         "14 days before, on the day of, and 3 days after Eid al-Fitr"),
        ({"trigger__kind": "once", "trigger__day": "2026-12-12"}, "On 12 Dec 2026 at 09:00"),
        ({"trigger__kind": "once"}, "When you say so"),
        ({"trigger__kind": "recurring", "trigger__every": "week", "trigger__on_week": "5"}, "Every Friday at 09:00"),
        ({"trigger__kind": "event", "trigger__event": "birthday", "trigger__after_days": "3",
          "trigger__after_side": "before"}, "3 days before their birthday, at 09:00"),
        ({"trigger__kind": "event", "trigger__event": "stalled", "trigger__after_days": "30",
          "trigger__rung": "shopper"}, "30 days after they came to Shopper and stayed"),
        ({"offer__kind": "fixed", "offer__fixed__value": "25000"}, "The recipe"),
        ({"offer__kind": "percentage", "offer__percentage__value": "12.50"}, "12.5% off"),
        ({"measure__holdout": "0"}, "Nobody is left out"),
        ({"audience__whom": "all"}, "people on every rung who said yes"),
        ({"audience__narrow": "rule", "r__kind": "all", "r__0__fact": "orders", "r__0__op": ">=", "r__0__value": "3"},
         "orders: at least 3"),
        ({"offer__percentage__value": "150"}, "value 150 is more than 100 percent."),
        ({"audience__rungs": []}, "no rung is chosen"),
        ({"offer__kind": "cashback", "offer__cashback__wait_days": "x"}, "What do they get? Days until it is paid: "),
        ({"message__id__subject": ""}, "What do they read? Bahasa Indonesia · Subject: "),
        ({"audience__narrow": "segment", "audience__segment": "nobody"}, "There is no segment 'nobody'"),
    ],
)  # fmt: skip
def test_the_sentence_follows_every_answer(
    logged_in: Callable[[str], Visitor], changed: dict[str, Any], said: str
) -> None:
    assert said.lower() in told(logged_in("marketer"), **changed).lower()


FAULTS = {
    "trigger.offsets_days": {"trigger__offsets_days": "999"},
    "trigger.after_days": {
        "trigger__kind": "event", "trigger__event": "order_paid", "trigger__after_days": "3",
        "trigger__after_side": "before",
    },
    "trigger.nth": {"trigger__kind": "event", "trigger__event": "nth_order", "trigger__nth": ""},
    "trigger.on_week": {"trigger__kind": "recurring", "trigger__every": "week", "trigger__on_week": "9"},
    "trigger.day": {"trigger__kind": "once", "trigger__day": "soon"},
    "audience.rungs": {"audience__rungs": ["emperor"]},
    "audience.rule": {
        "audience__narrow": "rule", "r__kind": "all", "r__0__fact": "orders", "r__0__op": ">=", "r__0__value": "x",
    },
    "offer.percentage.value": {"offer__percentage__value": "150"},
    "offer.percentage.minimum": {"offer__percentage__minimum": "cheap"},
    "offer.percentage.by_rung.member": {"offer__percentage__by_rung__member": "much"},
    "offer.valid_days": {"offer__valid_days": "0"},
    "offer.code_prefix": {"offer__code_prefix": "a b"},
    "message": {"message__languages": []},
    "message.en.subject": {"message__en__subject": ""},
    "message.en.b0.heading": {
        "message__en__body": "blocks", "message__en__count": "1", "message__en__b0__kind": "hero",
    },
    "message.en": {"message__en__body": "mjml", "message__en__source": "<mjml><mj-body>{% if %}</mj-body></mjml>"},
    "measure.window_days": {"measure__window_days": "0"},
    "measure.holdout": {"measure__holdout": "95"},
    "guards.quiet_hours": {
        "guards__quiet_hours": "1", "guards__quiet_hours__from": "08:00", "guards__quiet_hours__to": "08:00",
    },
    "guards.frequency_cap.messages": {"guards__frequency_cap": "1", "guards__frequency_cap__messages": "0"},
    "guards.priority": {"guards__priority": "11"},
}  # fmt: skip


@pytest.mark.parametrize("field", FAULTS)
def test_each_fault_stands_at_its_field(
    logged_in: Callable[[str], Visitor], app: Services, merchant: int, field: str
) -> None:
    visitor = logged_in("marketer")
    visitor.get("/campaigns/new")
    answer = visitor.post("/campaigns/new", filled(**FAULTS[field]))
    assert answer.status_code == 422
    place = f'class="fault" id="h-{field}"'
    assert place in answer.text, re.findall(r'class="fault"[^<]*', answer.text)
    with tenant(app.engine, merchant) as connection:
        assert campaigns.all_saved(connection) == []


def values(page: str) -> dict[str, list[str]]:
    """What the fields of a page hold, of those that tests look at."""
    found: dict[str, list[str]] = {}
    for tag in re.findall(r"<input[^>]*>", page):
        told = dict(re.findall(r'([a-z-]+)="([^"]*)"', tag))
        if told.get("type") not in ("radio", "checkbox") or " checked" in tag:
            found.setdefault(told.get("name", ""), []).append(unescape(told.get("value", "")))
    return found


def test_a_refused_form_comes_back_whole(logged_in: Callable[[str], Visitor]) -> None:
    visitor = logged_in("marketer")
    visitor.get("/campaigns/new")
    page = visitor.post("/campaigns/new", filled(name='"Tea" & more', offer__percentage__value="150")).text
    found = values(page)
    assert (found["name"], found["offer.percentage.value"]) == (['"Tea" & more'], ["150"])
    assert found["audience.rungs"] == ["raving_fan", "advocate", "member", "customer", "shopper"]


def test_a_log_in_that_ran_out_loses_nothing(
    logged_in: Callable[[str], Visitor], app: Services, merchant: int, person: Callable[..., int]
) -> None:
    visitor = logged_in("marketer")
    visitor.get("/campaigns/new")
    visitor.client.delete_cookie("tangga")
    answer = visitor.post("/campaigns/new", filled(name="Typed for an hour"))
    path = re.search(r"draft%3D([\w-]+)|draft=([\w-]+)", str(answer.location))
    assert path
    back = f"/campaigns/new?draft={path[1] or path[2]}"
    visitor.log_in(app, merchant, person("marketer", "again@example.com"))
    page = visitor.get(back).text
    assert values(page)["name"] == ["Typed for an hour"]
    assert "Nothing is lost" in page
    assert logged_in("marketer").get(back).text.count("Typed for an hour") == 0
    assert visitor.post("/campaigns/new", filled(name="Typed for an hour")).location == "/campaigns/typed-for-an-hour"


def test_a_stale_token_saves_nothing_and_keeps_the_answers(
    logged_in: Callable[[str], Visitor], app: Services, merchant: int
) -> None:
    visitor = logged_in("marketer")
    visitor.token = "made-up"
    answer = visitor.post("/campaigns/new", filled(name="Kept"))
    assert (answer.status_code, values(answer.text)["name"]) == (409, ["Kept"])
    with tenant(app.engine, merchant) as connection:
        assert campaigns.all_saved(connection) == []


def test_changing_copying_and_two_people_at_once(
    logged_in: Callable[[str], Visitor], app: Services, merchant: int
) -> None:
    visitor = logged_in("marketer")
    visitor.get("/campaigns/new")
    assert visitor.post("/campaigns/new", filled(name="Eid")).location == "/campaigns/eid"
    page = visitor.get("/campaigns/eid/edit").text
    assert values(page)["base"] == ["edit:eid"]
    change = filled(name="Eid al-Fitr", base="edit:eid", version="1")
    assert visitor.post("/campaigns/new", change).location == "/campaigns/eid"
    late = visitor.post("/campaigns/new", {**change, "name": "Mine"})
    assert (late.status_code, "Somebody changed this campaign" in late.text) == (409, True)
    assert values(late.text)["version"] == ["2"]
    copied = values(visitor.get("/campaigns/new?copy=eid").text)
    assert copied["name"] == ["Eid al-Fitr (copy)"]
    assert visitor.post("/campaigns/new", filled(name="Other", base="copy:eid")).location == "/campaigns/other"
    with tenant(app.engine, merchant) as connection:
        saved = {one.campaign.key: (one.version, one.campaign.name) for one in campaigns.all_saved(connection)}
        connection.execute(text("UPDATE campaign SET state = 'ended' WHERE key = 'eid'"))
    assert saved == {"eid": (2, "Eid al-Fitr"), "other": (1, "Other")}
    over = visitor.post("/campaigns/new", filled(name="Again", base="edit:eid", version="2"))
    assert (over.status_code, "has ended" in over.text) == (409, True)


def test_the_mail_of_a_draft_is_its_author_s_alone(logged_in: Callable[[str], Visitor]) -> None:
    visitor = logged_in("marketer")
    draft = values(visitor.get("/campaigns/new").text)["draft"][0]
    first = visitor.post("/campaigns/build/told", filled(draft=draft))
    assert first.headers["HX-Trigger"] == "mail-changed"
    seen = values(first.text)["seen"][0]
    assert "HX-Trigger" not in visitor.post("/campaigns/build/told", filled(draft=draft, seen=seen)).headers
    frame = visitor.get(f"/campaigns/build/{draft}/html?look.language=id&look.sample=long_name")
    assert "Raden Ajeng" in frame.text
    assert "sandbox" in frame.headers["Content-Security-Policy"]
    assert logged_in("owner").get(f"/campaigns/build/{draft}/html").status_code == 404


def test_buttons_without_a_script_change_the_form_and_save_nothing(
    logged_in: Callable[[str], Visitor], app: Services, merchant: int
) -> None:
    visitor = logged_in("marketer")
    visitor.get("/campaigns/new")
    page = visitor.post("/campaigns/build", filled(do="part:en:add:text", message__en__body="blocks")).text
    assert 'name="message.en.b0.text"' in page
    page = visitor.post("/campaigns/build", filled(do="add:r", audience__narrow="rule")).text
    assert 'name="r.1.fact"' in page
    assert "people would get it now" in page or "Nobody would get it now" in page
    with tenant(app.engine, merchant) as connection:
        assert campaigns.all_saved(connection) == []


def test_every_recipe_can_be_looked_at_and_saved(
    logged_in: Callable[[str], Visitor], app: Services, merchant: int
) -> None:
    visitor = logged_in("marketer")
    visitor.get("/campaigns/new")
    for recipe in recipes():
        sent = filled(recipe.campaign, base=f"recipe:{recipe.key}")
        assert visitor.post("/campaigns/build/told", sent).status_code == 200, recipe.key
    series = next(one for one in recipes() if one.campaign.steps)
    answer = visitor.post("/campaigns/new", filled(series.campaign, base=f"recipe:{series.key}", name="Series"))
    assert answer.location == "/campaigns/series"
    with tenant(app.engine, merchant) as connection:
        assert campaigns.need(connection, "series").campaign.steps == series.campaign.steps


def test_recipes_say_when_who_and_what(logged_in: Callable[[str], Visitor]) -> None:
    visitor = logged_in("marketer")
    page = unescape(visitor.get("/campaigns/recipes").text)
    for recipe in recipes():
        assert f"/campaigns/new?recipe={recipe.key}" in page
        assert visitor.get(f"/campaigns/new?recipe={recipe.key}").status_code == 200
    assert (
        "3 days before their birthday, at 09:00, people on Shopper, Customer, Member, Advocate, and Raving fan" in page
    )
    assert "Exclusive offering" in visitor.get("/campaigns/recipes?by=way").text
    assert 'href="/campaigns/new' not in logged_in("viewer").get("/campaigns/recipes").text


def test_a_campaign_for_a_day_fires_on_it_once(app: Services, merchant: int) -> None:
    campaign = parse(holiday_discount().document | {"trigger": {"kind": "once", "day": "2026-12-12", "at": "10:30"}})
    with tenant(app.engine, merchant) as connection:
        fires = firings(connection, campaign, app.now())
    assert [(fire.occasion, fire.at) for fire in fires] == [("once", datetime(2026, 12, 12, 3, 30, tzinfo=UTC))]
    assert campaign.trigger.at == time(10, 30)
