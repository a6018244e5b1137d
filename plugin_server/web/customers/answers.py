"""What customers said when they were asked: the score over time, and their newest sentences."""

from __future__ import annotations

from flask import Blueprint, abort, request
from flask.typing import ResponseReturnValue

from campaigns.asking import BadAnswer, read_score
from plugin_server.db.customers import answers_told
from plugin_server.db.merchant.people import Person
from plugin_server.db.session import tenant
from plugin_server.jobs import figures
from plugin_server.web.context import page, services
from plugin_server.web.guards import requires

pages = Blueprint("answers", __name__)


@pages.get("/answers")
@requires("viewer")
def index(who: Person) -> ResponseReturnValue:
    """All answers, those of one route, or those of one score."""
    route, given = request.args.get("route") or None, request.args.get("score", "")
    if route and route not in answers_told.ROUTES:
        abort(404)
    try:
        score = read_score(given) if given else None
    except BadAnswer:
        abort(404)
    with tenant(services().engine, who.merchant_id) as connection:
        made = figures.soon(services(), connection, who.merchant_id, "answers")
        found = answers_told.newest(connection, route=route, score=score)
    year, months = answers_told.scored(made.document) if made else (None, [])
    return page(
        "answers.html", section="customers", year=year, months=months, found=found, route=route, score=score,
        routes=tuple(answers_told.ROUTES), made_at=made and made.made_at,
    )  # fmt: skip
