"""The composer: parts are added, moved and saved; faults stand beside their fields; the look is what readers get."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import text

from campaigns.mail.blocks import Hero
from campaigns.mail.letters import letter_parts
from campaigns.recipes import recipes
from campaigns.schema import dump, parse
from plugin_server.db.campaigning import campaigns
from plugin_server.db.session import tenant
from plugin_server.web.campaigning.mail_fields import part_fields
from plugin_server.wiring import Services
from tests.web.conftest import Visitor


@pytest.fixture
def key(app: Services, merchant: int) -> str:
    """A campaign whose English mail is one button."""
    message = {"en": {"subject": "Hello", "blocks": [{"kind": "button", "label": "Go"}]}}
    with tenant(app.engine, merchant) as connection:
        saved = parse({"key": "tea", "trigger": {"kind": "once"}, "message": message})
        campaigns.save(connection, merchant_id=merchant, campaign=saved, by="test")
    return "tea"


FORM = {
    "subject": "Tea for {{ customer.first_name | default: 'you' }}",
    "preheader": "Inside",
    "kind": "blocks",
    "count": "2",
    "b0.kind": "hero",
    "b0.heading": "Tea",
    "b1.kind": "text",
    "b1.text": "First\r\n\r\nSecond",
}


def test_parts_are_moved_without_saving_and_then_saved(
    app: Services, merchant: int, logged_in: Callable[[str], Visitor], key: str
) -> None:
    who = logged_in("marketer")
    path = f"/campaigns/{key}/compose/id"
    assert 'value="Go"' in who.get(path).get_data(as_text=True)
    added = who.post(path, FORM | {"act": "add:divider"}).get_data(as_text=True)
    assert 'name="count" value="3"' in added
    swapped = who.post(path, FORM | {"act": "up:1"}).get_data(as_text=True)
    assert swapped.index("First") < swapped.index('value="Tea"')
    with tenant(app.engine, merchant) as connection:
        assert campaigns.need(connection, key).version == 1
    assert who.post(path, FORM | {"act": "save"}).status_code == 302
    with tenant(app.engine, merchant) as connection:
        saved = campaigns.need(connection, key)
    assert saved.version == 2
    assert [block.kind for block in saved.campaign.message["id"].blocks or ()] == ["hero", "text"]
    assert set(saved.campaign.message) == {"en", "id"}


def test_a_ready_letter_is_there_to_be_changed(
    app: Services, merchant: int, logged_in: Callable[[str], Visitor]
) -> None:
    ready = next(one for one in recipes() if one.key == "first_order").campaign
    with tenant(app.engine, merchant) as connection:
        campaigns.save(connection, merchant_id=merchant, campaign=ready, by="test")
    who, path = logged_in("marketer"), f"/campaigns/{ready.key}/compose/en"
    page = who.get(path).text
    assert f">{ready.title}</a>" in page
    assert 'value="The first step is on us"' in page
    assert "Try us once" in page
    parts = {name[2:]: told for name, told in part_fields("m", letter_parts("first_order", "en", code=True))}
    changed = FORM | parts | {"b0.heading": "Come in", "act": "save"}
    assert who.post(path, changed).status_code == 302
    with tenant(app.engine, merchant) as connection:
        blocks = campaigns.need(connection, ready.key).campaign.message["en"].blocks or ()
    assert [block.kind for block in blocks] == ["hero", "coupon", "button", "ladder"]
    assert isinstance(blocks[0], Hero)
    assert blocks[0].heading == "Come in"
    assert "Try us once" in blocks[0].text


def test_faults_stand_beside_their_fields_and_nothing_is_saved(
    app: Services, merchant: int, logged_in: Callable[[str], Visitor], key: str
) -> None:
    who = logged_in("marketer")
    path = f"/campaigns/{key}/compose/en"
    who.get(path)
    bad = who.post(path, FORM | {"b0.heading": "", "b1.text": "{{ customer.nick }}"})
    assert bad.status_code == 422
    assert 'id="h-b0.heading"' in bad.get_data(as_text=True)
    typo = who.post(path, FORM | {"b1.text": "{{ customer.firstname }}"})
    assert "customer.first_name?" in typo.get_data(as_text=True)
    with tenant(app.engine, merchant) as connection:
        assert campaigns.need(connection, key).version == 1
        assert connection.scalar(text("SELECT count(*) FROM audit_log WHERE action = 'campaign_saved'")) == 0


def test_an_expert_writes_mjml(logged_in: Callable[[str], Visitor], key: str) -> None:
    who = logged_in("marketer")
    path = f"/campaigns/{key}/compose/en"
    who.get(path)
    assert 'name="source"' in who.post(path, FORM | {"act": "as:mjml"}).get_data(as_text=True)
    source = "<mjml><mj-body><mj-section><mj-column>\n<mj-text>Hi</mj-txt></mj-column></mj-section></mj-body></mjml>"
    broken = who.post(path, FORM | {"kind": "mjml", "source": source})
    assert broken.status_code == 422
    assert "line 2" in broken.get_data(as_text=True)
    assert who.post(path, FORM | {"kind": "mjml", "source": source.replace("txt", "text")}).status_code == 302


def test_the_look_for_sample_readers(logged_in: Callable[[str], Visitor], key: str) -> None:
    who = logged_in("viewer")
    shown = who.get(f"/campaigns/{key}/look/en?sample=long_name&mode=text").get_data(as_text=True)
    assert "Go: " in shown
    dark = who.get(f"/campaigns/{key}/look/en/html?mode=dark").get_data(as_text=True)
    assert "prefers-color-scheme" not in dark
    assert who.get(f"/campaigns/{key}/look/nl").status_code == 404
    assert who.get(f"/campaigns/{key}/look/en?sample=nobody").status_code == 404
    assert who.client.get("/c/preview/code.png").data[:4] == b"\x89PNG"
    assert who.get("/c/made-up/code.png").status_code == 404


def test_subjects_are_tried_against_each_other(
    app: Services, merchant: int, logged_in: Callable[[str], Visitor], key: str
) -> None:
    who, path = logged_in("marketer"), f"/campaigns/{key}/compose/en"

    def saved() -> list[tuple[str, dict[str, str]]]:
        with tenant(app.engine, merchant) as connection:
            return [(one.key, one.subject) for one in campaigns.need(connection, key).campaign.measure.variants]

    assert who.post(path, FORM | {"subject_b": "Thirsty?", "subject_d": "{{ shop.name }} has tea"}).status_code == 302
    assert saved() == [("a", {}), ("b", {"en": "Thirsty?"}), ("d", {"en": "{{ shop.name }} has tea"})]
    assert 'value="Thirsty?"' in who.get(path).get_data(as_text=True)
    assert who.post(f"/campaigns/{key}/compose/id", FORM | {"subject_b": "Haus?"}).status_code == 302
    assert who.post(path, FORM | {"subject_b": "Thirsty?"}).status_code == 302
    assert saved() == [("a", {}), ("b", {"en": "Thirsty?", "id": "Haus?"})]
    for bad, said in (("Hi {{ customer.nickname }}", "customer.nickname"), ("{% if %}", "subject"), ("x" * 301, "300")):
        refused = who.post(path, FORM | {"subject_b": bad})
        assert refused.status_code == 422
        assert said in refused.get_data(as_text=True)
    assert who.post(path, FORM).status_code == 302
    assert who.post(f"/campaigns/{key}/compose/id", FORM).status_code == 302
    assert saved() == []


def test_what_a_file_tries_is_left_alone(
    app: Services, merchant: int, logged_in: Callable[[str], Visitor], key: str
) -> None:
    with tenant(app.engine, merchant) as connection:
        document = dump(campaigns.need(connection, key).campaign)
        document["measure"]["variants"] = [{"key": "warm"}, {"key": "cool", "subject": {"en": "Iced tea"}}]
        campaigns.save(connection, merchant_id=merchant, campaign=parse(document), by="test")
    who, path = logged_in("marketer"), f"/campaigns/{key}/compose/en"
    assert "subject_b" not in who.get(path).get_data(as_text=True)
    assert who.post(path, FORM | {"subject_b": "Thirsty?"}).status_code == 302
    with tenant(app.engine, merchant) as connection:
        variants = campaigns.need(connection, key).campaign.measure.variants
    assert [(one.key, one.subject) for one in variants] == [("warm", {}), ("cool", {"en": "Iced tea"})]
