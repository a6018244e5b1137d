"""A shop that speaks Shopify's Admin API: the demo's second store, and the double the tests run against.

shop = ShopState()
stock(shop, generate(seed=1, customers=200, now=now))
with running_shop(shop) as origin: ...        # the custom app's token is ``shpat_demo``
"""

from plugin_server.demo.shopify_shop.faults import Faults
from plugin_server.demo.shopify_shop.grants import Grants
from plugin_server.demo.shopify_shop.server import running_shop
from plugin_server.demo.shopify_shop.state import ShopState
from plugin_server.demo.shopify_shop.stocking import stock

__all__ = ["Faults", "Grants", "ShopState", "running_shop", "stock"]
