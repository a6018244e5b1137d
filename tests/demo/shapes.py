"""Comparing answers by their shape: the same keys with the same kinds of values, whatever the values are."""

from __future__ import annotations

from typing import Any

# Free-form by nature: any JSON may stand there.
_FREE = {"meta_data", "routes", "image", "customer"}


def kind(value: Any) -> str:
    """The JSON type, numbers being one."""
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float):
        return "number"
    return type(value).__name__


def differences(real: Any, ours: Any, at: str = "", *, partial: bool = False) -> list[str]:
    """Where ``ours`` differs in shape from ``real``; None fits everything, an empty list fits every list.

    With ``partial`` ours may leave keys out (what it has must still fit).
    """
    if real is None or ours is None:
        return []
    if isinstance(real, dict) and isinstance(ours, dict):
        return _objects(real, ours, at, partial=partial)
    if isinstance(real, list) and isinstance(ours, list):
        return differences(real[0], ours[0], f"{at}[0]", partial=partial) if real and ours else []
    return [] if kind(real) == kind(ours) else [f"{at}: {kind(real)} in the recording, {kind(ours)} here"]


def _objects(real: dict[str, Any], ours: dict[str, Any], at: str, *, partial: bool) -> list[str]:
    found = [f"{at}.{key} is ours alone" for key in ours if key not in real]
    if not partial:
        found += [f"{at}.{key} is missing" for key in real if key not in ours]
    for key in real.keys() & ours.keys() - _FREE:
        found += differences(real[key], ours[key], f"{at}.{key}", partial=partial)
    return found
