"""Links into a shop say which campaign led there; all others stay as they are."""

from __future__ import annotations

from html import unescape

import pytest

from campaigns.mail.compose import compile_message
from campaigns.mail.mjml import compile_mjml
from campaigns.mail.tagging import SHOP, tagged

SHOPS, UTM = ("https://toko.example", SHOP), {"utm_source": "tangga", "utm_campaign": "hello 1&2"}
MORE = "utm_source=tangga&amp;utm_campaign=hello%201%262"


@pytest.mark.parametrize(
    ("address", "becomes"),
    [
        ("https://toko.example", f"https://toko.example?{MORE}"),
        ("HTTPS://Toko.Example/tea", f"HTTPS://Toko.Example/tea?{MORE}"),
        ("https://toko.example/tea?a=1#top", f"https://toko.example/tea?a=1&amp;{MORE}#top"),
        ("{{ links.shop }}", f"{{{{ links.shop }}}}?{MORE}"),
        ("{{links.shop}}/tea", f"{{{{ links.shop }}}}/tea?{MORE}"),
        ("https://toko.example/?utm_source=own", None),
        ("https://toko.example.evil.test/", None),
        ("https://elsewhere.example/https://toko.example", None),
        ("{{ links.unsubscribe }}", None),
        ("mailto:a@toko.example", None),
    ],
)
def test_only_links_to_the_shop_are_tagged(address: str, becomes: str | None) -> None:
    for mark in "\"'":
        source = f"<mj-button href={mark}{address}{mark}>x</mj-button><a class='b' href = {mark}{address}{mark}>y</a>"
        assert tagged(source, SHOPS, UTM) == source.replace(address, becomes or address)
        assert tagged(source, (), UTM) == source


def test_a_tagged_source_compiles() -> None:
    source = '<mjml><mj-body><mj-section><mj-column><mj-button href="{{ links.shop }}">Go</mj-button></mj-column></mj-section></mj-body></mjml>'  # noqa: E501
    assert "utm_campaign=hello%201%262" in compile_mjml(tagged(source, SHOPS, UTM)).html


@pytest.mark.parametrize("mark", ['"', "'"])
@pytest.mark.parametrize(("way", "joint"), [("https://toko.example/back?key=1", "&"), ("https://toko.example", "?")])
def test_the_way_back_to_a_basket_is_tagged_whatever_it_asks_for(mark: str, way: str, joint: str) -> None:
    source = f"<mjml><mj-body><mj-section><mj-column><mj-button href={mark}{{{{ cart.url }}}}{mark}>Go</mj-button></mj-column></mj-section></mj-body></mjml>"  # noqa: E501
    assert tagged(source, ("https://toko.example",), UTM) == source
    made = compile_message(tagged(source, SHOPS, UTM), "Hello", "", "en")
    html = made.render({"cart": {"url": way}}).html
    assert unescape(html).count(f'"{way}{joint}{unescape(MORE)}"') == 1
    batch = made.batch({}, [("1", {"cart": {"url": way}})], salt="abcdef")
    assert "".join(unescape(told) for told in batch.fragments["1"].values()).startswith(f"{way}{joint}")
