"""What all parts of a campaign share."""

from __future__ import annotations

import re

from pydantic import BaseModel, ConfigDict


class Part(BaseModel):
    """A part of a campaign: unknown keys are refused, values do not change afterwards."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)


def clock(value: object) -> object:
    """A time of day as text: ``9:00`` becomes ``09:00``, and 1260, YAML's reading of 21:00, becomes that again."""
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1440:
        return f"{value // 60:02}:{value % 60:02}"
    return f"0{value}" if isinstance(value, str) and re.fullmatch(r"\d:\d\d", value) else value
