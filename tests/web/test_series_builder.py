"""Steps in the builder: what the form says is the series, buttons change its shape, faults stand at their step."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from html import unescape
from typing import Any

import pytest
from werkzeug.datastructures import MultiDict

from campaigns.recipes import recipes
from campaigns.schema import BadCampaign, Campaign, dump, parse
from plugin_server.db.campaigning import campaigns
from plugin_server.db.session import tenant
from plugin_server.web.campaigning import form as campaign_form
from plugin_server.web.campaigning import steps as campaign_steps
from plugin_server.web.campaigning.faults import by_field
from plugin_server.web.campaigning.fields import Fields, document_of, fields_of
from plugin_server.web.campaigning.steps import each
from plugin_server.web.words import Words, zone_of
from plugin_server.wiring import Services
from tests.series.definitions import BOUGHT_MORE, OFFER, campaign, letter
from tests.web.conftest import Visitor

STEPS = (
    letter("Hello", key="hello", topic="tea"),
    {"kind": "wait", "key": "rest", "days": 3, "hours": 5},
    {"kind": "until", "key": "friday", "weekday": 5, "at": "10:30", "zone": "shop"},
    {"kind": "condition", "key": "ask", "rule": BOUGHT_MORE, "then": "call", "else": "gift"},
    {"kind": "offer", "key": "gift", "offer": {**OFFER, "budget": "500000"}},
    letter("{{ offer.code }}", key="code", next="day"),
    {"kind": "task", "key": "call", "title": "Call them", "note": "Why?"},
    {"kind": "tag", "key": "mark", "tag": "called", "remove": True},
    {"kind": "webhook", "key": "tell", "url": "https://crm.example/hook"},
    {"kind": "until", "key": "day", "date": "2031-02-03", "at": "08:00"},
    {"kind": "goal", "key": "goal", "on": "rule", "rule": BOUGHT_MORE, "days": 14},
    {"kind": "exit", "key": "out"},
)


def read(sent: Fields, base: dict[str, Any] | None = None) -> Campaign:
    document, problems = document_of(sent, base or {}, "en")
    assert problems == []
    return parse({**document, "key": "series"})


@pytest.mark.parametrize(
    "made",
    [campaign(*STEPS, again_after_days=90), *(one.campaign for one in recipes() if one.campaign.steps)],
    ids=lambda made: made.key,
)
def test_a_series_survives_the_form_without_what_it_began_with(made: Campaign) -> None:
    sent = MultiDict(list(fields_of(dump(made)).items(multi=True)))
    document, problems = document_of(sent, {}, "en")
    assert problems == []
    assert parse({**document, "key": made.key}) == made


def test_what_a_step_has_no_field_for_is_kept_by_its_key_wherever_it_moves() -> None:
    french = {"fr": {"subject": "Bonjour", "html": "<p>Merci</p>"}}
    steps = [*STEPS[:5], {**STEPS[5], "message": STEPS[5]["message"] | french}, *STEPS[6:]]
    base = dump(campaign(*steps))
    moved = campaign_form.edited(fields_of(base), "step:remove:1")
    assert read(moved, base).steps[4].message["fr"].subject == "Bonjour"  # type: ignore[union-attr]


def keys(given: Fields) -> list[str]:
    return [own["key"] for own in each(given)]


def test_buttons_add_move_and_remove_steps_and_ways_lead_past_what_is_gone() -> None:
    given = fields_of(dump(campaign(*STEPS)))
    more = campaign_form.settled(campaign_form.edited(given, "step:add:wait:2"), {})
    assert keys(more)[:4] == ["hello", "rest", "wait", "friday"]
    assert keys(campaign_form.edited(more, "step:add:wait:0"))[0] == "wait-2"
    assert keys(campaign_form.edited(given, "step:down:0"))[:2] == ["rest", "hello"]
    assert keys(campaign_form.edited(given, "step:up:0")) == keys(given)
    assert keys(campaign_form.edited(given, "step:nonsense:77")) == keys(given)
    without = campaign_form.edited(given, "step:remove:4")
    assert each(without)[3].to_dict() | {"then": "call", "else": "code"} == each(without)[3].to_dict()
    assert each(campaign_form.edited(given, "step:remove:6"))[3]["then"] == "mark"
    assert each(campaign_form.edited(given, "step:remove:9"))[5]["next"] == "goal"


@pytest.mark.parametrize("kind", campaign_steps.LINES)
def test_each_kind_of_step_can_be_added_and_wants_its_own_fields_only(kind: str) -> None:
    given = fields_of(dump(campaign(letter("Hello", key="hello"), {"kind": "wait", "key": "rest", "days": 3})))
    more = campaign_form.settled(campaign_form.edited(given, f"step:add:{kind}:2"), {})
    wanted = {"message": {"s2.message.en.subject"}, "tag": {"s2.tag"}, "task": {"s2.title"}, "webhook": {"s2.url"}}
    try:
        read(more)
        found = set[str]()
    except BadCampaign as error:
        found = set(
            by_field(error.problems, more, Words("en", zone_of("Asia/Jakarta"), datetime(2026, 11, 2, tzinfo=UTC)))
        )
    assert {name for name in found if not re.search(r"message.(id|nl)", name)} - {"s2"} == wanted.get(kind, set())


def test_a_mail_becomes_a_series_and_a_series_a_mail_again() -> None:
    plain = next(one.campaign for one in recipes() if one.key == "second_order")
    given = fields_of(dump(plain))
    given["shape"] = "series"
    series = campaign_form.settled(given, {})
    made = read(series)
    assert [step.kind for step in made.steps] == ["offer", "message"]
    assert made.steps[0].offer == plain.offer  # type: ignore[union-attr]
    series["shape"] = "mail"
    assert read(campaign_form.settled(series, {})).message == plain.message


# The pages.


def text_of(html: str) -> str:
    return " ".join(unescape(re.sub(r"<(script|style).*?</\1>|<[^>]*>", " ", html, flags=re.S)).split())


def sent(made: Campaign, **changed: Any) -> dict[str, Any]:
    return fields_of(dump(made)).to_dict(flat=False) | {
        name.replace("__", "."): value for name, value in changed.items()
    }


@pytest.fixture
def saved(app: Services, merchant: int) -> Campaign:
    made = campaign(*STEPS[1:5], {**STEPS[5], "next": "goal"}, *STEPS[6:9], *STEPS[10:], name="Mine")
    with tenant(app.engine, merchant) as conn:
        campaigns.save(conn, merchant_id=merchant, campaign=made, by="test")
    return made


def test_the_page_shows_ways_as_nested_lists_and_names_targets(
    saved: Campaign, logged_in: Callable[[str], Visitor]
) -> None:
    html = unescape(logged_in("marketer").get("/campaigns/series/edit").text)
    nav = re.search(r'<nav aria-labelledby="q-steps">(.*?)</nav>', html, re.S)
    assert nav is not None
    assert text_of(nav[1]) == (
        "1. Wait: 3 days, 5 hours 2. Wait until: Friday, 10:30 3. Question: paid orders: at least 2 "
        "yes 6. Task for you: Call them 7. Tag: take off called 8. Other system: https://crm.example/hook "
        "no 4. Personal code: 10% off 5. Mail: … en 9. Goal: paid orders: at least 2; 14 days more 10. End"
    )
    assert '<option value="call" selected>6. Task for you: Call them</option>' in html
    assert html.count('<details class="step ') == 10


def test_a_fault_stands_at_its_step_in_the_readers_language_and_nothing_is_saved(
    app: Services, merchant: int, saved: Campaign, logged_in: Callable[[str], Visitor]
) -> None:
    marketer = logged_in("marketer")
    marketer.get("/home")
    marketer.post("/language", {"language": "nl"})
    marketer.get("/campaigns/series/edit")
    form = sent(saved, base="edit:series", version="1", s3__offer__percentage__value="150", s8__days="x", s5__title="")
    answer = marketer.post("/campaigns/new", form)
    assert answer.status_code == 422
    html = unescape(answer.text)
    assert re.search(r'id="h-s3.offer.percentage.value">[^<]*100', html)
    assert 'id="h-s8.days"' in html
    assert re.search(r'<details class="step task" open>.*?vraagt nog aandacht', html, re.S)
    with tenant(app.engine, merchant) as conn:
        assert campaigns.need(conn, "series").version == 1
    back = sent(saved, base="edit:series", version="1", s7__next="rest", s9__kind="wait", s9__days="2")
    html = unescape(marketer.post("/campaigns/new", back).text)
    assert 'id="h-s7.next"' in html


def test_steps_are_changed_without_a_script_and_saved_as_a_version(
    app: Services, merchant: int, saved: Campaign, logged_in: Callable[[str], Visitor]
) -> None:
    marketer = logged_in("marketer")
    marketer.get("/campaigns/series/edit")
    form = sent(saved, base="edit:series", version="1", do="step:add:tag:1")
    html = unescape(marketer.post("/campaigns/build", form).text)
    assert re.search(r'<details class="step tag" open>', html)
    assert html.count('<details class="step ') == 11
    given = campaign_form.edited(
        MultiDict([(k, v) for k, vs in form.items() for v in ([vs] if isinstance(vs, str) else vs)]), "step:add:tag:1"
    )
    given["s1.tag"] = "warm"
    answer = marketer.post("/campaigns/new", given.to_dict(flat=False) | {"do": "save"})
    assert answer.status_code == 302, text_of(answer.text)[:900]
    with tenant(app.engine, merchant) as conn:
        new = campaigns.need(conn, "series")
    assert (new.version, [step.key for step in new.campaign.steps][:3]) == (2, ["rest", "tag", "friday"])


def test_every_mail_of_a_series_is_looked_at_while_it_is_written(logged_in: Callable[[str], Visitor]) -> None:
    visitor = logged_in("marketer")
    page = visitor.get("/campaigns/new").get_data(as_text=True)
    assert 'id="look"' in page
    draft = re.findall(r'name="draft" value="([^"]+)"', page)[0]
    given = fields_of(dump(campaign(*STEPS)))
    sent: dict[str, Any] = {**given.to_dict(flat=False), "shape": "series", "draft": draft}
    told = visitor.post("/campaigns/build/told", sent)
    assert told.headers["HX-Trigger"] == "mail-changed"
    seen = re.findall(r'name="seen" value="([^"]+)"', told.text)[0]
    assert "HX-Trigger" not in visitor.post("/campaigns/build/told", {**sent, "seen": seen}).headers
    again = {**sent, "seen": seen, "s0.message.en.subject": "Hello again"}
    assert visitor.post("/campaigns/build/told", again).headers["HX-Trigger"] == "mail-changed"
    look, frame = f"/campaigns/build/{draft}/look", f"/campaigns/build/{draft}/html"
    first = visitor.get(look).text
    assert re.findall(r'<option value="(\d+)"( selected)?>\d+\. ', first) == [("0", " selected"), ("5", "")]
    assert "6. … en</option>" in first
    assert "<strong>Hello again</strong>" in first
    code = visitor.get(f"{look}?look.mail=5&look.width=text").text
    assert "<strong>SAMPLE-0000 en</strong>" in code
    assert '<pre class="text"' in code
    assert visitor.get(f"{frame}?look.mail=5").text != visitor.get(f"{frame}?look.mail=0").text
    assert visitor.get(f"{frame}?look.mail=3").text == visitor.get(f"{frame}?look.mail=0").text
    broken = {**sent, "s5.message.en.subject": "{{ offer.code | nothing }}"}
    visitor.post("/campaigns/build/told", broken)
    assert "There is no filter called nothing. (line 1, column 17)" in visitor.get(f"{look}?look.mail=5").text
    assert "<strong>Hello en</strong>" in visitor.get(look).text


def test_a_mail_in_the_dark_wears_its_own_rules_for_the_dark(logged_in: Callable[[str], Visitor]) -> None:
    visitor = logged_in("marketer")
    draft = re.findall(r'name="draft" value="([^"]+)"', visitor.get("/campaigns/new").text)[0]
    made = fields_of(
        dump(next(one.campaign for one in recipes() if one.campaign.key.startswith("welcome") and one.campaign.steps))
    )
    visitor.post("/campaigns/build/told", {**made.to_dict(flat=False), "draft": draft})
    light, dark = (visitor.get(f"/campaigns/build/{draft}/html?look.width={how}").text for how in ("phone", "dark"))
    assert "prefers-color-scheme: dark" in light
    assert "prefers-color-scheme: dark" not in dark
