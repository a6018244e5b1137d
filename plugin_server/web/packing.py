"""Text packed for the way: a customer's phone on a slow net waits for bytes, and a page of ours is mostly words.

Only customers' own pages and built assets: pages behind a log-in carry form tokens beside what a visitor typed, which
packed together would let a listener guess the token (the BREACH attack). A customer's page repeats nothing typed.
"""

from __future__ import annotations

import gzip
from functools import lru_cache
from pathlib import Path

from flask import Flask, Response, current_app, request

CUSTOMERS = ("/c/", "/r/", "/d/", "/join/")
LEAST = 700
"""Below it the answer fits one packet anyway."""
TEXTS = ("text/", "application/javascript", "image/svg+xml")


def install(app: Flask) -> None:
    """Pack what may be packed, for whoever takes it so."""
    app.after_request(_pack)


def _pack(response: Response) -> Response:
    own = request.path.startswith(CUSTOMERS) and request.method == "GET"
    if not (own or request.endpoint == "static") or not (response.mimetype or "").startswith(TEXTS):
        return response
    response.vary.add("Accept-Encoding")
    bare = response.status_code != 200 and not own
    if bare or not request.accept_encodings.quality("gzip") or response.content_encoding:
        return response
    body = _built(request.view_args) if request.endpoint == "static" else _now(response.get_data())
    if body is None:
        return response
    if close := getattr(response.response, "close", None):
        close()
    response.direct_passthrough = False
    response.set_data(body)
    response.content_encoding = "gzip"
    if tag := response.get_etag()[0]:
        response.set_etag(tag, weak=True)
    return response


def _now(body: bytes) -> bytes | None:
    return gzip.compress(body, 6, mtime=0) if len(body) >= LEAST else None


def _built(named: dict[str, str] | None) -> bytes | None:
    name, folder = (named or {}).get("filename", ""), current_app.static_folder
    return _packed(Path(str(folder)), name, current_app.extensions["tangga_assets"]) if folder else None


@lru_cache(maxsize=64)
def _packed(folder: Path, name: str, stamp: str) -> bytes | None:
    """A built file, packed once per build: ``stamp`` changes with the files."""
    del stamp
    return _now((folder / name).read_bytes())
