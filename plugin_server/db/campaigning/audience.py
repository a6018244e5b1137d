"""Who is in a run: one statement over the facts gives everybody an arm, or the reason why not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, Final
from zoneinfo import ZoneInfo

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Select,
    and_,
    case,
    cast,
    exists,
    false,
    func,
    insert,
    literal,
    null,
    or_,
    select,
    text,
    true,
)
from sqlalchemy.dialects.postgresql import ARRAY

from campaigns.arms import campaign_salt, drawn, lasting_salt, own_share, variant_drawn, variant_salt
from campaigns.calendar import day_of
from campaigns.ladder.meaning import meaning
from campaigns.ladder.rules import Rule
from campaigns.schema import Campaign
from campaigns.series_parts import languages
from campaigns.triggers import OnEvent
from plugin_server.db.campaigning import campaigns as saved_campaigns
from plugin_server.db.campaigning.campaigns import Refused, Run
from plugin_server.db.campaigning.happened import TOLD, happened, told_late
from plugin_server.db.campaigning.spared import spared
from plugin_server.db.ladder import known, rungs, segments
from plugin_server.db.ladder.rungs import Shop
from plugin_server.db.models.campaign import AudienceMember, CampaignRun
from plugin_server.db.models.consent import Consent, Suppression
from plugin_server.db.models.customer import Customer, Identity
from plugin_server.db.models.facts import CustomerFacts
from plugin_server.db.models.order import Order
from plugin_server.db.models.series import SeriesPlace
from plugin_server.db.models.store import Store

REASONS: Final = {
    "no_email": "has no e-mail address",
    "suppressed": "the address bounced, complained or was erased",
    "unsubscribed": "has said no to these mails",
    "not_subscribed": "has not said yes to these mails",
    "no_store": "buys in no shop that can take the code",
    "discount_share": "buys mostly with discounts",
    "discount_fatigue": "has had enough codes lately",
    "in_series": "is in this series, or was lately",
}
"""Why somebody whom rungs and rule select is left out all the same."""

NOWHERE: Final = cast(null(), BigInteger)
WITHOUT_CODES: Final = "csv"
"""The platform that is only files."""


@dataclass(frozen=True, slots=True)
class Setting:
    """What a draw hangs on besides the campaign."""

    merchant_id: int
    campaign_id: int
    timezone: str
    locale: str
    lasting_share: Decimal
    stores: tuple[tuple[int, bool], ...]
    shop: Shop
    segments: Mapping[str, Rule]


def setting(conn: Connection, merchant_id: int, campaign_id: int) -> Setting:
    """Reads what ``audience`` needs of merchant and stores."""
    row = conn.execute(text("SELECT timezone, locale, holdout_share FROM merchant")).one()
    stores = conn.execute(select(Store.id, Store.platform, Store.state, Store.read_only).order_by(Store.id)).all()
    able = tuple(
        (store.id, store.platform != WITHOUT_CODES and store.state == "connected" and not store.read_only)
        for store in stores
        if store.state != "disconnected"
    )
    shop = rungs.shop(conn, merchant_id)
    return Setting(
        merchant_id, campaign_id, row.timezone, row.locale, row.holdout_share, able, shop, segments.by_key(conn)
    )


def audience(
    campaign: Campaign, of: Setting, now: datetime, day: date | None = None, *, whole: bool = False, few: bool = False
) -> Select[Any]:
    """Everybody whom event, rungs and rule select: customer_id, arm, reason, rung, email, language, store_id, variant.

    ``day`` is the shop's day that a firing on an event is for; today where it is not given. ``whole``: everybody is
    asked for, and not some or a few out of them; ``few``: the first few of many.
    """
    facts, person = CustomerFacts.__table__.c, Customer.__table__.c
    store = _store(of, facts.customer_id) if campaign.offers else NOWHERE
    reason = case(
        (person.email_norm.is_(None), "no_email"),
        (_suppressed(person.email_norm, few=few), "suppressed"),
        *_consent(campaign.audience.topic),
        *([(store.is_(None), "no_store")] if campaign.offers else []),
        *([(_entered(campaign, of, now), "in_series")] if campaign.steps else []),
        else_=null(),
    )
    selected = (
        select(
            facts.customer_id,
            facts.rung,
            person.email,
            _language(campaign, of.locale).label("language"),
            store.label("store_id"),
            reason.label("reason"),
        )
        .select_from(CustomerFacts.__table__.join(Customer.__table__, person.id == facts.customer_id))
        .where(
            person.merged_into.is_(None),
            person.erased_at.is_(None),
            *_to_whom(campaign, of, now, day),
            _selected(campaign, of, now),
        )
        .subquery("selected")
    )
    return _armed(campaign, of, selected, now, whole=whole)


def _suppressed(email_norm: ColumnElement[Any], *, few: bool) -> ColumnElement[bool]:
    """Whether an address is shut off. For everybody PostgreSQL reads all such addresses once; a limit keeps it from
    doing so for a few people, whom it looks up one by one."""
    found = select(literal(1)).where(Suppression.email_norm == email_norm)
    return found.limit(1).scalar_subquery().is_not(None) if few else exists(found)


def _entered(campaign: Campaign, of: Setting, now: datetime) -> ColumnElement[bool]:
    """Whether somebody was drawn for this series before, whatever the draw said, and may not enter again yet."""
    drawn_before = exists().where(
        AudienceMember.customer_id == CustomerFacts.customer_id,
        AudienceMember.arm.in_(("treated", "holdout")),
        CampaignRun.id == AudienceMember.run_id,
        CampaignRun.campaign_id == of.campaign_id,
        CampaignRun.step.is_(None),
        CampaignRun.frozen_at.is_not(None),
        *([] if campaign.again_after_days is None else [
            CampaignRun.due_at > now - timedelta(days=campaign.again_after_days)
        ]),
    )  # fmt: skip
    inside = exists().where(
        SeriesPlace.customer_id == CustomerFacts.customer_id,
        SeriesPlace.campaign_id == of.campaign_id,
        SeriesPlace.left_at.is_(None),
    )
    return or_(drawn_before, inside)


def _armed(campaign: Campaign, of: Setting, selected: Any, now: datetime, *, whole: bool) -> Select[Any]:
    today = now.astimezone(ZoneInfo(of.timezone)).date()
    share, person = own_share(campaign.measure.holdout, of.lasting_share), selected.c.customer_id
    held = _held(lasting_salt(of.merchant_id, today), of.lasting_share, person).label("lasting")
    own_held = _held(campaign_salt(of.campaign_id), share, person).label("own")
    both = select(*selected.c, held, own_held)
    # The offset keeps PostgreSQL from drawing anew wherever a draw is named, but also from stopping at the first few.
    chosen = (both.offset(0) if whole else both).subquery("chosen")
    lasting, own = chosen.c.lasting, chosen.c.own
    left_out = chosen.c.reason.is_not(None)
    spare = spared(campaign, "chosen.customer_id", now)
    arm = case((left_out, "excluded"), (or_(lasting, own), "holdout"), (spare.is_not(None), "spared"), else_="treated")
    reason = case((left_out, chosen.c.reason), (lasting, "lasting_holdout"), (own, "campaign_holdout"), else_=spare)
    c = chosen.c
    variant = variant_drawn(campaign.shares, variant_salt(of.campaign_id), c.customer_id)
    tried = case((or_(left_out, lasting, own), ""), else_=variant) if campaign.shares else literal("")
    arms = arm.label("arm"), reason.label("reason")
    return select(c.customer_id, *arms, c.rung, c.email, c.language, c.store_id, tried.label("variant"))


def _held(salt: str, share: Decimal, customer_id: ColumnElement[Any]) -> ColumnElement[bool]:
    return drawn(salt, customer_id) < float(share) if share else false()


def _to_whom(campaign: Campaign, of: Setting, now: datetime, day: date | None) -> list[ColumnElement[bool]]:
    if not isinstance(campaign.trigger, OnEvent):
        return []
    on, topic = day or now.astimezone(ZoneInfo(of.timezone)).date(), campaign.audience.topic
    firing: dict[str, Any] = {"timezone": of.timezone, "day": on, "rungs": of.shop.ladder.keys, "topic": topic}
    found = happened(campaign.trigger, **firing)
    if campaign.trigger.event not in TOLD:
        return [CustomerFacts.customer_id.in_(found)]
    late = told_late(campaign.trigger, **firing, campaign_id=of.campaign_id)
    return [CustomerFacts.customer_id.in_(found.union(late))]


def _selected(campaign: Campaign, of: Setting, now: datetime) -> ColumnElement[bool]:
    facts, shop = CustomerFacts.__table__, of.shop
    rule = meant(campaign, of.segments)
    chosen = campaign.audience.rungs
    on_rung = true() if chosen == "all" else facts.c.rung.in_(chosen)
    if rule is None:
        return on_rung
    rows, local = known.over(known.names_in(rule)), shop.local(now)
    holds = meaning(rule, known.columns(rows, shop.exponent, local), local)
    return and_(on_rung, holds if rows is facts else facts.c.customer_id.in_(select(rows.c.customer_id).where(holds)))


def meant(campaign: Campaign, named: Mapping[str, Rule]) -> Rule | None:
    """The audience's rule, or that of the segment it names. Raises ``Refused`` where there is no such segment."""
    rule = campaign.audience.rule
    if isinstance(rule, str):
        if rule not in named:
            raise Refused(f"There is no segment {rule!r}. Choose another for {campaign.title!r}.")
        return named[rule]
    return rule


def _consent(topic: str) -> list[tuple[ColumnElement[bool], str]]:
    if topic == "promotions":
        state: ColumnElement[Any] = CustomerFacts.__table__.c.consent_promotions
    else:
        newest = (
            select(Consent.state)
            .where(
                Consent.customer_id == CustomerFacts.__table__.c.customer_id,
                Consent.channel == "email",
                Consent.topic == topic,
            )
            .order_by(Consent.occurred_at.desc(), Consent.id.desc())
            .limit(1)
        )
        state = func.coalesce(newest.scalar_subquery(), "unknown")
    return [(state == "unsubscribed", "unsubscribed"), (state != "subscribed", "not_subscribed")]


def _language(campaign: Campaign, locale: str) -> ColumnElement[str]:
    spoken = func.lower(func.left(func.coalesce(Customer.__table__.c.language, ""), 2))
    written = languages(campaign) or [locale]
    fallback = locale if locale in written else written[0]
    return case(*((spoken == language[:2].lower(), language) for language in written), else_=literal(fallback))


def _store(of: Setting, customer_id: ColumnElement[Any]) -> ColumnElement[Any]:
    """The shop to put a person's code into: where they bought last, else where they have an account, else the first.

    Somebody who buys in another shop, one that takes no codes, gets none: they could not use it.
    """
    able = [number for number, capable in of.stores if capable]
    if len(of.stores) == 1 or not able:
        return literal(able[0], BigInteger) if able else NOWHERE
    orders = select(Order.store_id).where(Order.customer_id == customer_id, Order.counts)
    bought = orders.where(Order.store_id.in_(able)).order_by(Order.placed_at.desc(), Order.id.desc()).limit(1)
    known = (
        select(Identity.store_id)
        .where(Identity.customer_id == customer_id, Identity.store_id.in_(able))
        .order_by(Identity.id.desc())
        .limit(1)
    )
    first = case((~exists(orders.correlate_except(Order)), able[0]), else_=null())
    return func.coalesce(bought.scalar_subquery(), known.scalar_subquery(), first)


def at_step(campaign: Campaign, of: Setting, customer_ids: Sequence[int]) -> Select[Any]:
    """People at a step of a series: customer_id, rung, email, language, store_id, as they are now."""
    facts, person = CustomerFacts.__table__.c, Customer.__table__.c
    store = _store(of, person.id) if campaign.offer and not campaign.message else NOWHERE
    return (
        select(
            person.id.label("customer_id"),
            facts.rung,
            person.email,
            _language(campaign, of.locale).label("language"),
            store.label("store_id"),
        )
        .select_from(Customer.__table__.outerjoin(CustomerFacts.__table__, person.id == facts.customer_id))
        .where(person.id == func.any(cast(list(customer_ids), ARRAY(BigInteger))))
    )


COLUMNS: Final = [
    "customer_id", "arm", "reason", "rung", "email", "language", "store_id", "variant", "merchant_id", "run_id",
]  # fmt: skip


def freeze(conn: Connection, run: Run, now: datetime) -> None:
    """Write down who is in the run, once, and move it to ``frozen``. The draw is the same however often it is made."""
    if saved_campaigns.run(conn, run.id, lock=True).state != "planned":
        return
    if known.any_due(conn):
        known.catch_up(conn, merchant_id=run.merchant_id, now=now)
    if run.campaign.guards.discount_fatigue:
        # One after the other: two runs frozen at once must not both give the last code that somebody may have.
        conn.execute(text("SELECT pg_advisory_xact_lock(7412, CAST(:m AS int))"), {"m": run.merchant_id % 2**31})
    of, day = setting(conn, run.merchant_id, run.campaign_id), day_of(run.occasion)
    people = audience(run.campaign, of, now, day, whole=True).subquery("people")
    rows = select(*people.c, literal(run.merchant_id), literal(run.id))
    conn.execute(insert(AudienceMember).from_select(COLUMNS, rows))
    saved_campaigns.move(conn, run.id, to="frozen", frozen_at=now, lasting_share=of.lasting_share)


def tally(conn: Connection, run_id: int) -> dict[str, Any]:
    """``{"audience", "treated", "holdout", "excluded": {reason: count}, "messages": {state: count}}`` of a run."""
    arms = conn.execute(
        text(
            "SELECT CASE arm WHEN 'stepped' THEN 'treated' ELSE arm END AS arm, coalesce(reason, '') AS reason, "
            "count(*) AS n FROM audience_member WHERE run_id = :id GROUP BY 1, 2"
        ),
        {"id": run_id},
    ).all()
    states = conn.execute(
        text("SELECT state, count(*) FROM message WHERE run_id = :id GROUP BY 1 ORDER BY 1"), {"id": run_id}
    )
    return tally_of(arms) | {"messages": {row[0]: row[1] for row in states}}


def tally_of(rows: Any) -> dict[str, Any]:
    """Rows of ``arm, reason, n`` as ``{"audience", "treated", "holdout", "excluded": {reason: count}}``.

    Those a guard spares are told among the excluded, for they get nothing; results count them where they were drawn.
    """
    count = {arm: sum(row.n for row in rows if row.arm == arm) for arm in ("treated", "holdout")}
    excluded = {row.reason: row.n for row in sorted(rows, key=lambda row: -row.n) if row.arm in ("excluded", "spared")}
    return {"audience": sum(count.values()), **count, "excluded": excluded}


def counted(
    conn: Connection, *, merchant_id: int, campaign: Campaign, campaign_id: int, now: datetime
) -> dict[str, Any]:
    """The tally that a freeze would give now, without writing anything."""
    people = audience(campaign, setting(conn, merchant_id, campaign_id), now).subquery("people")
    reason = func.coalesce(people.c.reason, "").label("reason")
    return tally_of(
        conn.execute(select(people.c.arm, reason, func.count().label("n")).group_by(people.c.arm, reason)).all()
    )


def preview_audience(
    conn: Connection,
    *,
    merchant_id: int,
    campaign: Campaign,
    campaign_id: int,
    now: datetime,
    sample: int = 20,
    tallied: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """What a freeze would give now, without writing anything: the tally, reasons in words, some of those treated.

    ``tallied`` is what ``counted`` gave a moment ago, where somebody kept it.
    """
    if tallied is None:
        tallied = counted(conn, merchant_id=merchant_id, campaign=campaign, campaign_id=campaign_id, now=now)
    # Where nearly everybody is left out, looking for a few means going through all of them.
    few = tallied["treated"] * 10 > tallied["audience"] + sum(tallied["excluded"].values())
    people = audience(campaign, setting(conn, merchant_id, campaign_id), now, few=few).subquery("people")
    some = (
        select(people, Customer.first_name, Customer.last_name)
        .join(Customer, Customer.id == people.c.customer_id)
        .where(people.c.arm == "treated")
        .order_by(people.c.customer_id)
        .limit(sample)
    )
    shops = {row.id: row.name for row in conn.execute(select(Store.id, Store.name))} if campaign.offers else {}
    return tallied | {
        "reasons": {key: REASONS[key] for key in tallied["excluded"]},
        "sample": [
            {
                "customer_id": row.customer_id,
                "name": f"{row.first_name} {row.last_name}".strip(),
                "email": row.email,
                "rung": row.rung,
                "language": row.language,
                "store_id": row.store_id,
                "store": shops.get(row.store_id) if len(shops) > 1 else None,
            }
            for row in conn.execute(some)
        ],
    }
