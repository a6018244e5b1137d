"""The guards that a business's new campaigns begin with: quiet hours, frequency cap, margin, discount fatigue."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import Connection, text

NAMES: Final = ("quiet_hours", "frequency_cap", "margin_floor", "discount_share", "discount_fatigue")
"""Of ``Guards``: those that are the same for all campaigns of most businesses."""


def of(conn: Connection) -> dict[str, Any]:
    """Its own guards as plain data; empty where it never chose any."""
    return dict(conn.scalar(text("SELECT settings -> 'guards' FROM merchant")) or {})


def save(conn: Connection, guards: Mapping[str, Any]) -> None:
    """Keep them, as ``schema.dump`` gives them. Campaigns that are there already keep theirs."""
    told = json.dumps({name: guards[name] for name in NAMES})
    conn.execute(
        text("UPDATE merchant SET settings = settings || jsonb_build_object('guards', CAST(:told AS jsonb))"),
        {"told": told},
    )


def begun_with(conn: Connection, guards: Mapping[str, Any], chosen: Mapping[str, Any]) -> dict[str, Any]:
    """``guards`` of a new campaign with the business's own, but for those its recipe has ``chosen``."""
    return {**guards, **{name: value for name, value in of(conn).items() if name not in chosen}}
