"""Asking customers: opening changes nothing, answering stores once, and a score leads where it should."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import select, text

from campaigns.triggers import OnEvent
from plugin_server.db.campaigning.happened import happened
from plugin_server.db.customers import answers_told
from plugin_server.db.ladder import known
from plugin_server.db.session import tenant
from plugin_server.jobs.letters import complaint as complaint_mail
from plugin_server.vault import CustomerLink, customer_token
from plugin_server.wiring import Services
from tests.web.conftest import Clock, Visitor
from tests.web.test_pages import customer

__all__ = ["customer"]


def rows(app: Services, merchant: int, sql: str) -> list[tuple[Any, ...]]:
    with tenant(app.engine, merchant) as conn:
        return [tuple(row) for row in conn.execute(text(sql))]


@pytest.fixture
def link(app: Services, merchant: int, customer: int) -> str:
    """Siti's page, from mail number 7."""
    return f"/c/{customer_token(app.settings.keys, CustomerLink(merchant, customer, 7))}"


ANSWERS = "SELECT question, occasion, score, choices, text FROM survey_answer ORDER BY id"


def test_the_last_word_within_a_day_counts(
    app: Services, merchant: int, link: str, visitor: Visitor, clock: Clock
) -> None:
    page = f"{link}/ask/satisfaction"
    assert 'value="8" required checked' in visitor.get(f"{page}?score=8").text
    assert rows(app, merchant, ANSWERS) == []
    assert visitor.post(page, {"score": "8"}).location == page
    clock.forward(hours=23)
    visitor.post(page, {"score": "7", "words": " Lama sampai "})
    assert rows(app, merchant, ANSWERS) == [("satisfaction", "mail:7", 7, [], "Lama sampai")]
    clock.forward(hours=2)
    visitor.post(page, {"score": "1"})
    assert rows(app, merchant, ANSWERS) == [("satisfaction", "mail:7", 7, [], "Lama sampai")]
    assert "Anda memberi 7 dari 10" in visitor.get(f"{page}?score=1").text
    assert rows(app, merchant, "SELECT count(*) FROM conversation") == [(0,)]


@pytest.mark.parametrize("score", ["", "11", "-1", "x", "²", "9" * 400])
def test_what_is_no_score_stores_nothing(app: Services, merchant: int, link: str, visitor: Visitor, score: str) -> None:
    answer = visitor.post(f"{link}/ask/satisfaction", {"score": score, "words": "<b>hm</b>"})
    assert (answer.status_code, "Pilih angka dari 0 sampai 10." in answer.text) == (422, True)
    assert "&lt;b&gt;hm" in answer.text
    assert rows(app, merchant, ANSWERS) == []


def test_a_low_score_opens_one_conversation_and_tells_the_owner_once(
    app: Services, merchant: int, customer: int, link: str, visitor: Visitor
) -> None:
    page = f"{link}/ask/satisfaction"
    for _ in range(2):
        visitor.post(page, {"score": "3"})
    visitor.post(page, {"score": "3", "words": "Pecah semua"})
    threads = rows(app, merchant, "SELECT customer_id, email, state FROM conversation")
    assert threads == [(customer, "Siti@example.com", "open")]
    said = rows(app, merchant, "SELECT text, author, direction FROM conversation_message ORDER BY id")
    first = "Ditanya seberapa mungkin menyarankan toko Anda: 3 dari 10."
    assert [row[0] for row in said] == [first, f"{first}\n\nPecah semua"]
    owners = rows(app, merchant, "SELECT count(*) FROM user_account WHERE role = 'owner'")[0][0]
    assert (complaint_mail.tell(app, merchant), complaint_mail.tell(app, merchant)) == (owners, 0)
    assert "Sampai saat itu Anda tidak menerima penawaran" in visitor.get(page).text


def test_a_promoter_s_words_become_evidence_only_if_they_may_be_published(
    app: Services, merchant: int, customer: int, link: str, visitor: Visitor, clock: Clock
) -> None:
    page = f"{link}/ask/satisfaction"
    visitor.post(f"{link}/praise", {"words": "Bagus", "publish": "yes"})
    visitor.post(page, {"score": "8"})
    visitor.post(f"{link}/praise", {"words": "Bagus", "publish": "yes"})
    assert rows(app, merchant, "SELECT count(*) FROM testimonial") == [(0,)]
    visitor.post(page, {"score": "9"})
    reviews = f"SELECT reviews FROM customer_facts WHERE customer_id = {customer}"
    kept = "SELECT store_id, customer_id, email_norm, rating, text, approved FROM testimonial"
    visitor.post(f"{link}/praise", {"words": "Bagus"})
    assert rows(app, merchant, kept) == [(None, customer, "siti@example.com", 5, "Bagus", False)]
    assert rows(app, merchant, reviews) == [(0,)]
    visitor.post(f"{link}/praise", {"words": "Bagus sekali", "publish": "yes"})
    assert rows(app, merchant, kept) == [(None, customer, "siti@example.com", 5, "Bagus sekali", True)]
    assert rows(app, merchant, reviews) == [(1,)]
    assert "Sudah kami terima" in visitor.get(page).text
    clock.forward(hours=25)
    visitor.post(f"{link}/praise", {"words": "Lain", "publish": "yes"})
    assert rows(app, merchant, "SELECT text FROM testimonial") == [("Bagus sekali",)]


def test_answers_are_facts_now_and_then(
    app: Services, merchant: int, customer: int, link: str, visitor: Visitor, clock: Clock
) -> None:
    with tenant(app.engine, merchant) as conn:
        known.catch_up(conn, merchant_id=merchant, now=app.now())
    first = app.now()
    visitor.post(f"{link}/ask/satisfaction", {"score": "9"})
    clock.forward(days=30)
    later = app.now()
    visitor.post(f"{link.replace(link[3:], other(app, merchant, customer))}/ask/satisfaction", {"score": "6"})
    with tenant(app.engine, merchant) as conn:
        known.catch_up(conn, merchant_id=merchant, now=app.now())
        now = conn.execute(text("SELECT nps_score, nps_at, last_answer_at FROM customer_contact")).one()
        rows_then = known.over_then(merchant, first + timedelta(days=1), {"nps_score"})
        then = conn.execute(select(rows_then.c.nps_score)).scalars().all()
    assert tuple(now) == (Decimal("6.0"), later, later)
    assert then == [Decimal("9.0")]
    trigger = OnEvent(kind="event", event="answered", after_days=1)
    day = (later + timedelta(days=1)).date()
    with tenant(app.engine, merchant) as conn:
        asked = happened(trigger, timezone="UTC", day=day, rungs=(), topic="promotions")
        assert conn.execute(asked).scalars().all() == [customer]


def other(app: Services, merchant: int, customer: int) -> str:
    """The token of another mail."""
    return customer_token(app.settings.keys, CustomerLink(merchant, customer, 8))


def test_the_owner_sees_scores_each_customer_once(
    app: Services, merchant: int, customer: int, logged_in: Callable[[str], Visitor]
) -> None:
    said = ((0, 9, "Bagus"), (1, 3, "Pecah"), (40, 10, "Dulu"), (400, 1, "Lama"))
    with tenant(app.engine, merchant) as conn:
        for days, score, words in said:
            conn.execute(
                text(
                    "INSERT INTO survey_answer (merchant_id, customer_id, question, occasion, score, text, first_at, "
                    "answered_at) VALUES (:m, :c, 'satisfaction', :w, :s, :w, :at, :at)"
                ),
                {"m": merchant, "c": customer, "s": score, "w": words, "at": app.now() - timedelta(days=days)},
            )
        year, months = answers_told.scored(answers_told.told(conn, app.now(), "Asia/Jakarta"))
        by_route = [row.text for row in answers_told.newest(conn, route="promoter")]
    assert (year.promoters, year.passives, year.detractors, year.score) == (1, 0, 0, 100)
    assert [(month, one.score) for month, one in months] == [("2026-11", 100), ("2026-10", 100)]
    assert by_route == ["Bagus", "Dulu"]
    owner = logged_in("viewer")
    assert "Pecah" in owner.get("/answers").text
    assert "Pecah" not in owner.get("/answers?score=9").text
    assert [owner.get(f"/answers?{bad}").status_code for bad in ("route=x", "score=11", "score=x")] == [404] * 3


def test_preferences_are_the_shop_s_own_categories(
    app: Services, merchant: int, woo: int, link: str, visitor: Visitor
) -> None:
    with tenant(app.engine, merchant) as conn:
        for number, name in enumerate(("Teh", "Kopi")):
            conn.execute(
                text("INSERT INTO category (merchant_id, store_id, external_id, name) VALUES (:m, :s, :n, :name)"),
                {"m": merchant, "s": woo, "n": str(number), "name": name},
            )
    page = f"{link}/ask/preferences"
    assert 'value="Kopi"' in visitor.get(page).text
    visitor.post(page, {"choice": ["Teh", "Senjata"]})
    visitor.post(page, {"choice": ["Teh", "Kopi"]})
    assert [row[3] for row in rows(app, merchant, ANSWERS)] == [["Kopi", "Teh"]]


def test_a_birthday_is_kept_with_the_customer(app: Services, merchant: int, link: str, visitor: Visitor) -> None:
    page = f"{link}/ask/birthday"
    assert visitor.post(page, {"day": "2999-01-01"}).status_code == 422
    assert rows(app, merchant, "SELECT birthday FROM customer") == [(None,)]
    visitor.post(page, {"day": "1992-02-29"})
    assert rows(app, merchant, "SELECT birthday FROM customer") == [(date(1992, 2, 29),)]
    assert "29 Feb 1992" in visitor.get(page).text


@pytest.mark.parametrize("question", ["satisfaction", "preferences", "birthday"])
def test_unknown_links_and_questions_are_refused(visitor: Visitor, link: str, question: str) -> None:
    assert visitor.get(f"/c/nonsense/ask/{question}").status_code == 404
    assert visitor.post(f"/c/nonsense/ask/{question}").status_code == 404
    assert visitor.get(f"{link}/ask/other").status_code == 404


def test_a_customer_writes_from_their_page_and_offers_wait_for_the_answer(
    app: Services, merchant: int, customer: int, link: str, visitor: Visitor, clock: Clock
) -> None:
    assert f'href="{link}/write"' in visitor.get(link).text
    assert rows(app, merchant, "SELECT count(*) FROM conversation") == [(0,)]
    empty = visitor.post(f"{link}/write", {"words": "  "})
    assert (empty.status_code, "supaya kami tahu tentang apa" in empty.text) == (422, True)
    for _ in range(2):
        sent = visitor.post(f"{link}/write", {"words": "Botol <b>pecah</b>"})
        assert "menjawab ke Siti@example.com" in visitor.get(sent.headers["Location"]).text
    visitor.post(f"{link}/write", {"words": "Tolong dijawab"})
    threads = rows(app, merchant, "SELECT customer_id, email, state, waiting_since IS NOT NULL FROM conversation")
    assert threads == [(customer, "Siti@example.com", "open", True)]
    said = rows(app, merchant, "SELECT direction, text, proven FROM conversation_message ORDER BY id")
    assert said == [("in", "Botol <b>pecah</b>", True), ("in", "Tolong dijawab", True)]
    for number in range(8):
        assert visitor.post(f"{link}/write", {"words": f"lagi {number}"}).status_code == 302
    much = visitor.post(f"{link}/write", {"words": "dan lagi"})
    assert (much.status_code, "dan lagi" in much.text) == (422, True)
    clock.forward(days=1, seconds=1)
    assert visitor.post(f"{link}/write", {"words": "dan lagi"}).status_code == 302
    assert visitor.get("/c/nobody/write").status_code == visitor.post("/c/nobody/write").status_code == 404
