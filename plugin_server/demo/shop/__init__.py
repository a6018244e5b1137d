"""A small shop that speaks WooCommerce: the demo's store, and the double the tests run against.

shop = ShopState()
stock(shop, generate(seed=1, customers=200, now=now))
key = shop.add_key()
with running_shop(shop) as url: ...
"""

from plugin_server.demo.shop.faults import Faults
from plugin_server.demo.shop.server import running_shop
from plugin_server.demo.shop.state import ShopState
from plugin_server.demo.shop.stocking import stock

__all__ = ["Faults", "ShopState", "running_shop", "stock"]
