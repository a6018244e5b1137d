"""A reader's code as a picture that a till can read: mails cannot draw one themselves."""

from __future__ import annotations

from io import BytesIO

import segno
from flask import Blueprint, Response, abort
from flask.typing import ResponseReturnValue
from sqlalchemy import text

from plugin_server.db.session import tenant
from plugin_server.web.card.visit import visit
from plugin_server.web.context import services

pages = Blueprint("code_picture", __name__)


@pages.get("/c/<token>/code.png")
def show(token: str) -> ResponseReturnValue:
    """The code of the mail that the link came from, else the newest one; of a preview, a code that buys nothing."""
    who = visit(token)
    if who is None and token != "preview":  # noqa: S105 - the word in previews' links
        abort(404)
    code = "SAMPLE-0000"
    if who:
        with tenant(services().engine, who.merchant_id) as conn:
            code = conn.scalar(_CODE, {"c": who.customer_id, "m": who.link.message_id}) or abort(404)
    picture = BytesIO()
    segno.make(code, micro=False).save(picture, kind="png", scale=8, border=4)
    return Response(picture.getvalue(), mimetype="image/png", headers={"Cache-Control": "private, max-age=86400"})


_CODE = text(
    "SELECT code FROM offer_code WHERE customer_id = :c AND state = 'issued' "
    "ORDER BY run_id = (SELECT run_id FROM message WHERE id = :m) DESC NULLS LAST, id DESC LIMIT 1"
)
