"""What tests of files share."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from plugin_server.jobs.reading.imports import OrdersFile, import_orders
from tests.data.making import Shop


@pytest.fixture
def give(shop: Shop, tmp_path: Path) -> Any:
    """Import a text (or bytes) as a file; gives the answer."""

    def give(content: str | bytes, name: str = "orders.csv", **told: Any) -> dict[str, Any]:
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return import_orders(shop.app, shop.merchant, OrdersFile(path, shop.store, **told))

    return give
