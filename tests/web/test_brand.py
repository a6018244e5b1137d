"""A business's colour and logo: what is refused, and where they are worn."""

from __future__ import annotations

import contextlib
import io
import struct
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from campaigns.mail.branding import ACCENT, Look, branded
from campaigns.recipes import holiday_discount, recipes
from plugin_server.db.merchant import brand
from plugin_server.db.merchant.brand import BadBrand, checked_color, checked_logo, contrast_with_white
from plugin_server.db.session import tenant
from plugin_server.jobs.sending import compose, samples
from plugin_server.vault import CustomerLink, customer_token
from plugin_server.wiring import Services
from tests.web.conftest import Visitor


def png(wide: int, high: int) -> bytes:
    """The head of a picture and something behind it."""
    return b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + struct.pack(">II", wide, high) + b"0" * 100


PNG = png(160, 48)
PURPLE = "#7A1F5C"


def test_contrast_is_that_of_wcag() -> None:
    assert contrast_with_white("#000000") == pytest.approx(21)
    assert contrast_with_white("#FFFFFF") == pytest.approx(1)
    # WebAIM's contrast checker gives 4.48 for #777777 and 4.54 for #767676.
    assert contrast_with_white("#777777") == pytest.approx(4.48, abs=0.005)
    assert contrast_with_white("#767676") == pytest.approx(4.54, abs=0.005)


@given(st.text(max_size=8))
def test_a_colour_is_kept_only_where_it_can_be_read(given: str) -> None:
    try:
        kept = checked_color(given)
    except BadBrand:
        return
    assert kept == "" or (len(kept) == 7 and contrast_with_white(kept) >= 4.5)


@pytest.mark.parametrize(
    ("sent", "fault"),
    [
        ({"color": "#FFEE00"}, "White letters on it could not be read"),
        ({"color": "green"}, "Write it as # and six digits"),
        ({"color": "", "logo": (io.BytesIO(b"<svg onload=alert(1)>"), "a.png")}, "This is no PNG"),
        ({"color": "", "logo": (io.BytesIO(PNG + b"0" * 300_000), "a.png")}, "larger than 300 kB"),
        ({"color": "", "logo": (io.BytesIO(PNG[:20]), "a.png")}, "This is no PNG"),
        ({"color": "", "logo": (io.BytesIO(png(100, 201)), "a.png")}, "twice as tall as it is wide"),
        ({"color": "", "logo": (io.BytesIO(png(4001, 48)), "a.png")}, "more than 4,000 pixels wide"),
    ],
)
def test_what_cannot_be_worn_is_refused_beside_its_field(
    app: Services, merchant: int, logged_in: Callable[[str], Visitor], sent: dict[str, object], fault: str
) -> None:
    owner = logged_in("owner")
    answer = owner.post("/settings/brand", sent, content_type="multipart/form-data")
    assert answer.status_code == 422
    assert fault in answer.text
    with tenant(app.engine, merchant) as connection:
        assert not brand.of(connection)


JPEG = b"\xff\xd8\xff\xe0\x00\x04JF\xff\xff\xc4\x00\x03x\xff\xc2\x00\x11\x08" + struct.pack(">HH", 48, 160)


def test_the_shape_of_each_kind_is_read() -> None:
    assert checked_logo(JPEG).endswith(".jpg")
    assert checked_logo(b"GIF89a" + struct.pack("<HH", 4000, 8000)).endswith(".gif")
    tall = JPEG[:-4] + struct.pack(">HH", 321, 160)
    for wrong, why in (
        (tall, "no_shape"),
        (JPEG[:-4], "no_picture"),
        (JPEG[:8], "no_picture"),
        (b"GIF89a", "no_picture"),
    ):
        with pytest.raises(BadBrand) as refused:
            checked_logo(wrong)
        assert refused.value.why == why


@given(st.sampled_from([b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF89a"]), st.binary(max_size=60))
def test_a_broken_picture_is_taken_or_refused(start: bytes, rest: bytes) -> None:
    with contextlib.suppress(BadBrand):
        checked_logo(start + rest)


def test_mails_and_customers_pages_wear_it(
    app: Services, merchant: int, logged_in: Callable[[str], Visitor], visitor: Visitor
) -> None:
    owner = logged_in("owner")
    sent = {"color": PURPLE.lower(), "logo": (io.BytesIO(PNG), "logo.png")}
    assert owner.post("/settings/brand", sent, content_type="multipart/form-data").status_code == 302
    with tenant(app.engine, merchant) as connection:
        worn = brand.of(connection)
        customer = connection.scalar(
            text("INSERT INTO customer (merchant_id, first_name) VALUES (:m, 'Siti') RETURNING id"), {"m": merchant}
        )
        mail = samples.preview_mail(
            connection, holiday_discount("eid_al_fitr").campaign, public_url="https://t.example", now=app.now(),
            language="en",
        )  # fmt: skip
    assert worn.color == PURPLE
    picture = visitor.client.get(f"/brand/{merchant}/{worn.logo}")
    assert (picture.data, picture.content_type) == (PNG, "image/png")
    assert "immutable" in picture.headers["Cache-Control"]
    assert f"https://t.example/brand/{merchant}/{worn.logo}" in mail.html
    assert PURPLE in mail.html
    assert ACCENT not in mail.html
    page = visitor.get(f"/c/{customer_token(app.settings.keys, CustomerLink(merchant, customer))}").text
    assert f"/brand/{merchant}/{worn.logo}" in page
    assert f"--accent:{PURPLE}" in page
    joining = visitor.get(f"/join/{merchant}").text
    assert f"/brand/{merchant}/{worn.logo}" in joining
    assert f"--accent:{PURPLE}" in joining
    assert visitor.get(f"/brand/{merchant + 1}/{worn.logo}").status_code == 404
    owner.post("/settings/brand", {"color": "", "no_logo": "1"}, content_type="multipart/form-data")
    with tenant(app.engine, merchant) as connection:
        assert not brand.of(connection)


@pytest.mark.parametrize("key", [one.key for one in recipes()])
def test_every_recipe_can_wear_it(key: str) -> None:
    campaign = next(one for one in recipes() if one.key == key).campaign
    for language in campaign.message:
        worn = compose.compiled(campaign, language, look=Look(PURPLE, "https://t.example/logo.png"))
        assert worn.variables >= compose.compiled(campaign, language).variables


def test_a_logo_is_put_in_once_and_cannot_break_out() -> None:
    source = '<mjml><mj-body width="600px"><mj-section></mj-section></mj-body></mjml>'
    made = branded(source, Look(logo='https://x/"><script>'))
    assert made.count("<mj-image") == 1
    assert "<script>" not in made
    assert branded(source, Look()) == source
