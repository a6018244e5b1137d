"""Team deals on a real database: exactly the seats, a code and a letter for each member, and nothing twice."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date, timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from campaigns.offers.team import TeamRefused, TeamTerms
from connectors.errors import ConnectorError
from connectors.mail_types import Mail, SendOutcome, SendResult
from plugin_server.db.customers import consents, erasure, identity
from plugin_server.db.friends import team_seats, teams
from plugin_server.db.session import tenant
from plugin_server.wiring import Services
from tests.campaigns.conftest import NOW
from tests.campaigns.shop import add_order, add_person
from tests.teams.conftest import SECRET, Deals

SMALL = {"kind": "percentage", "value": "5"}


def test_forty_at_once_for_five_seats_are_exactly_five(deals: Deals, many: Services) -> None:
    """The starter sits in one seat, forty ask for the four others; everybody hears, and a full team unlocks once."""
    for n in range(13, 53):
        deals.do(lambda conn, n=n: add_person(conn, deals.merchant, n))  # type: ignore[misc]
    team = deals.start(deals.open(seats=5))

    def ask(customer: int) -> str:
        with tenant(many.engine, deals.merchant) as conn:
            said = team_seats.join(conn, deals.merchant, team, customer, secret=SECRET, now=NOW)
        return str(said.answer) if said else "gone"

    with ThreadPoolExecutor(40) as pool:
        heard = list(pool.map(ask, range(13, 53)))
    assert sorted(heard) == ["over"] * 36 + ["taken"] * 4
    assert deals.rows("SELECT taken, seats, state FROM team") == [(5, 5, "unlocked")]
    assert deals.rows("SELECT count(*), count(DISTINCT customer_id), count(claim_id) FROM team_seat") == [(5, 5, 5)]
    assert deals.rows("SELECT count(DISTINCT code) FROM offer_code") == [(5,)]


def test_one_mailbox_asking_everywhere_at_once_gets_one_seat(deals: Deals, many: Services) -> None:
    deal = deals.open()
    numbers = [deals.start(deal, customer) for customer in range(1, 9)]

    def ask(team: int) -> str:
        with tenant(many.engine, deals.merchant) as conn:
            said = team_seats.join(conn, deals.merchant, team, 10, secret=SECRET, now=NOW)
        return str(said.answer) if said else "gone"

    with ThreadPoolExecutor(16) as pool:
        heard = list(pool.map(ask, numbers * 2))
    assert heard.count("taken") == 1
    assert set(heard) == {"taken", "already", "elsewhere"}
    assert deals.rows("SELECT count(*) FROM team_seat WHERE customer_id = 10") == [(1,)]
    assert deals.rows("SELECT sum(taken) FROM team") == [(9,)]


def test_the_last_wall_is_the_database(deals: Deals) -> None:
    deals.start(deals.open())
    with pytest.raises(IntegrityError, match="ck_team_seats"):
        deals.rows("UPDATE team SET taken = 4 RETURNING id")


def test_a_full_team_gets_codes_and_letters_once(deals: Deals) -> None:
    team = deals.start(deals.open(consolation=SMALL))
    assert [deals.join(team, n) for n in (3, 3, 4, 5)] == ["taken", "already", "taken", "over"]
    assert deals.advance() == {"settled": 0, "codes": 3, "letters": 3}
    assert deals.advance() == {"settled": 0, "codes": 0, "letters": 0}
    mails = deals.mails()
    assert {to: mail["Subject"] for to, (mail,) in mails.items()} == {
        "c1@example.com": "Tim Anda lengkap: diskon 20%",
        "c3@example.com": "Je team is compleet: 20% korting",
        "c4@example.com": "Your team is complete: 20% off",
    }
    for spec in deals.shop.codes.values():
        assert spec.code in mails[spec.email][0].get_body(("plain",)).get_content()  # type: ignore[union-attr]
        assert (spec.value, spec.expires_at.isoformat()) == (20, "2027-03-10T16:59:59+00:00")
        assert "One-Click" in mails[spec.email][0]["List-Unsubscribe-Post"]
    assert sorted(spec.email for spec in deals.shop.codes.values()) == sorted(mails)


def test_a_late_team_is_reminded_lapses_and_is_comforted(deals: Deals) -> None:
    team = deals.start(deals.open(consolation=SMALL, budget="400000"))
    deals.join(team, 4)
    assert deals.rows("SELECT promised_minor FROM team_deal") == [(3 * 4_000_000,)]
    deals.later(days=2, hours=7)
    assert [deals.advance()["letters"] for _ in range(2)] == [2, 0]
    subjects = [mail["Subject"] for mail in deals.mails()["c4@example.com"]]
    assert subjects == ["1 of 3 seats are still free"]
    deals.later(days=1)
    assert deals.join(team, 5) == "late"
    assert deals.advance() == {"settled": 1, "codes": 2, "letters": 2}
    assert deals.advance() == {"settled": 0, "codes": 0, "letters": 0}
    assert deals.rows("SELECT state FROM team") == [("lapsed",)]
    assert deals.rows("SELECT DISTINCT value::int FROM offer_code") == [(5,)]
    assert deals.rows("SELECT promised_minor FROM team_deal") == [(2 * 1_000_000,)]
    assert deals.join(team, 5) == "over"
    assert len(deals.mails()["c1@example.com"]) == 2


def test_a_reminder_waits_for_the_morning_a_place_and_an_answer_and_news_do_not(deals: Deals) -> None:
    """Three seats of five: one reader sleeps, one has had two mails of campaigns, one waits for our answer."""
    team = deals.start(deals.open(seats=5, days=4))
    for customer in (4, 5):
        deals.join(team, customer)
    deals.do(lambda conn: conn.execute(text("UPDATE customer SET timezone = 'Asia/Jakarta' WHERE id IN (1, 4, 5)")))
    deals.do(lambda conn: conn.execute(text("UPDATE customer SET timezone = 'Europe/Amsterdam' WHERE id = 4")))
    deals.do(
        lambda conn: conn.execute(
            text(
                "INSERT INTO conversation (merchant_id, customer_id, email, subject, changed_at) "
                "SELECT merchant_id, id, email, 'Hello', :now FROM customer WHERE id = 5"
            ),
            {"now": deals.app.now()},
        )
    )
    deals.later(days=3, hours=1)  # ten in the morning in Jakarta, four at night in Amsterdam
    assert deals.advance()["letters"] == 1
    told = "SELECT customer_id, state, split_part(reason, ':', 1), not_before FROM team_letter ORDER BY 1"
    morning = deals.app.now().replace(hour=7, minute=0)
    hour = deals.app.now() + timedelta(hours=1)
    assert deals.rows(told) == [
        (1, "sent", "", None),
        (4, "planned", "quiet_hours", morning),
        (5, "planned", "conversation", hour),
    ]
    deals.do(lambda conn: conn.execute(text("UPDATE conversation SET state = 'closed'")))
    deals.at(morning)
    assert deals.advance()["letters"] == 2
    deals.later(hours=19)  # the deadline: two at night in Jakarta and Amsterdam, and whoever was in it hears at once
    assert deals.advance() == {"settled": 1, "codes": 0, "letters": 3}


def test_nobody_hears_of_a_team_they_never_asked_for(deals: Deals) -> None:
    deal = deals.open(consolation=SMALL, budget="1000000")
    for customer in (1, 2, 3):
        deals.start(deal, customer, given=True)
    deals.later(days=3)
    assert deals.advance() == {"settled": 3, "codes": 0, "letters": 0}
    assert deals.rows("SELECT promised_minor FROM team_deal") == [(0,)]
    assert deals.rows("SELECT 1 FROM offer_code") == []


def test_orders_unlock_a_team_that_waits_for_them(deals: Deals) -> None:
    team = deals.start(deals.open(seats=2, unlock="ordered"))
    store = deals.rows("SELECT id FROM store")[0][0]
    assert deals.join(team, 4) == "taken"

    def buys(customer: int, at: str) -> None:
        deals.do(lambda conn: add_order(conn, deals.merchant, customer, store=store, external=f"t{customer}", at=at))

    assert deals.advance()["settled"] == 0
    buys(1, "2027-02-24 03:00+00")
    deals.later(days=2, hours=10)
    assert deals.advance() == {"settled": 1, "codes": 0, "letters": 1}
    assert [mail["Subject"] for mail in deals.mails()["c4@example.com"]] == ["Your team waits for your order"]
    deals.later(hours=12, minutes=30)
    assert deals.advance()["settled"] == 0
    buys(4, "2027-02-27 01:59+00")
    assert deals.advance() == {"settled": 1, "codes": 2, "letters": 2}
    assert deals.rows("SELECT state FROM team") == [("unlocked",)]


@pytest.mark.parametrize(("who", "heard"), [("new", ["not_new", "taken"]), ("known", ["taken", "not_known"])])
def test_who_may_join_is_asked_of_all_history(deals: Deals, who: str, heard: list[str]) -> None:
    deals.do(lambda conn: add_person(conn, deals.merchant, 13))
    team = deals.start(deals.open(who=who))
    assert [deals.join(team, n) for n in (5, 13)] == heard


def test_whoever_is_alone_in_a_team_of_their_own_may_join_another(deals: Deals) -> None:
    deal = deals.open(budget="130000")
    first = deals.start(deal, 1)
    with pytest.raises(TeamRefused, match="promised"):
        deals.start(deal, 2)
    deals.rows("UPDATE team_deal SET limit_minor = 50000000 RETURNING id")
    second = deals.start(deal, 2)
    assert [deals.join(second, 1), deals.join(first, 4), deals.join(second, 1)] == ["taken", "over", "already"]
    assert deals.rows("SELECT id, taken, state FROM team ORDER BY id") == [(first, 0, "closed"), (second, 2, "open")]
    assert deals.rows("SELECT promised_minor FROM team_deal") == [(3 * 4_000_000,)]
    assert deals.join(deals.start(deal, 5), 1) == "elsewhere"


def test_a_budget_is_never_promised_twice(deals: Deals, many: Services) -> None:
    deal = deals.open(seats=2, budget="200000")

    def begin(customer: int) -> int:
        try:
            with tenant(many.engine, deals.merchant) as conn:
                return teams.start(conn, deals.merchant, deal, customer, now=NOW)
        except TeamRefused:
            return 0

    with ThreadPoolExecutor(8) as pool:
        began = list(pool.map(begin, range(1, 9)))
    assert sum(number > 0 for number in began) == 2
    assert deals.rows("SELECT promised_minor, limit_minor FROM team_deal") == [(16_000_000, 20_000_000)]


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [({"ends_on": date(2027, 2, 23)}, "last day is in the past"), ({"budget": "100000"}, "smaller than what one team")],
)
def test_deals_that_cannot_be_kept_are_refused(deals: Deals, wrong: dict[str, object], sentence: str) -> None:
    ends = wrong.pop("ends_on", None)
    terms = TeamTerms.model_validate({"seats": 3, "gift": {"value": "20"}} | wrong)
    with pytest.raises(TeamRefused, match=sentence):
        deals.do(
            lambda conn: teams.save_deal(
                conn,
                deals.merchant,
                name="x",
                terms=terms,
                by="o",
                now=NOW,
                ends_on=ends,  # type: ignore[arg-type]
            )
        )
    assert deals.rows("SELECT 1 FROM team_deal") == []


def test_more_time_and_an_early_end_are_the_owners_and_logged(deals: Deals) -> None:
    deal = deals.open(consolation=SMALL)
    team = deals.start(deal)
    deals.join(team, 4)
    deals.later(days=2, hours=10)
    deals.advance()
    until = NOW + timedelta(days=5)
    deals.do(lambda conn: team_seats.extend(conn, deals.merchant, team, until, by="o@example.com", now=deals.app.now()))
    assert deals.rows("SELECT state, reminded FROM team") == [("extended", False)]
    deals.later(days=2)
    assert deals.advance()["letters"] == 2
    for reason, sentence in ((" ", "Say why"), ("sold out", ""), ("again", "over already")):

        def act(conn: object, reason: str = reason) -> None:
            given = {"reason": reason, "by": "o@example.com", "secret": SECRET, "now": deals.app.now()}
            team_seats.end(conn, deals.merchant, team, **given)  # type: ignore[arg-type]

        if sentence:
            with pytest.raises(TeamRefused, match=sentence):
                deals.do(act)
        else:
            deals.do(act)
    assert deals.advance() == {"settled": 0, "codes": 2, "letters": 2}
    acts = deals.rows("SELECT action, actor FROM audit_log WHERE action LIKE 'team%' ORDER BY id")
    assert [action for action, _ in acts] == ["team_deal", "team_extended", "team_ended"]
    assert deals.rows("SELECT reason, closed_by FROM team") == [("sold out", "o@example.com")]


def test_only_those_who_agreed_are_written_to(deals: Deals) -> None:
    team = deals.start(deals.open())
    deals.join(team, 9)
    deals.join(team, 11)
    deals.do(lambda conn: consents.say(conn, deals.merchant, 1, "unsubscribed", "test", NOW, topic="promotions"))
    assert deals.advance() == {"settled": 0, "codes": 3, "letters": 0}
    assert deals.rows("SELECT customer_id, state, reason FROM team_letter ORDER BY 1") == [
        (1, "skipped", "no_consent"), (9, "skipped", "no_consent"), (11, "skipped", "suppressed"),
    ]  # fmt: skip


def test_a_frozen_store_keeps_letters_back(deals: Deals) -> None:
    team = deals.start(deals.open(seats=2))
    deals.join(team, 4)
    deals.rows("UPDATE store SET state = 'frozen' RETURNING id")
    assert deals.advance()["letters"] == 0
    deals.rows("UPDATE store SET state = 'connected' RETURNING id")
    assert deals.advance()["letters"] == 2


class Dies(Exception):
    """The process ends here."""


class DyingPost:
    """Takes the mail and dies before it can say so, once."""

    def __init__(self, post: object) -> None:
        self.post, self.alive = post, False

    def send(self, mail: Mail) -> SendResult:
        result: SendResult = self.post.send(mail)  # type: ignore[attr-defined]
        if not self.alive:
            self.alive = True
            raise Dies
        return result


@pytest.mark.parametrize("repeatable", [True, False])
def test_killed_between_the_mail_and_its_row_nobody_is_written_to_twice(deals: Deals, repeatable: bool) -> None:
    team = deals.start(deals.open(seats=2))
    deals.join(team, 4)
    deals.shop.down = [ConnectorError("The shop does not answer.", code="away")]
    assert deals.advance() == {"settled": 0, "codes": 0, "letters": 0}
    deals.world = replace(deals.world, mail=DyingPost(deals.world.mail), repeatable=repeatable)
    with pytest.raises(Dies):
        deals.advance()
    assert deals.advance()["letters"] == 0
    deals.later(minutes=3)
    deals.advance()
    states = deals.rows("SELECT state, count(*) FROM team_letter GROUP BY 1 ORDER BY 1")
    assert states == ([("sent", 2)] if repeatable else [("in_doubt", 2)])
    assert {to: len(mails) for to, mails in deals.mails().items()} == (
        {"c1@example.com": 1, "c4@example.com": 1} if repeatable else {"c1@example.com": 1}
    )
    assert len(deals.shop.codes) == 2


def test_a_no_of_the_provider_waits_and_a_refused_address_fails(deals: Deals) -> None:
    answers = [
        SendResult(SendOutcome.NOT_SENT, detail="busy", retry_after=30),
        SendResult(SendOutcome.NOT_SENT, refused={"": "no such mailbox"}),
        SendResult(SendOutcome.ACCEPTED),
    ]

    class Post:
        def send(self, mail: Mail) -> SendResult:
            return answers.pop(0)

    team = deals.start(deals.open(seats=2))
    deals.join(team, 4)
    deals.world = replace(deals.world, mail=Post())
    deals.advance()
    states = "SELECT state, reason FROM team_letter ORDER BY id"
    assert deals.rows(states) == [("planned", "busy"), ("failed", "no such mailbox")]
    deals.later(seconds=31)
    deals.advance()
    assert deals.rows(states) == [("sent", ""), ("failed", "no such mailbox")]


def test_merged_customers_keep_their_seat_and_erased_ones_their_silence(deals: Deals) -> None:
    team = deals.start(deals.open())
    deals.join(team, 4)
    merge = deals.do(lambda conn: identity.merge(conn, 5, 4, "same person", "o", NOW))
    assert deals.rows("SELECT customer_id FROM team_seat ORDER BY id") == [(1,), (5,)]
    assert deals.join(team, 5) == "already"
    deals.do(lambda conn: identity.unmerge(conn, merge, "o", NOW))
    assert deals.rows("SELECT customer_id FROM team_seat ORDER BY id") == [(1,), (4,)]
    deals.do(lambda conn: erasure.erase(conn, deals.merchant, erasure.family(conn, [4]), NOW))
    assert deals.rows("SELECT mailbox FROM team_seat WHERE customer_id = 4") == [(None,)]
    assert deals.join(team, 5) == "taken"
    deals.advance()
    assert sorted(deals.mails()) == ["c1@example.com", "c5@example.com"]
