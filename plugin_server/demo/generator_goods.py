"""The goods of Toko Senja: fashion in sizes, supplements with their days of supply, and the shop's own codes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from plugin_server.demo.generator_types import Family, ShopCategory, ShopCoupon, ShopProduct, ShopVariation

CATEGORIES = (
    ShopCategory(15, "Busana", "busana"),
    ShopCategory(16, "Atasan & Tunik", "atasan-tunik", parent=15),
    ShopCategory(17, "Hijab & Aksesori", "hijab-aksesori", parent=15),
    ShopCategory(18, "Batik", "batik", parent=15),
    ShopCategory(19, "Suplemen", "suplemen"),
    ShopCategory(20, "Vitamin", "vitamin", parent=19),
    ShopCategory(21, "Herbal", "herbal", parent=19),
)

SIZES = ("S", "M", "L", "XL")

# name, SKU, category, price, unit cost, one line for the shop window
_FASHION = (
    ("Kemeja Batik Parang", "BTK-PARANG", 18, 289_000, 138_000, "Katun halus, motif parang dari Solo."),
    ("Blus Batik Kawung", "BTK-KAWUNG", 18, 249_000, 119_000, "Potongan santai, motif kawung."),
    ("Tunik Linen Senja", "TNK-LINEN", 16, 219_000, 101_000, "Linen ringan untuk hari panas."),
    ("Kemeja Koko Damar", "KKO-DAMAR", 16, 199_000, 92_000, "Kerah sanghai, jahitan rapi."),
    ("Gamis Kenanga", "GMS-KENANGA", 16, 349_000, 171_000, "Jatuh lembut, saku di samping."),
    ("Celana Kulot Arimbi", "KLT-ARIMBI", 16, 179_000, 83_000, "Pinggang karet, tidak perlu disetrika."),
    ("Hijab Voal Melati", "HJB-MELATI", 17, 79_000, 31_000, "Voal tegak di dahi, tidak menerawang."),
    ("Pasmina Sutra Ayu", "PSM-AYU", 17, 119_000, 52_000, "Kilau lembut untuk acara keluarga."),
    ("Tas Anyam Purun", "TAS-PURUN", 17, 149_000, 74_000, "Anyaman tangan dari Kalimantan."),
    ("Kaos Kaki Bambu", "KKI-BAMBU", 17, 39_000, 14_000, "Serat bambu, tidak berbau."),
)
_SIZELESS = {"HJB-MELATI", "PSM-AYU", "TAS-PURUN", "KKI-BAMBU"}

# name, SKU, category, price, unit cost, days of supply of one unit, one line
_SUPPLEMENT = (
    ("Vitamin C 500, 30 kapsul", "VTC-30", 20, 89_000, 34_000, 30, "Satu kapsul sehari, cukup sebulan."),
    ("Multivitamin Harian, 60 tablet", "MLT-60", 20, 159_000, 66_000, 60, "Satu tablet sehari, dua bulan."),
    ("Vitamin D3, 30 kapsul", "VTD-30", 20, 119_000, 47_000, 30, "Untuk yang jarang kena matahari."),
    ("Minyak Ikan Omega-3, 30 kapsul", "OMG-30", 20, 149_000, 64_000, 30, "Tanpa rasa amis."),
    ("Kolagen Bubuk, 20 saset", "KLG-20", 20, 229_000, 104_000, 20, "Satu saset sehari."),
    ("Temulawak, 30 kapsul", "TML-30", 21, 69_000, 24_000, 30, "Ekstrak temulawak dari Wonogiri."),
    ("Jahe Merah Serbuk, 15 saset", "JHM-15", 21, 49_000, 17_000, 15, "Hangat di pagi hari."),
    ("Madu Hutan Sumbawa 350 g", "MDU-350", 21, 129_000, 61_000, 25, "Dipanen lestari, tidak dipanaskan."),
    ("Kunyit Asam, 30 kapsul", "KYT-30", 21, 75_000, 27_000, 30, "Resep lama dalam kapsul."),
)

_COUPONS = (
    ("senja10", True, 10),
    ("gajian15", True, 15),
    ("hemat25", False, 25_000),
    ("lebaran20", True, 20),
    ("harbolnas12", True, 12),
)


def _slug(name: str) -> str:
    kept = "".join(letter if letter.isalnum() else " " for letter in name.lower())
    return "-".join(kept.split())


def _sizes(first_id: int, sku: str, price: int, cost: int) -> tuple[ShopVariation, ...]:
    if sku in _SIZELESS:
        return ()
    return tuple(
        ShopVariation(first_id + at, size, f"{sku}-{size}", price + (10_000 if size == "XL" else 0), cost)
        for at, size in enumerate(SIZES)
    )


def catalogue(opened: datetime) -> tuple[ShopProduct, ...]:
    """Every product with its ids; the shop began to list them at ``opened``."""
    goods: list[ShopProduct] = []
    next_id = 101
    for name, sku, category, price, cost, blurb in _FASHION:
        sizes = _sizes(next_id + 1, sku, price, cost)
        goods.append(
            ShopProduct(
                next_id, name, _slug(name), sku, Family.FASHION, (15, category), price, cost, opened, blurb, None, sizes
            )
        )
        next_id += 1 + len(sizes)
    for name, sku, category, price, cost, days, blurb in _SUPPLEMENT:
        goods.append(
            ShopProduct(
                next_id, name, _slug(name), sku, Family.SUPPLEMENT, (19, category), price, cost, opened, blurb, days
            )
        )
        next_id += 1
    return tuple(goods)


def coming(sold: Sequence[ShopProduct], now: datetime) -> ShopProduct:
    """What the shop sells next: ready, but out of its catalogue, so that its link alone leads there."""
    last = max(one.id + len(one.variations) for one in sold)
    return ShopProduct(
        last + 1, "Wedang Uwuh, 20 saset", "wedang-uwuh-20-saset", "WUW-20", Family.SUPPLEMENT, (19, 21), 59_000,
        21_000, now - timedelta(days=3), "Rempah Imogiri, segera hadir.", 20,
    )  # fmt: skip


def coupons(first_id: int, opened: datetime) -> tuple[ShopCoupon, ...]:
    """The shop's own public codes, ids from ``first_id`` on."""
    return tuple(
        ShopCoupon(first_id + at, code, percent, amount, opened + timedelta(days=at))
        for at, (code, percent, amount) in enumerate(_COUPONS)
    )
