"""What of a refund was for shipping, where the shop only names a sum.

A refund names goods, shipping, or nothing at all: money for a scratch, for the wait, out of goodwill. Such a sum was
for no goods in particular: nothing comes back, and it is shared over all that was paid, goods and shipping alike.
"""

from __future__ import annotations


def shipping_in_sum(loose: int, *, total: int, back: int, shipping: int, shipping_back: int) -> int:
    """What of ``loose``, the money given back for nothing named, was for shipping; all in minor units of one currency.

    ``total`` and ``shipping`` are what was to be paid, ``back`` all that went back (``loose`` within it) and
    ``shipping_back`` what of it is named as shipping. In proportion to what the named refunds leave, rounded down.
    """
    left, of = total - (back - loose), shipping - shipping_back
    return min(loose * of // left, loose, of) if min(loose, of, left) > 0 else 0
