"""Our pages below a path that names a shop: what the shop's admin shows in its frame carries the shop in every address.

``/shopify/{shop}/customers`` is ``/customers`` served for that shop: links, forms and redirects keep the path because
it is the root the application is mounted at. The path proves nothing; each request proves itself by its ID token.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any

Wsgi = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]
KEY = "tangga.shop"
PATH = re.compile(
    r"(?:/shopify)?/shopify/([a-z0-9][a-z0-9-]{0,98}[a-z0-9]\.myshopify\.com)(/.*)?", re.ASCII | re.DOTALL
)


class FramePath:
    """Takes the shop out of the path, into ``environ[KEY]``.

    A deep link of the admin is taken as well where it stands below ``application_url``, which ends in ``/shopify``.
    """

    def __init__(self, application: Wsgi) -> None:
        self._application = application

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        environ.pop(KEY, None)
        if found := PATH.fullmatch(environ.get("PATH_INFO", "")):
            environ["SCRIPT_NAME"] = f"{environ.get('SCRIPT_NAME', '')}/shopify/{found[1]}"
            environ["PATH_INFO"] = found[2] or "/"
            environ[KEY] = found[1]
        return self._application(environ, start_response)
