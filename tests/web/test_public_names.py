"""What customers read as their rung: never an inner word of the trade, in any language, on anything they get to see."""

from __future__ import annotations

import re
from datetime import date
from typing import Any

import pytest
from sqlalchemy import text

from campaigns.ladder.ladders import Ladder, Rung, check
from campaigns.ladder.presets import PRESETS, SEVEN_RUNGS
from campaigns.ladder.public import READ_AS
from campaigns.ladder.rules import BadRule
from plugin_server.db.ladder import versions as ladder_versions
from plugin_server.db.merchant import shop_settings
from plugin_server.db.session import tenant
from plugin_server.jobs.sending import compose
from plugin_server.vault import CustomerLink, Shopper, customer_token, storefront_token
from plugin_server.wiring import Services
from tests.web.conftest import Visitor
from tests.web.test_browser import crowd

__all__ = ["crowd"]
KNOWN = """
INSERT INTO identity (merchant_id, customer_id, store_id, external_id, told_rung)
SELECT :m, customer_id, :s, 'a' || customer_id, rung FROM customer_facts
"""
LANGUAGES = ("en", "id", "nl")
INNER = re.compile(r"\b(suspe[ck]t?|prospe[ck]t?|pre-sales|prapenjualan|voorverkoop|advokat|akuisisi)\b", re.I)
READ = {
    "en": ["Guest", "Explorer", "Shopper", "Customer", "Member", "Ambassador", "Raving fan"],
    "id": ["Tamu", "Penjelajah", "Pembeli", "Pelanggan", "Anggota", "Duta", "Penggemar setia"],
    "nl": ["Gast", "Ontdekker", "Koper", "Klant", "Lid", "Ambassadeur", "Superfan"],
}


def named(shown: dict[str, str], **names: str) -> Ladder:
    """The seven rungs, the lowest renamed."""
    low = SEVEN_RUNGS.rungs[0].model_copy(update={"names": names or {"en": "Suspect"}, "shown": shown})
    return SEVEN_RUNGS.model_copy(update={"rungs": (low, *SEVEN_RUNGS.rungs[1:])})


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_preset_reads_kindly(language: str) -> None:
    assert [rung.public(language) for rung in SEVEN_RUNGS.rungs] == READ[language]
    for ladder in PRESETS.values():
        read = [rung.public(language) for rung in ladder.rungs]
        assert not any(map(INNER.search, read))
        assert len(set(read)) == len(read), "two rungs that read the same cannot be climbed"
    assert all(set(names) == set(LANGUAGES) for names in READ_AS.values())


@pytest.mark.parametrize(
    ("rung", "language", "read"),
    [
        (named({}), "nl", "Gast"),
        (named({}, en=" sUSpect ", id="Teman"), "id", "Teman"),
        (named({}, en="Seedling"), "id_ID", "Seedling"),
        (named({"en": "Seed", "nl": "Zaadje"}), "nl_NL", "Zaadje"),
        (named({"en": "Seed", "nl": "Zaadje"}), "id", "Seed"),
        (named({"nl": "Zaadje"}), "en", "Guest"),
    ],
)
def test_the_shops_own_names_go_before_ours(rung: Ladder, language: str, read: str) -> None:
    check(rung)
    assert rung.rungs[0].public(language) == read


@pytest.mark.parametrize("name", ["Suspect", " prospek ", "LEAD", "a" * 81, "a\nb"])
def test_names_nobody_likes_are_refused(name: str) -> None:
    with pytest.raises(BadRule) as refused:
        check(named({"id": name}))
    assert refused.value.path == "rungs.0.shown.id"


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("place", [0, 1])
def test_nothing_a_customer_sees_says_suspect(
    app: Services, merchant: int, woo: int, crowd: int, visitor: Visitor, language: str, place: int
) -> None:
    key = SEVEN_RUNGS.keys[place]
    with tenant(app.engine, merchant) as conn:
        conn.execute(text("UPDATE customer SET language = :l WHERE id = :c"), {"l": language, "c": crowd})
        conn.execute(text("UPDATE customer_facts SET rung = :r WHERE customer_id = :c"), {"r": key, "c": crowd})
        head = compose.letterhead(conn)
    card = visitor.get(f"/c/{customer_token(app.settings.keys, CustomerLink(merchant, crowd))}").get_data(as_text=True)
    assert READ[language][place] in card
    assert not INNER.search(re.sub(r"<[^>]*>", " ", card))
    block = visitor.client.post(
        "/storefront/me", data=_token(app, merchant, woo, crowd), content_type="text/plain",
        headers={"Origin": "https://toko.example.com"},
    ).get_json()  # fmt: skip
    assert block["rung"]["name"] == READ[language][place]
    assert not INNER.search(str(block))
    assert [step["name"] for step in compose.steps(head.ladder, language)] == READ[language]
    told = compose._rung(head.ladder, key, language)
    assert (told["name"], told["next_name"]) == tuple(READ[language][place : place + 2])


def _token(app: Services, merchant: int, store_id: int, customer: int) -> str:
    today = (app.now().date() - date(1970, 1, 1)).days
    return storefront_token(app.settings.keys, Shopper(merchant, store_id, customer, today))


def test_shops_are_told_a_new_name_again(app: Services, merchant: int, woo: int, crowd: int) -> None:
    def count(of: str) -> int:
        asked = text(f"SELECT count(*) FROM identity WHERE told_rung IS NOT DISTINCT FROM {of} AND store_id = :s")
        return int(conn.scalar(asked, {"s": woo}) or 0)

    first: Rung = SEVEN_RUNGS.rungs[2]
    renamed: dict[str, Any] = {"rungs": tuple(
        one.model_copy(update={"shown": {"en": "Fresh face"}}) if one == first else one for one in SEVEN_RUNGS.rungs
    )}  # fmt: skip
    with tenant(app.engine, merchant) as conn:
        conn.execute(text(KNOWN), {"m": merchant, "s": woo})
        before, shoppers = count("NULL"), count("'shopper'")
        ladder_versions.save(
            conn, merchant_id=merchant, new=SEVEN_RUNGS.model_copy(update=renamed), by="test", now=app.now()
        )
        assert shoppers > 0
        assert count("NULL") - before == shoppers


def test_shops_are_told_all_names_again_in_another_language(app: Services, merchant: int, woo: int, crowd: int) -> None:
    told = text("SELECT count(*) FROM identity WHERE told_rung IS NOT NULL")
    with tenant(app.engine, merchant) as conn:
        conn.execute(text(KNOWN), {"m": merchant, "s": woo})
        known = conn.scalar(told)
        shop_settings.save(conn, {"locale": conn.scalar(text("SELECT locale FROM merchant"))})
        assert conn.scalar(told) == known > 0
        shop_settings.save(conn, {"locale": "nl"})
        assert conn.scalar(told) == 0
