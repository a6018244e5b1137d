"""The style sheet of customers' pages, within the page itself: on a slow phone a second request is half a second.

The policy names the sheet by its hash (CSP 3, §6.7.3.3), so that nothing else that stands within a page is obeyed.
"""

from __future__ import annotations

import hashlib
import re
from base64 import b64encode
from functools import lru_cache
from pathlib import Path
from typing import Final

from flask import current_app, g, url_for
from markupsafe import Markup

from plugin_server.db.merchant.brand import Brand

_NAMED: Final = re.compile(r'url\("?\./([^")]+)"?\)')
"""A file beside the built sheet, which within a page must be named from the root."""


def worn(brand: Brand | None) -> Markup:
    """The sheet with a shop's colour, as a ``<style>`` element; the answer's policy allows exactly this one.

    The colour is worn by day only, for in the dark it could not be read.
    """
    at = url_for("static", filename="dist/")
    text = _built(Path(str(current_app.static_folder)), at, current_app.extensions["tangga_assets"])
    if brand and brand.color:
        text += f"@media print,(prefers-color-scheme:light){{:root{{--accent:{brand.color}}}}}"
    g.sheet = f"'sha256-{b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
    # Our own build and a checked colour (db.merchant.brand.checked_color): nothing of anybody's is in it.
    return Markup("<style>{}</style>").format(Markup(text))  # noqa: S704


def allowed(policy: str) -> str:
    """A policy that allows the sheet of this answer, if it carries one."""
    return policy.replace("style-src 'self'", f"style-src {g.sheet}") if "sheet" in g else policy


@lru_cache(maxsize=4)
def _built(folder: Path, at: str, stamp: str) -> str:
    """The built sheet with its fonts named from the root; ``stamp`` changes with the files."""
    del stamp
    css = (folder / "dist" / "customer.css").read_text(encoding="utf-8").strip()
    return _NAMED.sub(rf"url({at}\1)", css)
