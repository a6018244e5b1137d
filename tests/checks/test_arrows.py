"""Borders that import-linter cannot draw."""

from __future__ import annotations

import ast
import re

from tests.checks.measure import ROOT, Place, place, sources, tree

REACHING_OUT = {"Session", "Engine", "Connection", "create_engine", "Table", "MetaData"}
PROVIDERS = ("woocommerce", "sendgrid")
KNOWS_PROVIDERS = (
    "wiring.py",
    "settings.py",
    "web/shops/connect",
    "web/webhooks",
    "cli/",
    "db/models/store.py",
    "demo/",
    "bench/",
    "web/card/storefront.py",
)


def test_campaigns_use_of_sqlalchemy_only_its_expressions() -> None:
    reaching: list[Place] = []
    for path in sources("campaigns"):
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("sqlalchemy"):
                bad = REACHING_OUT & {alias.name for alias in node.names}
                if bad or re.match(r"sqlalchemy\.(orm|engine|ext)", node.module or ""):
                    reaching.append(place(path, node, f"{node.module}: {', '.join(sorted(bad))}"))
    assert not reaching, "\n".join(map(str, reaching))


def test_nothing_below_wiring_reads_the_clock() -> None:
    clock = re.compile(r"datetime\.(now|utcnow|today)\(|date\.today\(|time\.time\(|utc_now\(")
    readers = [
        str(path.relative_to(ROOT))
        for path in sources("campaigns", "plugin_server/db")
        if clock.search(path.read_text())
    ]
    assert not readers, "\n".join(readers)


def test_providers_are_named_only_where_they_are_wired() -> None:
    named = [
        str(path.relative_to(ROOT))
        for path in sources("plugin_server", "campaigns")
        if any(provider in path.read_text().lower() for provider in PROVIDERS)
        and not any(known in path.as_posix() for known in KNOWS_PROVIDERS)
        and "migrations" not in path.parts
    ]
    assert not named, "\n".join(named)
