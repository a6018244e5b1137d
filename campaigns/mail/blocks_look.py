"""The words and the look of mails made of blocks, one for all of them."""

from __future__ import annotations

from typing import Final

WORDS: Final[dict[str, dict[str, str]]] = {
    "en": {
        "code": "Your personal code",
        "until": "Valid through {{ offer.expires_on | date }}.",
        "minimum": "For orders from {{ offer.minimum | money: offer.currency }}.",
        "qr": "Show this code in the shop",
        "points": "You have <b>{{ points.balance }}</b> points.",
        "stand": "You are on step {{ rung.number }} of {{ rungs.size }}: <b>{{ rung.name }}</b>.",
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
        "points": "Anda punya <b>{{ points.balance }}</b> poin.",
        "stand": "Anda berada di anak tangga {{ rung.number }} dari {{ rungs.size }}: <b>{{ rung.name }}</b>.",
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
        "points": "Je hebt <b>{{ points.balance }}</b> punten.",
        "stand": "Je staat op trede {{ rung.number }} van {{ rungs.size }}: <b>{{ rung.name }}</b>.",
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

FRAME: Final = """\
<mjml>
  <mj-head>
    <mj-title>{{ shop.name }}</mj-title>
    <mj-raw><meta name="color-scheme" content="light dark" /><meta name="supported-color-schemes" content="light dark" /></mj-raw>
    <mj-attributes>
      <mj-all font-family="'Plus Jakarta Sans', system-ui, -apple-system, 'Segoe UI', Roboto, Helvetica, Arial, sans-serif" />
      <mj-text font-size="16px" line-height="1.5" color="#1F2430" padding="0 32px 16px" />
      <mj-section padding="8px 0 0" background-color="#FFFFFF" css-class="surface" />
    </mj-attributes>
    <mj-style>
      a { color: #0F6E63; }
      .code { font-family: ui-monospace, Menlo, Consolas, monospace; font-size: 26px; font-weight: 700; line-height: 1.3;
        letter-spacing: 2px; color: #0F6E63; word-break: break-all; }
      @media (prefers-color-scheme: dark) {
        body, .ground, .ground > table, .box, .box table { background-color: #14171F !important; }
        .surface, .surface > table { background-color: #1C2029 !important; }
        .ink div, .ink b { color: #F2EFE9 !important; }
        .muted div, .muted b { color: #A6ADBA !important; }
        .code, .surface a, .ground a { color: #62CBA8 !important; }
        .box, .box td { background-color: #14171F !important; border-color: #62CBA8 !important; }
        .button td, .button a { background-color: #62CBA8 !important; }
        .button a { color: #14171F !important; }
        .done { background-color: #39404F !important; color: #F2EFE9 !important; }
        .ahead { background-color: #252A35 !important; color: #A6ADBA !important; }
        .line p { border-color: #39404F !important; }
      }
    </mj-style>
  </mj-head>
  <mj-body background-color="#FBF8F3" css-class="ground">
    <mj-section background-color="#FBF8F3" css-class="ground" padding="24px 0 12px"><mj-column>
      <mj-text css-class="ink" font-weight="700" padding="0 32px">{{ shop.name }}</mj-text></mj-column></mj-section>
<!--parts-->
  </mj-body>
</mjml>
"""  # noqa: E501 - one element of the mail stays on one line
