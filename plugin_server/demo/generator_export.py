"""Files that a shop keeper could have: the imported contacts list, and, for us alone, the truth behind the shop."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import asdict

from plugin_server.demo.generator_types import ShopData, Standing

CONTACT_COLUMNS = (
    "email", "name", "phone", "country", "language", "birthday", "consent", "consent_at", "consent_source", "tags"
)  # fmt: skip


def contacts_csv(data: ShopData) -> str:
    """The Suspects as a contacts file for `tangga import contacts`; none of them ever confirmed a subscription."""
    out = io.StringIO()
    sheet = csv.writer(out, lineterminator="\n")
    sheet.writerow(CONTACT_COLUMNS)
    for person in data.people:
        if person.standing is Standing.SUSPECT and person.consent:
            consent = person.consent
            sheet.writerow(
                (
                    person.email,
                    f"{person.first_name} {person.last_name}".strip(),
                    person.phone,
                    "ID",
                    person.language,
                    person.birthday.isoformat() if person.birthday else "",
                    consent.state,
                    consent.at.isoformat(),
                    consent.source,
                    "bazaar",
                )
            )
    return out.getvalue()


def campaigns_json(data: ShopData) -> str:
    """The campaigns of the past as a shop keeper could have written them down: who was in which arm, no effects."""
    made = []
    for one in data.trials:
        known = {name: value for name, value in asdict(one).items() if name != "effects"}
        made.append(known | {"began": one.began.isoformat()})
    return json.dumps(made)


def effects_json(data: ShopData) -> str:
    """The true effects of these campaigns on the share of buyers, by rung; the product never reads this file."""
    return json.dumps({one.key: one.effects for one in data.trials})


def truth_jsonl(data: ShopData) -> str:
    """One JSON object per contact with its latent traits and its rung; the product never reads this file."""
    return "".join(json.dumps(asdict(truth)) + "\n" for truth in data.truths)
