"""A campaign file is right, or says where it is not and how to mend it."""

from __future__ import annotations

import pytest

from campaigns.recipes import holiday_discount, recipes
from campaigns.schema import BadCampaign, dump, parse, read_yaml
from campaigns.series_parts import languages
from campaigns.triggers import OnHoliday

WHOLE = """
key: lebaran-thanks
name: Lebaran thank-you
trigger: {kind: holiday, holiday: eid_al_fitr, offsets_days: [-14, -3], at: "09:00"}
audience: {rungs: [shopper, customer], rule: null, topic: promotions}
offer: {kind: percentage, value: "10", minimum: "100000", valid_days: 14, budget: "5000000"}
message:
  en: {subject: "A thank-you", preheader: "…", mjml: "<mjml></mjml>"}
  id: {subject: "Terima kasih", html: "<p>Halo</p>"}
guards: {quiet_hours: {from: 21:00, to: 8:00}, frequency_cap: {messages: 2, days: 7}, margin_floor: true}
measure: {goal: order, window_days: 14, holdout: 0.1}
"""


def faults(text: str) -> list[str]:
    """All problems of a file."""
    with pytest.raises(BadCampaign) as caught:
        read_yaml(text)
    return [str(problem) for problem in caught.value.problems]


def test_the_documented_file_is_read_whole() -> None:
    campaign = read_yaml(WHOLE)
    assert isinstance(campaign.trigger, OnHoliday)
    assert campaign.trigger.offsets_days == (-14, -3)
    assert campaign.guards.quiet_hours is not None
    assert (campaign.guards.quiet_hours.from_.hour, campaign.guards.quiet_hours.to.hour) == (21, 8)
    assert parse(dump(campaign)) == campaign


def test_all_but_key_trigger_and_message_have_defaults() -> None:
    campaign = read_yaml("key: a\ntrigger: {kind: once}\nmessage: {en: {subject: s, html: h}}")
    assert campaign.audience.rungs == "all"
    assert campaign.offer is None
    assert campaign.guards.frequency_cap is not None
    assert campaign.measure.holdout == 0


def test_guards_can_be_switched_off() -> None:
    campaign = read_yaml(
        "key: a\ntrigger: {kind: once}\nmessage: {en: {subject: s, html: h}}\n"
        "guards: {quiet_hours: null, frequency_cap: null, margin_floor: null}"
    )
    assert (campaign.guards.quiet_hours, campaign.guards.frequency_cap, campaign.guards.margin_floor) == (None,) * 3


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("kind: holiday,", "kind: recurring,", "trigger.every: is missing; add it"),
        ("kind: holiday,", "kind: event,", "trigger.event: is missing; add it"),
        ("kind: holiday,", "kind: Tuesday,", "trigger: "),
        ("[-14, -3]", "[-14, -14]", "trigger.offsets_days: the same day stands here twice; keep it once."),
        ("[-14, -3]", "[-400]", "trigger.offsets_days.0: "),
        ('"09:00"', '"25:00"', "trigger.at: "),
        ("rungs: [shopper, customer]", "rungs: []", "audience.rungs: no rung is chosen; name some, or write all."),
        ("rule: null", "rule: {kind: cmp, fact: shoe_size, op: '=', value: 1}", "audience.rule: "),
        ('value: "10"', 'value: "110"', "offer: value 110 is more than 100 percent."),
        ('value: "10"', 'value: "-1"', "offer.value: "),
        ('value: "10"', "value: ten", "offer.value: "),
        ('budget: "5000000"', "budget: 0", "offer.budget: "),
        ("valid_days: 14, b", "valid_days: 0, b", "offer.valid_days: "),
        ("kind: percentage", "kind: two_for_one", "offer.kind: "),
        ("kind: percentage", "kind: free_shipping", "offer: free shipping takes no value; leave it out."),
        ('html: "<p>Halo</p>"', "preheader: x", "message.id: give the body as one of blocks, mjml, html or recipe;"),
        ('subject: "Terima kasih", ', "", "message.id.subject: is missing; add it."),
        ('subject: "Terima kasih"', 'subject: "a\\nBcc: x"', "message.id.subject: must be one line."),
        ("  id: {", "  Bahasa: {", "message: 'Bahasa' is not a language; write it as en, id or nl."),
        ("holdout: 0.1", "holdout: 2", "measure.holdout: "),
        ("from: 21:00, to: 8:00", "from: 8:00, to: 8:00", "guards.quiet_hours: from and to are the same"),
        ("name: Lebaran", "nmae: Lebaran", "nmae: is not known here; check the spelling or take it out."),
        ("key: lebaran-thanks", "key: Lebaran Thanks", "key: "),
        ("key: lebaran-thanks", "", "key: is missing; add it."),
        ("key: lebaran-thanks", "key: a\nkey: b", "line 3, column 1: This is not YAML: 'key' stands here twice."),
        ("rule: null", "rule: *x", "line 5, column 46: This is not YAML: aliases (*) are not allowed."),
        ("measure: {", "measure: [", "line 11, column 5"),
        ("measure: {goal", "measure: all #", "measure: is to be a mapping of its parts"),
        ("kind: holiday,", "kind: Tuesday,", "trigger: there is no such kind; write once, holiday"),
        ("key: lebaran-thanks", "key: ../x", "key: is to be made of small letters, digits, - and _"),
        ("key: lebaran-thanks", "key: 5", "key: is to be text; put it in quotes."),
        ('subject: "Terima kasih"', 'subject: " "', "message.id.subject: is empty; write something."),
    ],
)  # fmt: skip
def test_each_fault_is_named_at_its_place(old: str, new: str, fault: str) -> None:
    assert old in WHOLE
    assert any(problem.startswith(fault) for problem in faults(WHOLE.replace(old, new, 1))), faults(
        WHOLE.replace(old, new, 1)
    )


def test_all_faults_are_told_at_once() -> None:
    assert len(faults("key: X\ntrigger: {kind: once, hour: 1}\nmessage: {}\nfoo: 1")) == 4


def test_a_list_of_refused_parts_is_not_called_empty_too() -> None:
    assert len(faults(WHOLE.replace("[-14, -3]", "[-400]", 1))) == 1


def test_a_file_that_is_no_campaign_says_so() -> None:
    assert faults("a: " + "[" * 5_000 + "]" * 5_000) == ["The file is nested too deeply; five levels are enough."]
    assert faults("- a") == ["A campaign is a mapping with key, trigger and message."]
    assert faults("x" * 600_000)[0].startswith("The file is larger than")


def test_a_recipes_words_need_its_kind_of_offer() -> None:
    document = holiday_discount().document | {"offer": {"kind": "fixed", "value": "5"}}
    with pytest.raises(BadCampaign, match="speaks of percentage"):
        parse(document)


def test_recipes_are_campaigns() -> None:
    for recipe in recipes():
        assert parse(dump(recipe.campaign)) == recipe.campaign
        assert languages(recipe.campaign) == ["en", "id", "nl"]
    assert holiday_discount("christmas").campaign.key == "christmas-thanks"


def test_a_name_that_yaml_would_read_as_true_is_a_name() -> None:
    trigger = read_yaml("key: a\ntrigger: {kind: recurring, every: week, on: 5}\nmessage: {en: {subject: s, html: h}}")
    assert getattr(trigger.trigger, "on", None) == 5
