"""The builder's form, filled in as for a campaign."""

from __future__ import annotations

from typing import Any

from campaigns.recipes import holiday_discount
from campaigns.schema import Campaign, dump
from plugin_server.web.campaigning.fields import fields_of


def filled(campaign: Campaign | None = None, **changed: Any) -> dict[str, Any]:
    """The fields of a campaign (default: a thank-you before Lebaran), with some changed.

    Names as in the form, with ``__`` for a dot: ``offer__minimum="5"``.
    """
    made = fields_of(dump(campaign or holiday_discount("eid_al_fitr").campaign)).to_dict(flat=False)
    return {**made, **{name.replace("__", "."): value for name, value in changed.items()}}
