"""The guards that new campaigns begin with: an owner sets them once for the whole business."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from flask import Blueprint, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.datastructures import MultiDict

from campaigns.recipes import holiday_discount
from campaigns.schema import BadCampaign, dump, parse
from plugin_server.db.campaigning import usual_guards
from plugin_server.db.merchant import audit_log
from plugin_server.db.merchant.people import Person
from plugin_server.db.session import tenant
from plugin_server.web.campaigning import faults as campaign_faults
from plugin_server.web.campaigning.fields import Fields, guard_fields, read_guards
from plugin_server.web.context import page, services, words
from plugin_server.web.guards import requires

pages = Blueprint("usual_guards", __name__)
PLAIN: Final = {key: value for key, value in holiday_discount().document.items() if key != "guards"}
"""A campaign to read guards with: they are checked as those of any."""


@dataclass(frozen=True, slots=True)
class Form:
    """The fields as text, as the builder's form has them."""

    given: Fields
    faults: Mapping[str, str]
    at: str = ""

    def v(self, name: str, otherwise: str = "") -> str:
        """What stands in a field."""
        return self.given.get(name, otherwise)

    def has(self, name: str, value: str = "1") -> bool:
        """Whether a choice is made."""
        return value in self.given.getlist(name)


@pages.get("/settings/guards")
@requires("viewer")
def show(who: Person) -> ResponseReturnValue:
    """The guards as they are; owners may change them."""
    with tenant(services().engine, who.merchant_id) as connection:
        kept = usual_guards.of(connection)
    return _page(MultiDict(guard_fields(_guards({}) | kept)), {})


@pages.post("/settings/guards")
@requires("owner")
def save(who: Person) -> ResponseReturnValue:
    """Keep them, or show each problem beside its field."""
    try:
        made = _guards(read_guards(request.form, {}, words().language))
    except BadCampaign as error:
        return _page(request.form, campaign_faults.by_field(error.problems, request.form, words())), 422
    with tenant(services().engine, who.merchant_id) as connection:
        usual_guards.save(connection, made)
        audit_log.record(connection, who.merchant_id, actor=who.email, action="settings_changed", subject="guards")
    flash(words()("settings.saved"), "good")
    return redirect(url_for("usual_guards.show"))


def _guards(given: Mapping[str, Any]) -> dict[str, Any]:
    """Checked, with all defaults. Raises ``BadCampaign``."""
    guards: dict[str, Any] = dump(parse({**PLAIN, "guards": dict(given)}))["guards"]
    return guards


def _page(given: Fields, faults: Mapping[str, str]) -> str:
    return page("usual_guards.html", section="settings", form=Form(given, faults))
