"""The catalogue of facts on a page: what rules may ask of a customer, in plain words, each ready to be asked."""

from __future__ import annotations

from flask import Blueprint

from campaigns.ladder.facts import CATALOGUE, Fact
from plugin_server.db.merchant.people import Person
from plugin_server.web.context import page, words
from plugin_server.web.guards import requires
from plugin_server.web.ladder.rule_form import GROUPS

pages = Blueprint("facts", __name__)


@pages.get("/segments/facts")
@requires("viewer")
def index(who: Person) -> str:  # noqa: ARG001 - whoever may look
    """All facts by what they are made of."""
    blocks: dict[tuple[str, str], list[Fact]] = {}
    for fact in CATALOGUE.values():
        blocks.setdefault((fact.kept, fact.source), []).append(fact)
    named = [
        (words()(f"fact_group.{group}"), words()(f"facts.from_{group}"), facts)
        for group, facts in zip(GROUPS, blocks.values(), strict=True)
    ]
    return page("facts.html", section="customers", groups=named)
