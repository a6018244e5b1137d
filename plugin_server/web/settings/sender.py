"""The sender's health: what receivers think of our mails, and how fast we may send."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import date

from flask import Blueprint, abort, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue

from campaigns.guards import BOUNCE_LIMIT, COMPLAINT_LIMIT
from campaigns.mail.pace import Pace
from connectors.addresses import BadAddress, wire_address
from plugin_server import wiring
from plugin_server.db.merchant import audit_log
from plugin_server.db.merchant.people import Person
from plugin_server.db.sending import sender, vouching
from plugin_server.db.session import tenant
from plugin_server.jobs import figures
from plugin_server.jobs.queues import wake
from plugin_server.jobs.sending.domains import look_up_domain, vouch_for
from plugin_server.web.context import is_partial, page, services, words
from plugin_server.web.guards import requires

pages = Blueprint("sender", __name__)
MOST_A_MINUTE = 100_000
MOST_FIRST_DAY = 50_000
FIRST_DAY = 200


@pages.get("/mail/health")
@requires("viewer")
def show(who: Person) -> ResponseReturnValue:
    """Seven days by domain and reason, the limits of bounces and complaints, and the plan."""
    return _page(who, {}, None)


def _page(who: Person, faults: dict[str, str], paced: Mapping[str, str] | None) -> str:
    with tenant(services().engine, who.merchant_id) as connection:
        health = sender.Health(**figures.ready(services(), connection, who.merchant_id, "health").document)
        pace = paced or asdict(sender.pace(connection))
        domain, looked = sender.domain(connection), sender.domain_found(connection)
        vouched, replies = vouching.of(connection), sender.replies(connection)
        refused = sender.refused(connection, domain, services().settings.public_url)
        tracked = sender.tracked(connection)
    return page(
        "sender.html",
        section="settings",
        health=health,
        paced=pace,
        limits=(BOUNCE_LIMIT, COMPLAINT_LIMIT),
        faults=faults,
        domain=domain,
        looked=looked,
        vouched=vouched,
        can_vouch=_can_vouch(who),
        refused=refused,
        tracked=tracked,
        reply_domain=request.form.get("reply_domain", replies.domain),
        replies=replies,
        replies_host=wiring.REPLIES_HOST,
        leaving=_leaving(who),
        inbound=services().settings.public_url + wiring.replies_path(who.merchant_id),
    )


def _leaving(who: Person) -> dict[str, object]:
    """How mails leave, and where the provider is to tell what became of them."""
    by = wiring.mail_way(services(), who.merchant_id)
    return {
        "by": by.backend,
        "own": by.own,
        "fixed": services().settings.mail_fixed,
        "server": by.server.host if by.server else "",
        "reports": services().settings.public_url + wiring.reports_path(who.merchant_id),
        "signed": wiring.reports_signed(by),
    }


def _can_vouch(who: Person) -> bool:
    """Whether the mail provider vouches for domains."""
    return wiring.mail_domains(services(), who.merchant_id) is not None


@pages.post("/mail/health/domain")
@requires("owner")
def look_up(who: Person) -> ResponseReturnValue:
    """Ask the name servers anew; the answer stands here in a moment."""
    wake(services().redis, look_up_domain, who.merchant_id, on="urgent", hold=5)
    flash(words()("sender.looking"), "good")
    return redirect(url_for("sender.show"))


@pages.get("/mail/health/vouching")
@requires("viewer")
def vouching_state(who: Person) -> ResponseReturnValue:
    """Part of the page, asked for while the provider has not answered."""
    if not is_partial():
        return redirect(url_for("sender.show"))
    with tenant(services().engine, who.merchant_id) as connection:
        domain, vouched = sender.domain(connection), vouching.of(connection)
        refused = sender.refused(connection, domain, services().settings.public_url)
    return page("_vouching.html", domain=domain, vouched=vouched, can_vouch=_can_vouch(who), refused=refused)


@pages.post("/mail/health/vouching")
@requires("owner")
def vouch(who: Person) -> ResponseReturnValue:
    """Begin to have the provider vouch for the domain, or let it look at the name servers again."""
    with tenant(services().engine, who.merchant_id) as connection:
        domain = sender.domain(connection)
        if not _can_vouch(who):
            abort(404)
        if reason := sender.refused(connection, domain, services().settings.public_url):
            flash(words().why(reason), "bad")
            return redirect(url_for("sender.show") + "#vouching")
        begun = vouching.of(connection).vouch is not None
        vouching.ask(connection, services().now())
        if not begun:
            audit_log.record(connection, who.merchant_id, actor=who.email, action="domain_begun", subject=domain)
    wake(services().redis, vouch_for, who.merchant_id, on="urgent", hold=5)
    return redirect(url_for("sender.show") + "#vouching")


@pages.post("/mail/health/replies")
@requires("owner")
def save_replies(who: Person) -> ResponseReturnValue:
    """Where replies come in, effective within a minute; empty for the merchant's own mailbox."""
    given = request.form.get("reply_domain", "").strip().lower()
    try:
        domain = wire_address(f"r@{given}").rpartition("@")[2] if given else ""
    except BadAddress:
        return _page(who, {"reply_domain": words()("replies.bad_domain")}, None), 422
    with tenant(services().engine, who.merchant_id) as connection:
        sender.save_reply_domain(connection, domain)
        if wiring.mail_way_in(services().settings, connection).backend == "folder":
            sender.save_replies_seen(connection, domain, True, services().now())
        audit_log.record(
            connection, who.merchant_id, actor=who.email, action="settings_changed", subject="reply_domain",
            detail={"reply_domain": domain},
        )  # fmt: skip
    wake(services().redis, look_up_domain, who.merchant_id, on="urgent", hold=5)
    flash(words()("sender.saved"), "good")
    return redirect(url_for("sender.show"))


@pages.post("/mail/health/tracking")
@requires("owner")
def save_tracking(who: Person) -> ResponseReturnValue:
    """Whether opens and clicks of campaign mails are followed."""
    wish = "tracked" in request.form
    with tenant(services().engine, who.merchant_id) as connection:
        sender.save_tracked(connection, wish)
        audit_log.record(
            connection, who.merchant_id, actor=who.email, action="settings_changed", subject="tracked",
            detail={"tracked": wish},
        )  # fmt: skip
    flash(words()("sender.saved"), "good")
    return redirect(url_for("sender.show"))


@pages.post("/mail/health/pace")
@requires("owner")
def save(who: Person) -> ResponseReturnValue:
    """Other limits, effective within a minute."""
    faults = dict[str, str]()
    minute = _number("per_minute", MOST_A_MINUTE, faults)
    first = _number("first_day", MOST_FIRST_DAY, faults)
    begun = _day("warm_up_from", faults)
    chosen = Pace(minute, begun, first or FIRST_DAY)
    if faults:
        return _page(who, faults, request.form), 422
    with tenant(services().engine, who.merchant_id) as connection:
        sender.save_pace(connection, chosen)
        audit_log.record(connection, who.merchant_id, actor=who.email, action="settings_changed", subject="pace")
    flash(words()("sender.saved"), "good")
    return redirect(url_for("sender.show"))


def _number(name: str, most: int, faults: dict[str, str]) -> int | None:
    given = request.form.get(name, "").strip()
    if not given:
        return None
    if not (given.isascii() and given.isdigit() and len(given) < 9 and 1 <= int(given) <= most):
        faults[name] = words()("sender.bad_number", most=most)
        return None
    return int(given)


def _day(name: str, faults: dict[str, str]) -> date | None:
    given = request.form.get(name, "").strip()
    try:
        return date.fromisoformat(given) if given else None
    except ValueError:
        faults[name] = words()("sender.bad_day")
        return None
