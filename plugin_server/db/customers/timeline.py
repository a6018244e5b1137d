"""One customer's life with the shop, on one thread: orders, climbs, mails, codes, points, replies, answers."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Select, func, literal, select, union_all
from sqlalchemy import cast as as_type
from sqlalchemy.dialects.postgresql import JSONB

from plugin_server.db.models.answer import SurveyAnswer
from plugin_server.db.models.campaign import Campaign, CampaignRun
from plugin_server.db.models.consent import Consent
from plugin_server.db.models.conversation import Conversation, ConversationMessage
from plugin_server.db.models.evidence import Referral, Testimonial
from plugin_server.db.models.ladder import RungChange
from plugin_server.db.models.message import Message
from plugin_server.db.models.offer import OfferCode, Redemption
from plugin_server.db.models.order import Order
from plugin_server.db.models.points import PointEntry


def timeline(
    connection: Connection, customer_id: int, *, before: datetime | None = None, limit: int = 40
) -> list[Row[*tuple[Any, ...]]]:
    """The newest happenings as (at, kind, facts); ``facts`` is a small object per ``kind``.

    At least ``limit`` where there are more; what happened at the very moment of the last one is among them, so that
    the next page, ``before`` that moment, misses nothing.
    """
    branches = []
    for query in _branches(customer_id):
        at = query.selected_columns[0]
        narrowed = query.where(at < before) if before else query.where(at.is_not(None))
        branches.append(narrowed.order_by(at.desc()).fetch(limit, with_ties=True))
    thread = union_all(*(branch.subquery().select() for branch in branches)).subquery()
    found = connection.execute(thread.select().order_by(thread.c.at.desc()).fetch(limit, with_ties=True))
    return sorted(found, key=lambda entry: (-entry.at.timestamp(), entry.kind))


def _branches(customer_id: int) -> list[Select[*tuple[Any, ...]]]:
    return [
        _entry(
            Order.placed_at,
            "order",
            number=Order.number,
            minor=Order.net_minor,
            currency=Order.currency,
            status=Order.status,
            counts=Order.counts,
            refunded=Order.refunded_minor,
            codes=Order.coupon_codes,
        ).where(Order.customer_id == customer_id),
        _entry(
            RungChange.changed_at, "climb", origin=RungChange.from_rung, to=RungChange.to_rung, reason=RungChange.reason
        ).where(RungChange.customer_id == customer_id),
        _entry(
            func.coalesce(Message.accepted_at, Message.planned_at),
            "mail",
            campaign=Campaign.name,
            state=Message.state,
            reason=Message.reason,
        )
        .select_from(Message)
        .join(CampaignRun, CampaignRun.id == Message.run_id)
        .join(Campaign, Campaign.id == CampaignRun.campaign_id)
        .where(Message.customer_id == customer_id),
        _entry(OfferCode.issued_at, "code", code=OfferCode.code, kind=OfferCode.kind, value=OfferCode.value).where(
            OfferCode.customer_id == customer_id
        ),
        _entry(Redemption.redeemed_at, "redeemed", code=Redemption.code, released=Redemption.released_at).where(
            Redemption.customer_id == customer_id
        ),
        _entry(
            Consent.occurred_at,
            "consent",
            state=Consent.state,
            source=Consent.source,
            evidence=Consent.evidence,
            topic=Consent.topic,
        ).where(Consent.customer_id == customer_id),
        *_told(customer_id),
        _entry(
            Testimonial.written_at, "review", rating=Testimonial.rating, text=func.left(Testimonial.text, 200)
        ).where(Testimonial.customer_id == customer_id),
        _entry(Referral.converted_at, "friend", friend=Referral.friend_id).where(Referral.advocate_id == customer_id),
    ]


def _told(customer_id: int) -> list[Select[*tuple[Any, ...]]]:
    """What was written, answered and earned beside the orders."""
    return [
        _entry(
            PointEntry.happened_at, "points", points=PointEntry.points, of=PointEntry.kind, reason=PointEntry.reason
        ).where(PointEntry.customer_id == customer_id),
        _entry(
            ConversationMessage.written_at,
            "reply",
            direction=ConversationMessage.direction,
            id=Conversation.id,
            text=func.left(ConversationMessage.text, 200),
        )
        .select_from(ConversationMessage)
        .join(Conversation, Conversation.id == ConversationMessage.conversation_id)
        .where(Conversation.customer_id == customer_id),
        _entry(
            SurveyAnswer.answered_at,
            "answer",
            question=SurveyAnswer.question,
            score=SurveyAnswer.score,
            text=func.left(SurveyAnswer.text, 200),
        ).where(SurveyAnswer.customer_id == customer_id),
    ]


def _entry(at: Any, what: str, /, **facts: Any) -> Select[*tuple[Any, ...]]:
    pairs = [part for name, column in facts.items() for part in (name, column)]
    return select(
        at.label("at"), literal(what).label("kind"), as_type(func.jsonb_build_object(*pairs), JSONB).label("facts")
    )
