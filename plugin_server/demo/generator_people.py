"""Believable people: Indonesian names, towns and telephone numbers; addresses only at reserved domains."""

from __future__ import annotations

from collections import Counter
from datetime import date, datetime, timedelta
from random import Random

from plugin_server.demo.generator_types import Consent, ShopPerson, Standing


def _words(text: str) -> list[str]:
    return text.split()


_FIRST = _words(
    "Adi Agus Aisyah Andini Arif Ayu Bagas Bambang Bayu Budi Cahya Citra Dewi Dian Dimas Dinda Eka Endang Fajar Farah "
    "Fitri Galih Gita Hadi Hana Hendra Indah Intan Irfan Joko Kartika Kevin Laras Lestari Lia Made Maya Mega Melati "
    "Nadia Nanda Ningsih Novi Nur Oki Putri Putu Rahma Rangga Ratna Reza Rian Rina Rizky Sari Satria Sekar Sinta Siti "
    "Slamet Sri Surya Taufik Tia Tono Tri Umar Utami Vina Wahyu Wati Wayan Widya Wulan Yanti Yoga Yulia Yusuf Zahra "
    "Zainal"
)
_LAST = _words(
    "Anggraini Aritonang Astuti Basuki Cahyono Darmawan Fauzi Firmansyah Ginting Gunawan Hakim Halim Handayani Harahap "
    "Hartono Hasanah Hidayat Irawan Iskandar Kurniawan Kusuma Lubis Mahendra Maulana Mulyani Nasution Nugroho Pangestu "
    "Permata Pertiwi Pradana Pranata Prasetyo Pratama Purnomo Puspita Rahardjo Rahayu Rahman Rahmawati Ramadhan "
    "Saputra Santoso Sembiring Setiawan Siregar Situmorang Subekti Sudirman Suharto Sulistyo Suryani Susanto Sutrisno "
    "Tambunan Utomo Wibowo Widodo Wijaya Wulandari Yulianto"
)
_TOWNS = (
    ("Jakarta Selatan", "JK", "12"),
    ("Jakarta Barat", "JK", "11"),
    ("Bandung", "JB", "40"),
    ("Bekasi", "JB", "17"),
    ("Bogor", "JB", "16"),
    ("Semarang", "JT", "50"),
    ("Surakarta", "JT", "57"),
    ("Yogyakarta", "YO", "55"),
    ("Surabaya", "JI", "60"),
    ("Malang", "JI", "65"),
    ("Denpasar", "BA", "80"),
    ("Medan", "SU", "20"),
    ("Makassar", "SN", "90"),
    ("Balikpapan", "KI", "76"),
)
_STREETS = _words(
    "Melati Kenanga Mawar Anggrek Cempaka Diponegoro Sudirman Kartini Gatot-Subroto Pahlawan Merdeka Veteran"
)
_DOMAINS = ("surat.test", "posel.test", "kotakpos.test", "rumah.example", "contoh.test")
_SOURCES = ("checkout", "footer form", "pop-up", "bazaar", "WhatsApp chat")


class People:
    """Draws people one after another; no e-mail address comes twice."""

    def __init__(self, rng: Random) -> None:
        self._rng = rng
        self._taken: Counter[str] = Counter()

    def draw(self, standing: Standing, seen: datetime, now: datetime) -> ShopPerson:
        """One new person whom the shop met at ``seen``; without account, membership and referrer as yet."""
        rng = self._rng
        first = rng.choice(_FIRST)
        last = "" if rng.random() < 0.06 else rng.choice(_LAST)
        city, state, zone = rng.choice(_TOWNS)
        return ShopPerson(
            standing=standing,
            first_name=first,
            last_name=last,
            email=self._address(first, last),
            phone=f"08{rng.randint(11, 59)}{rng.randint(1_000_000, 99_999_999)}",
            address=f"Jl. {rng.choice(_STREETS).replace('-', ' ')} No. {rng.randint(1, 180)}",
            city=city,
            state=state,
            postcode=f"{zone}{rng.randint(110, 990)}",
            language=rng.choices(("id", "en", "nl"), (92, 6, 2))[0],
            birthday=_birthday(rng) if rng.random() < 0.38 else None,
            consent=_consent(rng, standing, seen, now),
        )

    def _address(self, first: str, last: str) -> str:
        name = ".".join(part.lower() for part in (first, last) if part)
        self._taken[name] += 1
        copies = self._taken[name]
        return f"{name}{copies if copies > 1 else ''}@{self._rng.choice(_DOMAINS)}"


def _birthday(rng: Random) -> date:
    return date(rng.randint(1958, 2006), 1, 1) + timedelta(days=rng.randrange(365))


def _consent(rng: Random, standing: Standing, seen: datetime, now: datetime) -> Consent | None:
    """E-mail consent of 62 %, confirmed by 78 % of those, withdrawn by 5 %; Suspects never confirmed anything."""
    if standing is Standing.SUSPECT:
        return Consent("pending", seen, "imported list")
    if rng.random() >= 0.62:
        return None
    source = rng.choice(_SOURCES)
    if rng.random() >= 0.78:
        return Consent("pending", seen, source)
    if rng.random() < 0.05:
        return Consent("unsubscribed", seen + (now - seen) * rng.random(), source)
    return Consent("subscribed", min(seen + timedelta(minutes=rng.randint(1, 600)), now), source)
