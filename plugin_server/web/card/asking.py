"""The shop asks how it was, what somebody likes, when their birthday is; customers write. Opening changes nothing."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, redirect, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import Connection, Row

from campaigns import asking
from campaigns.asking import BadAnswer
from plugin_server.db.customers import answers, written
from plugin_server.db.customers.card import Card
from plugin_server.db.merchant import audit_log
from plugin_server.db.points import actions as points_actions
from plugin_server.db.session import tenant
from plugin_server.jobs import climb
from plugin_server.jobs.letters.complaint import tell_complaints
from plugin_server.jobs.queues import wake
from plugin_server.vault import CustomerLink
from plugin_server.web.card.card import of_link, read_link, stranger
from plugin_server.web.card.share import shared
from plugin_server.web.context import page, services, words
from plugin_server.web.words import Words, language_of, zone_of

pages = Blueprint("asking", __name__)
Given = dict[str, Any]


@pages.get("/c/<token>/ask/<any(satisfaction, preferences, birthday):question>")
def show(token: str, question: str) -> ResponseReturnValue:
    """The question, or what was said to it within the last day. A score of a mail's link is only chosen here."""
    link = read_link(token)
    mine = of_link(link) if link else None
    if link is None or mine is None:
        return stranger()
    return _shown(token, question, link, mine)


@pages.post("/c/<token>/ask/<any(satisfaction, preferences, birthday):question>")
def answer(token: str, question: str) -> ResponseReturnValue:
    """Store the answer and go where it leads."""
    link = read_link(token)
    mine = of_link(link) if link else None
    if link is None or mine is None:
        return stranger()
    with tenant(services().engine, link.merchant_id) as conn:
        try:
            given = _read(conn, question)
        except BadAnswer as error:
            return _shown(token, question, link, mine, fault=words()(f"ask.{error}")), 422
        _store(conn, link, mine, question, given)
    if question == "satisfaction":
        wake(services().redis, tell_complaints, link.merchant_id, on="urgent")
    return redirect(url_for("asking.show", token=token, question=question))


@pages.post("/c/<token>/praise")
def praise(token: str) -> ResponseReturnValue:
    """A promoter's own words, which may be published or not as they tick."""
    link = read_link(token)
    mine = of_link(link) if link else None
    if link is None or mine is None:
        return stranger()
    now, publish = services().now(), request.form.get("publish") == "yes"
    with tenant(services().engine, link.merchant_id) as conn:
        said = answers.current(conn, mine.customer.id, "satisfaction", link.message_id, now)
        written = request.form.get("words", "")
        if said and said.open and answers.praise(conn, link.merchant_id, said, words=written, publish=publish, now=now):
            climb.touched(conn, merchant_id=link.merchant_id, customer_ids=[mine.customer.id], now=now)
            audit_log.record(
                conn, link.merchant_id, actor="customer", action="testimonial", subject=f"customer {mine.customer.id}",
                detail={"publish": publish},
            )  # fmt: skip
    return redirect(url_for("asking.show", token=token, question="satisfaction"))


@pages.get("/c/<token>/write")
def writing(token: str) -> ResponseReturnValue:
    """A form for whatever a customer has to say, a complaint above all."""
    mine = _reachable(token)
    return page("write.html", card=mine[1], token=token, sent="sent" in request.args) if mine else stranger()


@pages.post("/c/<token>/write")
def write(token: str) -> ResponseReturnValue:
    """Put it into their conversation; offers wait until somebody answers."""
    mine = _reachable(token)
    if mine is None:
        return stranger()
    link, card = mine
    owners = Words(language_of(card.shop.locale), zone_of(card.shop.timezone), services().now())
    fault, words_ = "", request.form.get("words", "")
    if not words_.strip():
        fault = "write.empty"
    else:
        with tenant(services().engine, link.merchant_id) as conn:
            kept = written.write(
                conn, link.merchant_id, card.customer.id, email=card.customer.email, words=words_,
                name=f"{card.customer.first_name} {card.customer.last_name}".strip(),
                subject=owners("write.subject"), now=services().now(),
            )  # fmt: skip
        fault = "write.many" if kept == "many" else ""
    if fault:
        return page("write.html", card=card, token=token, fault=words()(fault)), 422
    return redirect(url_for("asking.writing", token=token, sent=1))


def _reachable(token: str) -> tuple[CustomerLink, Card] | None:
    """Who may write: whoever has a page of their own, and an address to be answered at."""
    link = read_link(token)
    mine = of_link(link) if link else None
    return (link, mine) if link and mine and mine.customer.email else None


def _read(conn: Connection, question: str) -> Given:
    """What the form says. Raises ``BadAnswer``."""
    form = request.form
    if question == "satisfaction":
        return {"score": asking.read_score(form.get("score", "")), "words": form.get("words", "")}
    if question == "birthday":
        today = services().now().astimezone(words().zone).date()
        return {"words": asking.read_birthday(form.get("day", ""), today).isoformat()}
    known = answers.categories(conn)
    return {"choices": [name for name in known if name in set(form.getlist("choice"))]}


def _store(conn: Connection, link: CustomerLink, mine: Card, question: str, given: Given) -> None:
    now, customer = services().now(), mine.customer
    # What somebody likes and when they were born may change; how one order was is asked once.
    mail = link.message_id if question == "satisfaction" else None
    made = answers.say(conn, link.merchant_id, customer.id, question, message_id=mail, now=now, **given)
    if made is None:
        return
    if question == "birthday":
        answers.born(conn, customer.id, asking.read_birthday(given["words"], now.date()), now)
    if question == "satisfaction" and customer.email:
        _follow(conn, link, mine, made, given)
    climb.touched(conn, merchant_id=link.merchant_id, customer_ids=[customer.id], now=now)


def _follow(conn: Connection, link: CustomerLink, mine: Card, made: int, given: Given) -> None:
    """A low score opens a conversation in the owner's language; a later word on it goes there as well."""
    owners = Words(language_of(mine.shop.locale), zone_of(mine.shop.timezone), services().now())
    if asking.route(given["score"]) != "detractor" and not answers.complained(conn, made):
        return
    answers.complain(
        conn, link.merchant_id, made, email=mine.customer.email, now=services().now(),
        name=f"{mine.customer.first_name} {mine.customer.last_name}".strip(), subject=owners("ask.complaint_subject"),
        words="\n\n".join(filter(None, [owners("ask.complaint", score=given["score"]), given["words"].strip()])),
    )  # fmt: skip


def _shown(token: str, question: str, link: CustomerLink, mine: Card, fault: str = "") -> str:
    mail = link.message_id if question == "satisfaction" else None
    with tenant(services().engine, link.merchant_id) as conn:
        said = answers.current(conn, mine.customer.id, question, mail, services().now())
        known = answers.categories(conn) if question == "preferences" else []
        gets = points_actions.promised(conn, mine.customer.id, f"{question}_told")
        share = shared(conn, link.merchant_id, mine.customer.id) if question == "satisfaction" else None
    chosen, route = _chosen(said), asking.route(said.score) if said and said.score is not None else ""
    asks = fault or said is None or (said.open and ("again" in request.args or chosen["linked"]))
    return page(
        "ask.html", card=mine, token=token, question=question, said=said, chosen=chosen, fault=fault, asks=asks,
        route=route, known=known, share=share, gets=gets, today=services().now().date(),
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
