"""The shop asks how it was, what somebody likes, when their birthday is; customers write. Opening changes nothing."""

from __future__ import annotations

from datetime import date
from typing import Any

from flask import Blueprint, redirect, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import Connection, Row

from campaigns import asking
from campaigns.asking import BadAnswer
from plugin_server.db.customers import answers, written
from plugin_server.db.merchant import audit_log
from plugin_server.db.points import actions as points_actions
from plugin_server.db.session import tenant
from plugin_server.jobs import climb
from plugin_server.jobs.letters.complaint import tell_complaints
from plugin_server.jobs.queues import nudge
from plugin_server.web.card.share import shared, shop_at
from plugin_server.web.card.visit import Visit, own
from plugin_server.web.context import services, words
from plugin_server.web.words import Words, language_of, zone_of

pages = Blueprint("asking", __name__)
Given = dict[str, Any]


@pages.get("/c/<token>/ask/<any(satisfaction, preferences, birthday):question>")
@own
def show(who: Visit, question: str) -> ResponseReturnValue:
    """The question, or what was said to it within the last day. A score of a mail's link is only chosen here."""
    return _shown(who, question)


@pages.post("/c/<token>/ask/<any(satisfaction, preferences, birthday):question>")
@own
def answer(who: Visit, question: str) -> ResponseReturnValue:
    """Store the answer and go where it leads."""
    with tenant(services().engine, who.merchant_id) as conn:
        try:
            given = _read(conn, question)
        except BadAnswer as error:
            return _shown(who, question, fault=words()(f"ask.{error}")), 422
        _store(conn, who, question, given)
    if question == "satisfaction":
        nudge(services().redis, tell_complaints, who.merchant_id)
    return redirect(url_for("asking.show", token=who.token, question=question))


@pages.post("/c/<token>/praise")
@own
def praise(who: Visit) -> ResponseReturnValue:
    """A promoter's own words, which may be published or not as they tick."""
    merchant, person, now = who.merchant_id, who.customer_id, services().now()
    publish, praised = request.form.get("publish") == "yes", request.form.get("words", "")
    with tenant(services().engine, merchant) as conn:
        said = answers.current(conn, person, "satisfaction", who.link.message_id, now)
        if said and said.open and answers.praise(conn, merchant, said, words=praised, publish=publish, now=now):
            climb.touched(conn, merchant_id=merchant, customer_ids=[person], now=now)
            audit_log.record(
                conn, merchant, actor="customer", action="testimonial", subject=f"customer {person}",
                detail={"publish": publish},
            )  # fmt: skip
    return redirect(url_for("asking.show", token=who.token, question="satisfaction"))


@pages.get("/c/<token>/write")
@own
def writing(who: Visit) -> ResponseReturnValue:
    """A form for whatever a customer with an address to be answered at has to say, a complaint above all."""
    return who.page("write.html", sent="sent" in request.args) if who.card.customer.email else who.back()


@pages.post("/c/<token>/write")
@own
def write(who: Visit) -> ResponseReturnValue:
    """Put it into their conversation; offers wait until somebody answers."""
    person, said = who.card.customer, request.form.get("words", "")
    if not person.email:
        return who.back()
    kept = "empty"
    if said.strip():
        with tenant(services().engine, who.merchant_id) as conn:
            kept = written.write(
                conn, who.merchant_id, person.id, email=person.email, words=said, name=_name(who),
                subject=_owners(who)("write.subject"), now=services().now(),
            )  # fmt: skip
    if kept in ("empty", "many"):
        return who.page("write.html", fault=words()(f"write.{kept}")), 422
    return redirect(url_for("asking.writing", token=who.token, sent=1))


def _owners(who: Visit) -> Words:
    """The shop's own words, for what its owner will read."""
    return Words(language_of(who.card.shop.locale), zone_of(who.card.shop.timezone), services().now())


def _name(who: Visit) -> str:
    return f"{who.card.customer.first_name} {who.card.customer.last_name}".strip()


def _read(conn: Connection, question: str) -> Given:
    """What the form says. Raises ``BadAnswer``."""
    form = request.form
    if question == "satisfaction":
        return {"score": asking.read_score(form.get("score", "")), "words": form.get("words", "")}
    if question == "birthday":
        return {"words": asking.read_birthday(form.get("day", ""), _today()).isoformat()}
    known = answers.categories(conn)
    return {"choices": [name for name in known if name in set(form.getlist("choice"))]}


def _today() -> date:
    """The day it is where the customer is taken to be."""
    return services().now().astimezone(words().zone).date()


def _store(conn: Connection, who: Visit, question: str, given: Given) -> None:
    now, customer = services().now(), who.card.customer
    # What somebody likes and when they were born may change; how one order was is asked once.
    mail = who.link.message_id if question == "satisfaction" else None
    made = answers.say(conn, who.merchant_id, customer.id, question, message_id=mail, now=now, **given)
    if made is None:
        return
    if question == "birthday":
        answers.born(conn, customer.id, date.fromisoformat(given["words"]), now)
    if question == "satisfaction" and customer.email:
        _follow(conn, who, made, given)
    climb.touched(conn, merchant_id=who.merchant_id, customer_ids=[customer.id], now=now)


def _follow(conn: Connection, who: Visit, made: int, given: Given) -> None:
    """A low score opens a conversation in the owner's language; a later word on it goes there as well."""
    owners = _owners(who)
    if asking.route(given["score"]) != "detractor" and not answers.complained(conn, made):
        return
    answers.complain(
        conn, who.merchant_id, made, email=who.card.customer.email, now=services().now(), name=_name(who),
        subject=owners("ask.complaint_subject"),
        words="\n\n".join(filter(None, [owners("ask.complaint", score=given["score"]), given["words"].strip()])),
    )  # fmt: skip


def _shown(who: Visit, question: str, fault: str = "") -> str:
    mail = who.link.message_id if question == "satisfaction" else None
    with tenant(services().engine, who.merchant_id) as conn:
        said = answers.current(conn, who.customer_id, question, mail, services().now())
        known = answers.categories(conn) if question == "preferences" else []
        gets = points_actions.promised(conn, who.customer_id, f"{question}_told")
        share = shared(conn, who.merchant_id, who.customer_id) if question == "satisfaction" else None
        shop = shop_at(conn, who.customer_id) if question == "satisfaction" else ""
    chosen, route = _chosen(said), asking.route(said.score) if said and said.score is not None else ""
    asks = fault or said is None or (said.open and ("again" in request.args or chosen["linked"]))
    return who.page(
        "ask.html", question=question, said=said, chosen=chosen, fault=fault, asks=asks, route=route, known=known,
        share=share, shop_at=shop, gets=gets, today=_today(),
    )  # fmt: skip


def _chosen(said: Row[Any] | None) -> Given:
    """What stands in the form: what was just sent, else the link's score, else what was said before."""
    asked = request.form.get("score", request.args.get("score", ""))
    try:
        score: int | None = asking.read_score(asked)
    except BadAnswer:
        score = None
    linked = request.method == "GET" and score is not None and (said is None or said.score != score)
    return {
        "linked": linked,
        "score": score if score is not None else said.score if said else None,
        "words": request.form.get("words", said.text if said else ""),
        "choices": said.choices if said else [],
    }
