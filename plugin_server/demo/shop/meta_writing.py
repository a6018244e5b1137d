"""Writing meta_data, with the rules that surprise: same key overwrites, null deletes, numbers become text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from plugin_server.demo.shop.model import Meta
from plugin_server.demo.shop.state import ShopState

# Written as meta data of a customer these are really fields of the account, or refused in silence.
IGNORED_KEYS = frozenset({"wp_capabilities", "wp_user_level", "session_tokens"})


def _as_stored(value: Any) -> Any:
    if isinstance(value, bool):
        return "1" if value else ""
    return str(value) if isinstance(value, int | float) else value


def write_meta(
    shop: ShopState, entries: list[Meta], given: Sequence[dict[str, Any]] | None, *, hidden: bool
) -> dict[str, Any]:
    """Merge ``given`` into ``entries``. Keys with a leading underscore are kept only where ``hidden`` (orders).

    Returns the entries that were not stored because the shop ignores such keys.
    """
    ignored: dict[str, Any] = {}
    for item in given or ():
        key, value = str(item.get("key", "")), item.get("value")
        if key in IGNORED_KEYS or (key.startswith("_") and not hidden):
            ignored[key] = value
            continue
        old = next((entry for entry in entries if entry.id == item.get("id")), None) or next(
            (entry for entry in entries if entry.key == key), None
        )
        if value is None:
            if old is not None:
                entries.remove(old)
        elif old is not None:
            old.value = _as_stored(value)
        elif key:
            entries.append(Meta(shop.next_meta_id(), key, _as_stored(value)))
    return ignored
