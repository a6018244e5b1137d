"""Adding the member card to a phone's wallet. Where no certificates are configured, there is no button."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import Blueprint, Response, redirect, url_for
from flask.typing import ResponseReturnValue

from plugin_server.db.customers import benefits
from plugin_server.db.merchant import brand
from plugin_server.db.merchant.people import Person
from plugin_server.db.session import tenant
from plugin_server.settings import Settings
from plugin_server.wallet import apple, google
from plugin_server.wallet.apple import AppleSigner, BadCertificate
from plugin_server.wallet.google import BadAccount, GoogleSigner
from plugin_server.wallet.member import MemberPass
from plugin_server.wallet.setup import missing
from plugin_server.web.card.visit import Visit, own
from plugin_server.web.context import page, services, words
from plugin_server.web.guards import requires
from plugin_server.web.ladder.rungs import public_names

pages = Blueprint("wallet", __name__)


@dataclass(frozen=True, slots=True)
class Readiness:
    """Whether a wallet's cards can be made: ``missing`` settings, or the ``fault`` of what they name."""

    missing: tuple[str, ...] = ()
    fault: str = ""
    ends_at: datetime | None = None

    @property
    def ready(self) -> bool:
        """True where the button stands on members' cards."""
        return not self.missing and not self.fault


@pages.get("/c/<token>/card.pkpass")
@own
def apple_pass(who: Visit) -> ResponseReturnValue:
    """The file that an iPhone adds to its wallet."""
    try:
        signer = _apple(services().settings, services().now())
    except BadCertificate:
        signer = None
    if signer is None or not _member(who):
        return _without(who)
    head = {"Content-Disposition": 'attachment; filename="member.pkpass"', "Cache-Control": "private, no-store"}
    return Response(apple.pkpass(_pass(who), signer), mimetype=apple.MIME, headers=head)


@pages.get("/c/<token>/wallet")
@own
def google_link(who: Visit) -> ResponseReturnValue:
    """On to Google, with the card signed in the address."""
    try:
        signer = _google(services().settings)
    except BadAccount:
        signer = None
    if signer is None or not _member(who):
        return _without(who)
    origin = services().settings.public_url
    return redirect(google.save_link(_pass(who), signer, origin=origin, now=services().now()))


@pages.get("/settings/wallet")
@requires("viewer")
def show(_who: Person) -> ResponseReturnValue:
    """For each wallet: ready, or what is missing."""
    settings, now = services().settings, services().now()
    found: Mapping[str, Readiness] = {
        "apple": _readiness(missing(settings, "apple"), lambda: _apple(settings, now)),
        "google": _readiness(missing(settings, "google"), lambda: _google(settings)),
    }
    return page("wallet.html", section="settings", found=found)


def _readiness(lacking: tuple[str, ...], load: Callable[[], AppleSigner | GoogleSigner | None]) -> Readiness:
    if lacking:
        return Readiness(lacking)
    try:
        signer = load()
    except (BadCertificate, BadAccount) as error:
        return Readiness(fault=str(error))
    return Readiness(ends_at=signer.ends_at if isinstance(signer, AppleSigner) else None)


def _apple(settings: Settings, now: datetime) -> AppleSigner | None:
    made, key = settings.apple_pass_certificate, settings.apple_pass_key
    between = settings.apple_intermediate_certificate
    return apple.load(made, key, between, now) if made and key and between else None


def _google(settings: Settings) -> GoogleSigner | None:
    issuer, account = settings.google_wallet_issuer, settings.google_wallet_account
    return google.load(issuer, account) if issuer and account else None


def _without(who: Visit) -> ResponseReturnValue:
    """The card to keep and print instead, and a word about it; who has none is led back to their page."""
    return (who.page("card_member.html", note=words()("wallet.none_here")), 404) if _member(who) else who.back()


def _member(who: Visit) -> bool:
    return bool(who.card.customer.member_since and who.card.customer.member_number)


def _pass(who: Visit) -> MemberPass:
    """The card in its member's own words and the shop's colour."""
    t, person, shop = words(), who.card.customer, who.card.shop
    with tenant(services().engine, who.merchant_id) as conn:
        rungs = public_names(conn, who.merchant_id, t.language)
        lines = benefits.of_rung(conn, person.rung, t.language, shop.locale)
        worn = brand.of(conn).color
    here: Any = next((rung for rung in rungs if rung.key == person.rung), None)
    rung = here.name if here else ""
    return MemberPass(
        key=f"{who.merchant_id}-{person.id}",
        shop=shop.name,
        name=f"{person.first_name} {person.last_name}".strip() or person.member_number,
        number=person.member_number,
        rung=rung,
        since=t.date(person.member_since),
        card_url=f"{services().settings.public_url}{url_for('customer_card.show', token=who.token)}",
        labels={
            "member": t("card.member_number"), "rung": t("wallet.rung", date=t.date(services().now())),
            "since": t("wallet.since"), "card": t("wallet.card"), "benefits": t("face.benefits", rung=rung),
        },
        benefits=lines,
        colour=worn.removeprefix("#").lower() or MemberPass.OURS,
    )  # fmt: skip
