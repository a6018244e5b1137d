"""The list of all that is given away, with figures reckoned by hand."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from campaigns.referral import ReferralTerms
from plugin_server.db.friends import referrals
from plugin_server.db.offers.given import given
from plugin_server.db.points import programme as points
from plugin_server.db.session import tenant
from plugin_server.wiring import Services
from tests.points.conftest import program
from tests.proof.test_give_aways import BEGIN, Shop
from tests.web.conftest import Visitor
from tests.web.test_browser import Looker, address, looker

__all__ = ["address", "looker"]


@pytest.fixture
def busy(app: Services, merchant: int, store: int) -> None:
    """A campaign of five codes, one of a friend, two of rewards, one of them no longer to be had."""
    with tenant(app.engine, merchant) as conn:
        shop = Shop(conn, merchant, store)
        shop.order(1, 1, off=10_000, code=shop.code(1, "percentage"))
        gone = shop.order(2, 1, off=20_000, code=shop.code(2, "percentage"))
        shop.sql("UPDATE redemption SET released_at = redeemed_at WHERE order_id = :o", o=gone)
        for who, state in enumerate(("kept", "planned", "failed", "lapsed"), start=3):
            shop.code(who, "cashback" if state in ("kept", "lapsed") else "percentage", state=state)
        shop.sql("INSERT INTO offer_budget (campaign_id, merchant_id, limit_minor, issued_minor) "
                 "SELECT id, :m, 5000000, 3000000 FROM campaign")  # fmt: skip
        shop.order(4, 2, off=5_000, code=shop.claim(4, "friend")[1])
        for reward in ("coffee", "mug"):
            shop.claim(1, reward, points=100)
        referrals.save_terms(conn, ReferralTerms(on=True))
        points.save_program(conn, merchant, program(), by="t")


@pytest.mark.usefixtures("busy")
def test_figures_are_those_of_what_was_given(app: Services, merchant: int) -> None:
    with tenant(app.engine, merchant) as conn:
        found = given(conn, BEGIN + timedelta(days=3))
        later = given(conn, BEGIN + timedelta(days=31))
    campaign = found.pop(next(name for name in found if name.startswith("campaign:")))
    # Given: two codes, a cashback that was paid and one that lapsed; what came back is open again.
    assert campaign == {
        "name": None, "given": 4, "open": 1, "used": 2, "minor": 1_000_000, "limit": 5_000_000, "bound": 3_000_000,
    }  # fmt: skip
    plain = {"limit": None, "bound": 0}
    assert found == {
        "claim:friend": {"name": "friend", "given": 1, "open": 0, "used": 1, "minor": 500_000, **plain},
        "claim:coffee": {"name": "coffee", "given": 1, "open": 1, "used": 0, "minor": 0, **plain},
        "claim:mug": {"name": "mug", "given": 1, "open": 1, "used": 0, "minor": 0, **plain},
    }
    assert [one["open"] for one in later.values()] == [0, 0, 0, 0]


@pytest.mark.usefixtures("busy")
def test_the_page_leads_to_each_of_them(logged_in: Callable[[str], Visitor]) -> None:
    said = logged_in("viewer").get("/offers").text
    for words in ("10% off", "Rp30,000 of Rp50,000", "Bring a friend", "mug", "Rp10,000", "Rp500 off, for 500 points"):
        assert words in said
    for path in ("/settings/referral", "/points", "/proof", "/codes/leaked"):
        assert f'href="{path}"' in said


@pytest.mark.browser
@pytest.mark.parametrize(("size", "language"), [("phone", "nl"), ("desk", "id")])
@pytest.mark.usefixtures("busy")
def test_offers_in_a_browser(looker: Callable[..., Looker], size: str, language: str) -> None:
    looker(size, language).look("/offers")
