"""The audit on paper: every figure that the audit says, in three languages, without a hole in the fonts."""

from __future__ import annotations

import logging
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from fontTools.ttLib import TTFont
from pypdf import PdfReader

from plugin_server.db.audit.figures import audit
from plugin_server.db.merchant import merchants
from plugin_server.locales import LANGUAGES
from plugin_server.web.ladder import paper
from plugin_server.web.ladder.audit_paper import printed
from plugin_server.web.words import Words, zone_of
from tests.ladder.shops import NOW, Shop


def read(document: bytes) -> str:
    """All words on all sheets, without line breaks."""
    return " ".join(" ".join(page.extract_text() for page in PdfReader(BytesIO(document)).pages).split())


def test_the_fonts_are_made_ready_with_the_assets(tmp_path: Path) -> None:
    paper.prepare(tmp_path)
    made = {path.name: TTFont(path) for path in tmp_path.iterdir()}
    assert sorted(made) == ["plus-jakarta-sans-400.ttf", "plus-jakarta-sans-700.ttf"]
    assert all({ord(letter) for letter in "Aé€ā·→"} - set(font.getBestCmap()) <= {ord("→")} for font in made.values())
    assert [made[name]["OS/2"].usWeightClass for name in sorted(made)] == [400, 700]


def years(shop: Shop) -> dict[str, Any]:
    """Thirty people over two years; what the audit says of them."""
    for number in range(30):
        who = shop.person(f"p{number}@example.com", known="2024-10-01")
        for month in range(1 + number % 5):
            shop.order(who, f"202{5 + month % 2}-{1 + (number + month) % 10:02}-11", 100_00 + number)
    shop.refresh()
    shop.climb()
    with shop.work() as conn:
        return audit(conn, merchant=merchants.get(conn), date_from=None, date_to=None, now=NOW)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_figures_stand_on_paper(shop: Shop, language: str, caplog: pytest.LogCaptureFixture) -> None:
    found, words = years(shop), Words(language, zone_of("Asia/Jakarta"), NOW)
    names = {rung["key"]: f"Łańcuch-{rung['key']}" for rung in found["rungs"]}
    with caplog.at_level(logging.WARNING):
        document = printed(found, words, shop="Toko Sénja ± Söhne", rungs=names, made_at=NOW)
    said = read(document)
    assert "Toko Sénja ± Söhne" in said
    for rung in found["rungs"]:
        assert f"{names[rung['key']]} {words.number(rung['count'])}" in said
    for month in found["months"][-13:]:
        assert f"{words.month(month['month'])}" in said
        assert words.about(month["existing_revenue"]) in said
    for cohort in found["cohorts"]:
        assert f"{words.month(cohort['month'])} {cohort['size']}" in said
    for key in ("next", "last_month", "best", "months", "kept", "gaps", "cohorts", "worth", "levers"):
        assert words(f"figures.{key}") in said
    for key in ("new", "existing", "share", "retention", "up_a_tenth", "cross_sell"):
        assert words(f"figures.{key}") in said  # whole, however narrow its column
    for why in ("customers", "orders", "revenue", "average", "existing", "top"):
        assert words(f"audit.{why}_why") in said
    starred = any(month["flagged_incomplete"] for month in found["months"][-13:])
    assert (f"* {words('figures.flagged_why')}" in said) == starred
    assert words("figures.curve_shut") in said
    found["acquisition"]["ltv"]["forecast"] |= {"curve": found["acquisition"]["ltv"]["curve"][-1:] * 12}
    dashed = read(printed(found, words, shop="S", rungs=names, made_at=NOW))
    assert words("figures.curve_ahead") in dashed
    assert PdfReader(BytesIO(document)).metadata.title == f"{words('figures.title')} · Toko Sénja ± Söhne"  # type: ignore[union-attr]
    assert "missing the following glyphs" not in caplog.text


def test_a_shop_without_orders_says_so_on_paper(shop: Shop) -> None:
    with shop.work() as conn:
        found = audit(conn, merchant=merchants.get(conn), date_from=None, date_to=None, now=NOW)
    words = Words("en", zone_of(None), NOW)
    said = read(printed(found, words, shop="Empty", rungs={}, made_at=NOW))
    assert words("figures.nothing") in said
