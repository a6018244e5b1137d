"""What a process keeps for as long as it lives: loaded before the first request, and no work for the collector."""

from __future__ import annotations

import gc
from importlib import import_module

from babel import localedata
from sqlalchemy.orm import configure_mappers

from plugin_server.locales import LANGUAGES, catalogue

LATE = ("holidays.countries",)
"""Modules that libraries load when they are first needed: 280 of them, a quarter of a second in somebody's request."""


def load() -> None:
    """Load what would be loaded by the first request that needs it. Before a fork that is done once for all workers."""
    for name in LATE:
        import_module(name)
    configure_mappers()
    for language in LANGUAGES:
        catalogue(language)
        localedata.load(language)


def settle() -> None:
    """Call it when all code is loaded. A full collection went through 230,000 lasting objects: 0.17 s of processor,
    in the middle of somebody's request. Called before a fork it also keeps those pages shared (``gc.freeze``)."""
    gc.collect()
    gc.freeze()
