"""The words and the look of mails made of blocks, one for all of them."""

from __future__ import annotations

from typing import Final

from campaigns.mail.frame import HEAD

WORDS: Final[dict[str, dict[str, str]]] = {
    "en": {
        "code": "Your personal code",
        "until": "Valid through {{ offer.expires_on | date }}.",
        "minimum": "For orders from {{ offer.minimum | money: offer.currency }}.",
        "qr": "Show this code in the shop",
        "points": "You have <b>{{ points.balance | number }}</b> points.",
        "stand": "You are on step {{ rung.number }} of {{ rungs.size }}: <b>{{ rung.name }}</b>.",
        "new": "You are at the foot of our stairs. Your first order takes you up.",
        "next": "Next step: {{ rung.next_name }}.",
        "card": "Your member card",
        "number": "Number",
        "see": "Open your card",
        "refer": "Bring a friend",
        "why": "You receive this mail at {{ customer.email }} because you agreed to get offers from {{ shop.name }}.",
        "no": "Unsubscribe",
        "choose": "Choose what you receive",
    },
    "id": {
        "code": "Kode pribadi Anda",
        "until": "Berlaku sampai {{ offer.expires_on | date }}.",
        "minimum": "Untuk belanja mulai {{ offer.minimum | money: offer.currency }}.",
        "qr": "Tunjukkan kode ini di toko",
        "points": "Anda punya <b>{{ points.balance | number }}</b> poin.",
        "stand": "Anda berada di anak tangga {{ rung.number }} dari {{ rungs.size }}: <b>{{ rung.name }}</b>.",
        "new": "Anda masih di kaki tangga kami. Pesanan pertama membawa Anda naik.",
        "next": "Berikutnya: {{ rung.next_name }}.",
        "card": "Kartu anggota Anda",
        "number": "Nomor",
        "see": "Buka kartu Anda",
        "refer": "Ajak teman",
        "why": "Anda menerima email ini di {{ customer.email }} karena Anda setuju menerima penawaran {{ shop.name }}.",
        "no": "Berhenti berlangganan",
        "choose": "Atur email yang Anda terima",
    },
    "nl": {
        "code": "Je persoonlijke code",
        "until": "Geldig tot en met {{ offer.expires_on | date }}.",
        "minimum": "Voor bestellingen vanaf {{ offer.minimum | money: offer.currency }}.",
        "qr": "Laat deze code in de winkel zien",
        "points": "Je hebt <b>{{ points.balance | number }}</b> punten.",
        "stand": "Je staat op trede {{ rung.number }} van {{ rungs.size }}: <b>{{ rung.name }}</b>.",
        "new": "Je staat onder aan onze trap. Je eerste bestelling brengt je omhoog.",
        "next": "De volgende trede: {{ rung.next_name }}.",
        "card": "Je ledenkaart",
        "number": "Nummer",
        "see": "Open je kaart",
        "refer": "Neem een vriend mee",
        "why": "Je krijgt deze mail op {{ customer.email }} omdat je aanbiedingen van {{ shop.name }} wilt ontvangen.",
        "no": "Afmelden",
        "choose": "Kies wat je ontvangt",
    },
}

STRIP: Final = """\
<mj-table align="center" padding="0 30px 12px" font-size="14px" line-height="20px" table-layout="fixed" role="presentation">
<tbody><tr aria-hidden="true">{% for r in rungs %}
<td width="{{ 100 | divided_by: rungs.size }}%" align="center" style="padding:0 2px;vertical-align:bottom"><div class="{% if r.number < rung.number %}done{% elsif r.number > rung.number %}ahead{% endif %}" style="padding:{{ r.number | times: 7 }}px 0 4px;border-radius:6px 6px 0 0;{% if r.number == rung.number %}font-weight:700;background-color:{{ r.color }};color:#FFFFFF{% elsif r.number < rung.number %}background-color:#E3DCCF;color:#1F2430{% else %}background-color:#F4EFE6;color:#5B6270{% endif %}">{{ r.number }}</div></td>{% endfor %}
</tr></tbody></mj-table>"""  # noqa: E501 - one cell stays on one line

FOOT: Final = (
    '<mj-section padding="0 0 15px" border-radius="0 0 10px 10px"><mj-column><mj-spacer height="1px" /></mj-column>'
    "</mj-section>"
)
"""The lower edge of the sheet, above the footer."""
FRAME: Final = """\
<mjml>
<!--head-->  <mj-body background-color="#FBF8F3" css-class="ground">
    <mj-section background-color="#FBF8F3" css-class="ground" padding="24px 0 12px"><mj-column>
      <mj-text css-class="ink" font-weight="700" padding="0 32px">{{ shop.name }}</mj-text></mj-column></mj-section>
    <mj-section padding="23px 0 0" border-radius="10px 10px 0 0"><mj-column><mj-spacer height="1px" /></mj-column>
    </mj-section>
<!--parts-->
  </mj-body>
</mjml>
""".replace("<!--head-->", HEAD.replace('<mj-section padding="0"', '<mj-section padding="8px 0 0"'))
