"""Series to test with."""

from __future__ import annotations

from typing import Any

from campaigns.schema import Campaign, parse


def letter(subject: str = "Hello {{ customer.first_name }}", **more: Any) -> dict[str, Any]:
    """A short mail in three languages; ``more`` goes into its step."""
    body = {"html": f"<p>{subject}</p><a href='{{{{ links.shop }}}}'>shop</a>"}
    wordings = {language: {"subject": f"{subject} {language}", **body} for language in ("en", "id", "nl")}
    return {"kind": "message", "message": wordings, **more}


BOUGHT_MORE = {"kind": "cmp", "fact": "orders", "op": ">=", "value": 2}
OFFER = {"kind": "percentage", "value": "10", "valid_days": 21}


def campaign(*steps: dict[str, Any], **changes: Any) -> Campaign:
    """A series for everybody, started by hand, without quiet hours, cap and holdout."""
    document = {
        "key": "series",
        "trigger": {"kind": "once"},
        "steps": list(steps),
        "guards": {"quiet_hours": None, "frequency_cap": None},
        "measure": {"holdout": 0},
    }
    return parse(document | changes)
