"""The API for programs of the business: the same rows and the same walls as the pages."""

from __future__ import annotations

import json
from typing import Any

from flask import Blueprint, Response
from flask.typing import ResponseReturnValue
from sqlalchemy import Connection
from werkzeug.exceptions import HTTPException

from campaigns.ladder.sentences import sentence
from campaigns.schema import BadCampaign, Campaign, parse
from connectors.types import Money as Amount
from plugin_server.db.audit import rollup as audit_rollup
from plugin_server.db.campaigning import campaigns as saved_campaigns
from plugin_server.db.campaigning.campaigns import Saved
from plugin_server.db.customers import finding as customers
from plugin_server.db.customers import identity
from plugin_server.db.customers.finding import Wish
from plugin_server.db.ladder import rungs, segments, standing
from plugin_server.db.merchant import audit_log, merchants
from plugin_server.db.merchant.api_keys import Holder
from plugin_server.db.session import tenant
from plugin_server.jobs import figures
from plugin_server.jobs.audit import ready
from plugin_server.jobs.campaigning import preview
from plugin_server.web import place
from plugin_server.web.api import models
from plugin_server.web.api.door import Problem
from plugin_server.web.api.spec import Api, document
from plugin_server.web.context import services

pages = Blueprint("api", __name__)
api = Api(pages)


@pages.get("/api/openapi.json")
def openapi() -> Response:
    """What there is, for programs; nobody needs a key to read it."""
    told = document(api.operations, services().settings.public_url)
    return Response(json.dumps(told, ensure_ascii=False), content_type="application/json")


@pages.errorhandler(Problem)
def _problem(problem: Problem) -> ResponseReturnValue:
    return problem.answer()


@pages.errorhandler(HTTPException)
def _refused(error: HTTPException) -> ResponseReturnValue:
    return Problem(error.code or 500, error.name, error.description or "").answer()


@api.operation("GET", "/ladder", answer=models.Ladder, query=models.AsOf)
def ladder(holder: Holder, asked: models.AsOf) -> models.Ladder:
    """The ladder with how many stand on each rung, now or on a day."""
    with tenant(services().engine, holder.merchant_id) as conn:
        found = standing.counts(conn, merchant_id=holder.merchant_id, as_of=asked.as_of, now=services().now())
    return models.Ladder.model_validate(found)


@api.operation("GET", "/customers", answer=models.Customers, query=models.CustomersAsked)
def list_customers(holder: Holder, asked: models.CustomersAsked) -> models.Customers:
    """Customers page by page, or the one with an address."""
    with tenant(services().engine, holder.merchant_id) as conn:
        currency = merchants.get(conn)["currency"]
        if asked.email:
            owner = identity.owner(conn, asked.email)
            one = customers.one(conn, owner.id) if owner else None
            return models.Customers(items=[_head(one, currency)] if one else [], next=None)
        wish = Wish("", asked.rung, asked.activity)
        rows = customers.find(conn, wish, after=place.read(asked.after), limit=asked.limit)
    more = place.written(rows[-1].last_order_at, rows[-1].id) if len(rows) == asked.limit else None
    return models.Customers(items=[_head(row, currency) for row in rows], next=more)


def _head(row: Any, currency: str) -> models.CustomerHead:
    return models.CustomerHead(**_common(row, currency))


def _common(row: Any, currency: str) -> dict[str, Any]:
    names = ("id", "email", "first_name", "last_name", "rung", "rung_since", "last_order_at")
    own = {name: getattr(row, name) for name in names}
    return own | {
        "activity": row.activity or "none", "orders": row.orders or 0, "spend": _money(row.spend_minor or 0, currency),
    }  # fmt: skip


def _money(minor: int, currency: str) -> models.Money:
    return models.Money(**Amount(minor, currency).as_json())


@api.operation("GET", "/customers/<int:customer_id>", answer=models.Customer)
def show_customer(holder: Holder, customer_id: int) -> models.Customer:
    """One customer: facts, rung, why there, and what is missing for the next."""
    with tenant(services().engine, holder.merchant_id) as conn:
        row = customers.one(conn, customer_id)
        if row is None:
            raise Problem(404, "There is no such customer", f"Nobody has the number {customer_id}.")
        currency, on = merchants.get(conn)["currency"], rungs.shop(conn, holder.merchant_id)
        why = standing.of_customer(conn, on, customer_id=row.id, now=services().now()) or {}
    names = (
        "phone", "country", "language", "birthday", "member_since", "member_number", "first_order_at",
    )  # fmt: skip
    average = row.average_order_minor
    return models.Customer(
        **_common(row, currency),
        **{name: getattr(row, name) for name in names},
        average_order=None if average is None else _money(average, currency),
        refunded=_money(row.refunded_minor or 0, currency),
        discount_orders=row.discount_orders or 0,
        referrals_converted=row.referrals_converted or 0,
        reviews=row.reviews or 0,
        consent_promotions=row.consent_promotions or "unknown",
        because=why.get("because", []),
        next=why.get("next"),
    )


@api.operation("GET", "/segments", answer=models.Segments)
def list_segments(holder: Holder) -> models.Segments:
    """All segments, each as a sentence, with how many it holds."""
    with tenant(services().engine, holder.merchant_id) as conn:
        language = merchants.get(conn)["locale"]
        items = [
            models.SegmentCount(
                key=one.key, name=one.name, sentence=sentence(one.rule, language),
                **figures.ready(services(), conn, holder.merchant_id, figures.segment_name(one)).document,
            )
            for one in segments.everyone(conn)
        ]  # fmt: skip
    return models.Segments(items=items)


@api.operation("GET", "/audit", answer=models.Audit, query=models.AuditAsked)
def show_audit(holder: Holder, asked: models.AuditAsked) -> models.Audit:
    """The audit of a span of days, as it was last made."""
    if asked.since and asked.until and asked.since > asked.until:
        fault = {"at": "query.from", "sentence": "The first day comes after the last."}
        raise Problem(422, "Something asked for cannot be", "See errors.", errors=[fault])
    found = ready(services(), holder.merchant_id, audit_rollup.name_of(asked.since, asked.until))
    if found is None:
        problem = Problem(503, "The figures of these days are being added up", "Ask again in a few seconds.")
        problem.headers["Retry-After"] = "10"
        raise problem
    return models.Audit.model_validate(found.document | {"made_at": found.made_at, "stale_since": found.stale_since})


@api.operation("GET", "/campaigns", answer=models.Campaigns)
def list_campaigns(holder: Holder) -> models.Campaigns:
    """All campaigns with their states."""
    with tenant(services().engine, holder.merchant_id) as conn:
        return models.Campaigns(items=[models.CampaignHead(**_told(one)) for one in saved_campaigns.all_saved(conn)])


def _told(saved: Saved) -> dict[str, Any]:
    return {
        "key": saved.campaign.key, "name": saved.campaign.title, "state": saved.state, "version": saved.version,
        "trigger": saved.campaign.trigger.kind,
    }  # fmt: skip


@api.operation("POST", "/campaigns", answer=models.Drafted, body=Campaign, scope="write", status=201, raw=True)
def add_campaign(holder: Holder, given: dict[str, Any]) -> models.Drafted:
    """Save a draft; one that runs already is left alone."""
    actor = f"API: {holder.name}"
    with tenant(services().engine, holder.merchant_id) as conn:
        try:
            campaign = parse(given)
            old = saved_campaigns.get(conn, campaign.key, lock=True)
            if old is not None and old.state != "draft":
                raise Problem(409, "This campaign is no draft any more", f"{campaign.key!r} is {old.state}.")
            public_url = services().settings.public_url
            warnings = preview.check(conn, campaign, public_url=public_url, now=services().now())
        except BadCampaign as error:
            faults = [{"at": f"body.{one.path}", "sentence": one.sentence} for one in error.problems]
            raise Problem(422, "This is no campaign that can run", "See errors.", errors=faults) from error
        saved_campaigns.save(conn, merchant_id=holder.merchant_id, campaign=campaign, by=actor)
        audit_log.record(conn, holder.merchant_id, actor=actor, action="campaign_saved", subject=campaign.key)
        return models.Drafted(**_told(_need(conn, campaign.key)), warnings=warnings)


def _need(conn: Connection, key: str) -> Saved:
    found = saved_campaigns.get(conn, key)
    if found is None:
        raise Problem(404, "There is no such campaign", f"None has the key {key!r}.")
    return found


@api.operation("GET", "/campaigns/<key>/preview", answer=models.AudienceCounts)
def preview_campaign(holder: Holder, key: str) -> models.AudienceCounts:
    """Whom a campaign would reach now, and why others not."""
    with tenant(services().engine, holder.merchant_id) as conn:
        saved = _need(conn, key)
        name = f"audience:{key}:{saved.version}"
        found = figures.ready(services(), conn, holder.merchant_id, name)
    return models.AudienceCounts(campaign=key, counted_at=found.made_at, **found.document)


@api.operation("GET", "/campaigns/<key>/results", answer=models.Results)
def campaign_results(holder: Holder, key: str) -> models.Results:
    """What came of a campaign over all its runs."""
    with tenant(services().engine, holder.merchant_id) as conn:
        name = figures.outcome_name(conn, _need(conn, key))
        found = figures.ready(services(), conn, holder.merchant_id, name)
    return models.Results.model_validate(found.document)
