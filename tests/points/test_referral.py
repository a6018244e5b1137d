"""Friends: who gets the price, what waits for a person, and what the advocate gets and loses again."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, text

from campaigns.referral import WINDOW, ReferralTerms, mailbox, same_phone, within_cap
from campaigns.triggers import OnEvent
from connectors.types import OrderStatus
from plugin_server.db.campaigning.happened import happened
from plugin_server.db.customers import signups
from plugin_server.db.friends import referrals
from plugin_server.db.friends.referrals import Decided
from plugin_server.db.points import programme as points
from plugin_server.db.session import tenant
from plugin_server.jobs import merging
from plugin_server.jobs.giving.points_night import rounded
from tests.data.making import DAY, NOW, Shop, order, refund
from tests.points.conftest import program

ON = ReferralTerms(on=True, percent=Decimal(15), minimum=Decimal(50), cap=1, a_day=2)


@pytest.fixture
def advocate(shop: Shop) -> int:
    """Ani, who ordered, in a shop that gives friends 15 % and that can make codes."""
    shop.rows("UPDATE store SET platform = 'woocommerce', state = 'connected' RETURNING id")
    shop.take(order(email="ani.wijaya@gmail.com"))
    shop.do(lambda conn: referrals.save_terms(conn, ON))
    number: int = shop.rows("SELECT id FROM customer")[0][0]
    return number


def asked(shop: Shop, advocate: int, email: str, name: str = "", ip: str = "", now: datetime = DAY) -> int:
    def act(conn: object) -> int:
        friend, _ = signups.take(
            conn, shop.merchant, email=email, name=name, language="en", wanted={"promotions"}, evidence="", now=now,
            double=True,
        )  # type: ignore[arg-type]  # fmt: skip
        referrals.ask(
            conn, shop.merchant, advocate_id=advocate, friend_id=friend, email=email, ip_hash=ip or email, now=now
        )  # type: ignore[arg-type]
        return friend

    return shop.do(act)


def confirmed(shop: Shop, friend: int, now: datetime = DAY) -> Decided | None:
    return shop.do(lambda conn: referrals.confirm(conn, shop.merchant, friend, secret="s" * 32, now=now))


def sent(shop: Shop, advocate: int, email: str, **told: str) -> Decided | None:
    return confirmed(shop, asked(shop, advocate, email, **told))


@pytest.mark.parametrize(
    ("given", "box"),
    [
        ("B.Udi+x@GoogleMail.com", "budi@gmail.com"),
        ("budi+shop@example.com", "budi@example.com"),
        ("b.udi@example.com", "b.udi@example.com"),
    ],
)
def test_addresses_of_one_mailbox_are_one(given: str, box: str) -> None:
    assert mailbox(given) == box
    assert same_phone("+62 812-3456-7890", "081234567890")
    assert not same_phone("7890", "7890")


def test_a_new_friend_gets_a_code_of_their_own_and_a_referral(shop: Shop, advocate: int) -> None:
    assert sent(shop, advocate, "Budi@example.com") == Decided("approved")
    codes = "SELECT c.email, c.kind, c.value::int, c.minimum_minor, c.state, r.points, r.entry_id FROM offer_code c "
    assert shop.rows(f"{codes} JOIN reward_claim r ON r.id = c.claim_id") == [
        ("Budi@example.com", "percentage", 15, 5000, "planned", 0, None)
    ]
    assert shop.rows("SELECT advocate_id, source, converted_at FROM referral") == [(advocate, "link", None)]


@pytest.mark.parametrize("again", ["budi@example.com", "budi+2@example.com"])
def test_who_ordered_ever_under_any_spelling_is_no_new_friend(shop: Shop, advocate: int, again: str) -> None:
    shop.take(
        order("9", email="budi+old@example.com", status=OrderStatus.CANCELLED, paid=False, raw_status="cancelled")
    )
    assert sent(shop, advocate, again) == Decided("refused", "bought")
    assert shop.rows("SELECT 1 FROM offer_code") == []
    assert shop.rows("SELECT 1 FROM referral") == []


@pytest.mark.parametrize("own", ["aniwijaya@gmail.com", "a.n.i.wijaya+me@googlemail.com", "ani.wijaya@gmail.com"])
def test_nobody_brings_themselves(shop: Shop, advocate: int, own: str) -> None:
    assert sent(shop, advocate, own) == Decided("refused", "self")
    assert shop.rows("SELECT 1 FROM offer_code") == []


def test_one_mailbox_gets_one_code_and_the_confirmed_link_stays(shop: Shop, advocate: int) -> None:
    first = asked(shop, advocate, "budi@gmail.com")
    assert confirmed(shop, first) == Decided("approved")
    assert confirmed(shop, first) == Decided("approved")
    assert sent(shop, advocate, "b.u.d.i@gmail.com") is None
    assert len(shop.rows("SELECT 1 FROM offer_code")) == 1


def test_the_same_friend_at_once_gets_one_code(shop: Shop, advocate: int) -> None:
    with ThreadPoolExecutor(6) as pool:
        friends = list(pool.map(lambda _: asked(shop, advocate, "budi@example.com"), range(6)))
        done = list(pool.map(lambda friend: confirmed(shop, friend), friends))
    assert len(set(friends)) == 1
    assert set(done) == {Decided("approved")}
    assert len(shop.rows("SELECT 1 FROM offer_code")) == 1
    assert len(shop.rows("SELECT 1 FROM referral")) == 1


def test_friends_at_once_are_counted_one_after_the_other(shop: Shop, advocate: int) -> None:
    friends = [asked(shop, advocate, f"f{number}@example.com") for number in range(5)]
    with ThreadPoolExecutor(5) as pool:
        done = [one.state for one in pool.map(lambda friend: confirmed(shop, friend), friends) if one]
    assert sorted(done) == ["approved", "approved", "review", "review", "review"]
    assert shop.rows("SELECT DISTINCT flags FROM referral_join WHERE state = 'review'") == [(["many"],)]


@pytest.mark.parametrize(
    ("email", "name", "flags"),
    [("aniwijaya88@yahoo.example", "Budi", ["similar_address"]), ("a_ni.wijaya2@gmail.com", "", ["similar_address"]),
     ("rita.sari@example.com", "Ani Wijayaa", ["similar_name"]),
     ("rita.sari@example.com", "wijaya ANI", ["similar_name"]),
     ("rita.sari@example.com", "Budi Wijaya", None), ("wijaya@example.com", "", None)],
)  # fmt: skip
def test_what_is_nearly_the_advocate_waits_for_a_person(
    shop: Shop, advocate: int, email: str, name: str, flags: list[str] | None
) -> None:
    shop.rows("UPDATE customer SET first_name = 'Ani', last_name = 'Wijaya' RETURNING 1")
    assert sent(shop, advocate, email, name=name) == Decided("review" if flags else "approved")
    assert shop.rows("SELECT flags FROM referral_join") == [(flags or [],)]


def test_friends_whose_addresses_are_one_pattern_wait_and_so_does_the_eleventh_of_a_week(
    shop: Shop, advocate: int
) -> None:
    shop.do(lambda conn: referrals.save_terms(conn, replace(ON, a_day=99)))
    assert sent(shop, advocate, "penipu1@example.com") == Decided("approved")
    assert sent(shop, advocate, "penipu.2@other.example") == Decided("review")
    for number, name in enumerate(["dewi", "agus", "rina", "joko", "maya", "hadi", "wati", "yusuf"]):
        at = DAY + timedelta(hours=number)
        assert confirmed(shop, asked(shop, advocate, f"{name}.{name}@example.com", now=at), at) == Decided("approved")
    late = DAY + timedelta(days=2)
    assert confirmed(shop, asked(shop, advocate, "eko@example.com", now=late), late) == Decided("review")
    assert shop.rows("SELECT flags FROM referral_join ORDER BY id DESC LIMIT 1") == [(["many_week"],)]
    next_week = DAY + timedelta(days=9)
    assert confirmed(shop, asked(shop, advocate, "tia@example.com", now=next_week), next_week) == Decided("approved")


def test_a_flag_waits_for_a_person_whose_no_gives_nothing(shop: Shop, advocate: int) -> None:
    decided = sent(shop, advocate, "other@example.com", name="ani  WIJAYA")
    assert decided == Decided("review")
    assert shop.rows("SELECT flags FROM referral_join") == [(["same_name"],)]
    number = shop.rows("SELECT id FROM referral_join")[0][0]

    def decide(yes: bool) -> int | None:
        with tenant(shop.app.engine, shop.merchant) as conn:
            return referrals.decide(
                conn, shop.merchant, number, yes=yes, reason="known", by="o@example.com", secret="s" * 32, now=NOW
            )

    assert shop.rows("SELECT 1 FROM offer_code") == []
    assert decide(False) == advocate
    assert decide(True) is None
    assert shop.rows("SELECT state, reason, decided_by FROM referral_join") == [("refused", "known", "o@example.com")]
    assert shop.rows("SELECT 1 FROM offer_code") == []


def test_a_yes_gives_the_price_and_counts_an_order_placed_meanwhile(shop: Shop, advocate: int) -> None:
    sent(shop, advocate, "other@example.com", name="Ani Wijaya")
    later = DAY + timedelta(days=1)
    shop.take(order("5", email="other@example.com", name="Budi", placed_at=later))
    number = shop.rows("SELECT id FROM referral_join")[0][0]
    shop.do(
        lambda conn: referrals.decide(
            conn, shop.merchant, number, yes=True, reason="a son", by="o", secret="s" * 32, now=NOW
        )
    )
    assert shop.rows("SELECT advocate_id, converted_at FROM referral") == [(advocate, later)]
    assert len(shop.rows("SELECT 1 FROM offer_code")) == 1


def with_points(shop: Shop) -> None:
    earn = [{"kind": "action", "action": "referral", "points": 100}]
    shop.do(lambda conn: points.save_program(conn, shop.merchant, program(earn=earn), by="o"))


def has(shop: Shop, advocate: int) -> int:
    return shop.do(lambda conn: points.balance(conn, advocate, NOW)).available


def bought(shop: Shop, email: str, days_ago: int, **told: object) -> None:
    at = NOW - timedelta(days=days_ago)
    shop.take(order(email, email=email, name="Budi", placed_at=at, **told))


def test_points_wait_for_the_return_window_and_go_with_the_order(shop: Shop, advocate: int) -> None:
    object.__setattr__(shop.app, "now", lambda: NOW)
    with_points(shop)
    sent(shop, advocate, "budi@example.com")
    bought(shop, "budi@example.com", 13)
    assert rounded(shop.app, shop.merchant)["actions"] == 0
    bought(shop, "budi@example.com", 15, updated_at=DAY + timedelta(hours=1))
    assert rounded(shop.app, shop.merchant)["actions"] == 1
    assert rounded(shop.app, shop.merchant)["actions"] == 0
    assert has(shop, advocate) == 100
    back = {"updated_at": DAY + timedelta(hours=2), "refunds": (refund(10_000),)}
    bought(shop, "budi@example.com", 15, **back)
    assert rounded(shop.app, shop.merchant)["actions"] == 1
    assert rounded(shop.app, shop.merchant)["actions"] == 0
    assert has(shop, advocate) == 0
    bought(shop, "budi@example.com", 15, updated_at=DAY + timedelta(hours=3), refunds=())
    assert rounded(shop.app, shop.merchant)["actions"] == 1
    assert has(shop, advocate) == 100


def test_the_cap_of_a_month_holds(shop: Shop, advocate: int) -> None:
    object.__setattr__(shop.app, "now", lambda: NOW)
    with_points(shop)
    for number in range(2):
        assert sent(shop, advocate, f"f{number}@example.com") == Decided("approved")
        bought(shop, f"f{number}@example.com", 15 + number)
    rounded(shop.app, shop.merchant)
    assert has(shop, advocate) == 100


def test_an_order_in_the_advocates_name_earns_nothing_before_a_person_looked(shop: Shop, advocate: int) -> None:
    object.__setattr__(shop.app, "now", lambda: NOW)
    with_points(shop)
    shop.rows("UPDATE customer SET first_name = 'Budi', last_name = 'Santoso' RETURNING id")
    sent(shop, advocate, "budi@example.com")
    bought(shop, "budi@example.com", 20)
    shop.rows("UPDATE shop_order SET name = 'BUDI SANTOSO' RETURNING id")
    rounded(shop.app, shop.merchant)
    assert shop.rows("SELECT state, flags FROM referral_join") == [("review", ["order_name"])]
    assert has(shop, advocate) == 0


DAYS = st.lists(st.tuples(st.integers(0, 200), st.booleans()), max_size=25)


@given(DAYS, st.integers(1, 4))
def test_no_thirty_days_hold_more_than_the_cap(friends: list[tuple[int, bool]], cap: int) -> None:
    """Of new friends none too many and none for nothing: whoever is left out would have been one too many."""
    told = sorted((DAY + timedelta(days=day), had) for day, had in friends)
    answers = within_cap(told, cap)
    got = [at for (at, _), fits in zip(told, answers, strict=True) if fits]
    old = [at for at, had in told if had]

    def fullest(times: list[datetime], around: datetime) -> int:
        ends = [end for end in times if timedelta() <= end - around < WINDOW]
        return max((sum(end - WINDOW < at <= end for at in times) for end in ends), default=0)

    for (at, had), fits in zip(told, answers, strict=True):
        assert fits or not had
        if fits and not had:
            assert fullest(got, at) <= max(cap, fullest(old, at))
        if not fits:
            assert fullest([*got, at], at) > cap


def test_the_turn_of_a_month_gives_nobody_two_months_worth(shop: Shop, advocate: int) -> None:
    object.__setattr__(shop.app, "now", lambda: NOW)
    with_points(shop)
    shop.do(lambda conn: referrals.save_terms(conn, replace(ON, a_day=9)))
    for number, days_ago in enumerate((20, 23, 55)):  # 2 November, 30 October, 28 September
        assert sent(shop, advocate, f"f{number}@example.com") == Decided("approved")
        bought(shop, f"f{number}@example.com", days_ago)
    rounded(shop.app, shop.merchant)
    assert has(shop, advocate) == 200
    assert rounded(shop.app, shop.merchant)["actions"] == 0


def test_a_code_used_under_another_address_waits_for_a_person_for_ever(shop: Shop, advocate: int) -> None:
    object.__setattr__(shop.app, "now", lambda: NOW)
    with_points(shop)
    sent(shop, advocate, "budi@example.com")
    shop.rows("UPDATE offer_code SET state = 'issued', issued_at = now() RETURNING id")
    (code,) = shop.rows("SELECT code FROM offer_code")[0]
    bought(shop, "guest@example.com", 20, coupon_codes=(code,))
    order_id, guest = shop.rows("SELECT id, customer_id FROM shop_order WHERE email = 'guest@example.com'")[0]
    if not shop.rows("SELECT 1 FROM redemption"):
        shop.rows(
            "INSERT INTO redemption (merchant_id, store_id, order_id, offer_code_id, customer_id, code, redeemed_at) "
            f"SELECT merchant_id, store_id, {order_id}, id, {guest}, code, now() FROM offer_code RETURNING id"
        )
    for night in range(3):
        object.__setattr__(shop.app, "now", lambda days=400 * night: NOW + timedelta(days=days))
        rounded(shop.app, shop.merchant)
        assert shop.rows("SELECT state, flags, decided_by FROM referral_join") == [("review", ["other_address"], None)]
    assert has(shop, advocate) == 0


def test_an_advocate_found_to_be_the_friend_loses_the_points(shop: Shop, advocate: int) -> None:
    """The same person under two addresses, found out by the owner after the reward."""
    object.__setattr__(shop.app, "now", lambda: NOW)
    with_points(shop)
    sent(shop, advocate, "budi@example.com")
    bought(shop, "budi@example.com", 20)
    rounded(shop.app, shop.merchant)
    assert has(shop, advocate) == 100
    (friend,) = shop.rows("SELECT id FROM customer WHERE email_norm = 'budi@example.com'")[0]
    merging.pair_merged(shop.app, shop.merchant, winner=advocate, loser=friend, reason="one person", by="owner")
    rounded(shop.app, shop.merchant)
    assert has(shop, advocate) == 0
    assert shop.rows(f"SELECT referrals_converted FROM customer_facts WHERE customer_id = {advocate}") == [(0,)]
    (merge,) = shop.rows("SELECT id FROM customer_merge")[0]
    merging.taken_apart(shop.app, shop.merchant, which=str(merge), by="owner")
    rounded(shop.app, shop.merchant)
    assert has(shop, advocate) == 100
    merging.pair_merged(shop.app, shop.merchant, winner=friend, loser=advocate, reason="one person", by="owner")
    rounded(shop.app, shop.merchant)
    assert (has(shop, advocate), has(shop, friend)) == (0, 0)


FIRE = datetime(2026, 1, 1, 2, tzinfo=UTC)
"""09:00 in Jakarta, when letters go."""


@given(
    bought=st.integers(0, 47), flagged=st.integers(-90, 300), looked=st.integers(1, 200), after=st.integers(0, 9)
)  # fmt: skip
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whoever_brought_a_friend_hears_of_it_once_however_long_a_person_looks(
    shop: Shop, advocate: int, bought: int, flagged: int, looked: int, after: int
) -> None:
    """Hours after ``FIRE``; every day the campaign asks for whom it is, knowing what is known then."""
    trigger = OnEvent.model_validate({"kind": "event", "event": "friend_bought", "after_days": after})
    hour = timedelta(hours=1)
    converted, waits = FIRE + bought * hour, FIRE + flagged * hour
    approved = waits + looked * hour

    def days(conn: Connection) -> list[int]:
        conn.execute(text("DELETE FROM referral"))
        conn.execute(text("DELETE FROM referral_join"))
        told = {"m": shop.merchant, "a": advocate, "at": converted, "sent": FIRE}
        made = "INSERT INTO referral (merchant_id, advocate_id, friend_id, source, joined_at, converted_at) "
        conn.execute(text(f"{made} VALUES (:m, :a, 99, 'link', :at, :at)"), told)
        made = "INSERT INTO referral_join (merchant_id, advocate_id, friend_id, mailbox, confirmed_at) "
        conn.execute(text(f"{made} VALUES (:m, :a, 99, 'x', :sent)"), told)
        heard = []
        for number in range(30):
            now = FIRE + timedelta(days=number)
            state = "approved" if now < waits or now >= approved else "review"
            by = ("system", FIRE) if now < waits else ("owner", approved) if now >= approved else (None, None)
            told = {"s": state, "by": by[0], "at": by[1], "f": waits if now >= waits else None}
            conn.execute(
                text("UPDATE referral_join SET state = :s, decided_by = :by, decided_at = :at, flagged_at = :f"), told
            )
            day = now.astimezone(ZoneInfo("Asia/Jakarta")).date()
            query = happened(trigger, timezone="Asia/Jakarta", day=day, rungs=(), topic="promotions")
            heard += [number] * (advocate in set(conn.scalars(query)) and now >= converted)
        return heard

    assert len(shop.do(days)) == 1
