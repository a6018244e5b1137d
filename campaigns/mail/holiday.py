"""The mail of the recipe "holiday discount": its words in three languages and one look.

What it reads: ``customer {first_name, email, language}``, ``rung {number, name, key, next_name}``, ``rungs`` (list of
``{number, name, color}``), ``offer {code, percent, minimum, expires_on, currency}``, ``shop {name, url, address}``,
``links {shop, unsubscribe, preferences, card}``, ``holiday {name}``. ``offer.minimum`` is left out where there is
none, ``rung.next_name`` on the top rung. Personal are ``customer``, ``rung``, ``links`` and ``offer.code``; the rest is
shared by all recipients of one language.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from string import Template
from typing import Final

from campaigns.mail.frame import HEAD, stand

_NAME: Final = "{{ customer.first_name | default: '%s' | truncate: 60, '…' }}"
_SHORT_NAME: Final = "{{ customer.first_name | default: '%s' | truncate: 25, '…' }}"
_UNTIL: Final = "{{ offer.expires_on | date }}"
_MINIMUM: Final = "{{ offer.minimum | money: offer.currency }}"


@dataclass(frozen=True, slots=True)
class MessageSource:
    """A message before compilation: what ``compile_message`` takes."""

    subject: str
    preheader: str
    mjml: str


_WORDS: Final[dict[str, dict[str, str]]] = {
    "en": {
        "subject": _SHORT_NAME % "A thank-you" + ", {{ offer.percent }}% off for {{ holiday.name }}",
        "preheader": f"Your personal code works until {_UNTIL}. Thank you for shopping with {{{{ shop.name }}}}.",
        "heading": "A thank-you for {{ holiday.name }}",
        "greeting": f"Dear {_NAME % 'friend of the shop'},",
        "opening": "{{ holiday.name }} is a good moment to say it plainly: we are glad you are here. "
        "Please choose something you like, and pay a little less for it.",
        "offer": "{{ offer.percent }}% off",
        "free": "Free shipping",
        "what": "your next order",
        "code": "Your personal code",
        "until": f"Valid through <b>{_UNTIL}</b>.",
        "minimum": f"For orders from <b>{_MINIMUM}</b>.",
        "once": "It works once, and only for you.",
        "button": "Go to {{ shop.name }}",
        "ladder": "Where you stand with us",
        "stand": "You are on step {{ rung.number }} of {{ rungs.size }}: <b>{{ rung.name }}</b>.",
        "new": "You are at the foot of our stairs. Your first order takes you up.",
        "next": "Next step: {{ rung.next_name }}.",
        "card": "See your card",
        "pass_on": "Your link to pass on",
        "why": "You receive this mail at {{ customer.email }} because you agreed to get offers from {{ shop.name }}.",
        "unsubscribe": "Unsubscribe",
        "preferences": "Choose what you receive",
    },
    "id": {
        "subject": _SHORT_NAME % "Terima kasih" + ", diskon {{ offer.percent }}% untuk {{ holiday.name }}",
        "preheader": f"Kode pribadi Anda berlaku sampai {_UNTIL}. Terima kasih dari {{{{ shop.name }}}}.",
        "heading": "Salam hangat menyambut {{ holiday.name }}",
        "greeting": f"Halo {_NAME % 'sahabat toko'},",
        "opening": "{{ holiday.name }} adalah saat yang tepat untuk mengatakannya: kami senang Anda bersama kami. "
        "Silakan pilih yang Anda suka, dengan harga yang lebih ringan.",
        "offer": "Diskon {{ offer.percent }}%",
        "free": "Gratis ongkir",
        "what": "untuk pesanan berikutnya",
        "code": "Kode pribadi Anda",
        "until": f"Berlaku sampai <b>{_UNTIL}</b>.",
        "minimum": f"Untuk belanja mulai <b>{_MINIMUM}</b>.",
        "once": "Berlaku satu kali, hanya untuk Anda.",
        "button": "Belanja di {{ shop.name }}",
        "ladder": "Posisi Anda di toko kami",
        "stand": "Anda berada di anak tangga {{ rung.number }} dari {{ rungs.size }}: <b>{{ rung.name }}</b>.",
        "new": "Anda masih di kaki tangga kami. Pesanan pertama membawa Anda naik.",
        "next": "Berikutnya: {{ rung.next_name }}.",
        "card": "Lihat kartu Anda",
        "pass_on": "Tautan untuk dibagikan",
        "why": "Anda menerima email ini di {{ customer.email }} karena Anda setuju menerima penawaran {{ shop.name }}.",
        "unsubscribe": "Berhenti berlangganan",
        "preferences": "Atur email yang Anda terima",
    },
    "nl": {
        "subject": _SHORT_NAME % "Dank je wel" + ", {{ offer.percent }}% korting voor {{ holiday.name }}",
        "preheader": f"Je persoonlijke code geldt tot en met {_UNTIL}. Dank je dat je bij {{{{ shop.name }}}} koopt.",
        "heading": "Een bedankje voor {{ holiday.name }}",
        "greeting": f"Beste {_NAME % 'klant'},",
        "opening": "Met {{ holiday.name }} zeggen we het graag een keer gewoon: we zijn blij met je. "
        "Kies iets moois uit en betaal er een beetje minder voor.",
        "offer": "{{ offer.percent }}% korting",
        "free": "Gratis verzending",
        "what": "op je volgende bestelling",
        "code": "Je persoonlijke code",
        "until": f"Geldig tot en met <b>{_UNTIL}</b>.",
        "minimum": f"Voor bestellingen vanaf <b>{_MINIMUM}</b>.",
        "once": "De code werkt één keer, en alleen voor jou.",
        "button": "Naar {{ shop.name }}",
        "ladder": "Waar je bij ons staat",
        "stand": "Je staat op trede {{ rung.number }} van {{ rungs.size }}: <b>{{ rung.name }}</b>.",
        "new": "Je staat onder aan onze trap. Je eerste bestelling brengt je omhoog.",
        "next": "De volgende trede: {{ rung.next_name }}.",
        "card": "Bekijk je kaart",
        "pass_on": "Jouw link om door te geven",
        "why": "Je krijgt deze mail op {{ customer.email }} omdat je aanbiedingen van {{ shop.name }} wilt ontvangen.",
        "unsubscribe": "Afmelden",
        "preferences": "Kies wat je ontvangt",
    },
}

LANGUAGES: Final = tuple(_WORDS)

_LOOK: Final = Template("""\
<mjml>
$head  <mj-body background-color="#FBF8F3" css-class="ground">
    <mj-section background-color="#FBF8F3" css-class="ground" padding="24px 0 12px">
      <mj-column>
        <mj-text css-class="ink" font-size="16px" font-weight="700" padding="0 32px">{{ shop.name }}</mj-text>
      </mj-column>
    </mj-section>
    <mj-section padding="32px 0 0" border-radius="10px 10px 0 0">
      <mj-column>
        <mj-text css-class="ink wide" font-size="26px" line-height="1.25" font-weight="700" letter-spacing="-0.3px">$heading</mj-text>
        <mj-text css-class="ink">$greeting</mj-text>
        <mj-text css-class="ink" padding="0 32px 24px">$opening</mj-text>
      </mj-column>
    </mj-section>
$box    <mj-section padding="16px 0 0" border-radius="0 0 10px 10px">
      <mj-column>
$terms$action        <mj-divider css-class="line" border-width="1px" border-color="#EAE4DA" padding="0 32px 24px" />
        <mj-text css-class="muted" font-size="14px" color="#5B6270" padding="0 32px 4px">$ladder</mj-text>
        <mj-table align="center" padding="0 30px 12px" font-size="14px" line-height="20px" table-layout="fixed" role="presentation">
          <tbody><tr aria-hidden="true">{% for r in rungs %}
            <td width="{{ 100 | divided_by: rungs.size }}%" align="center" style="padding:0 2px;vertical-align:bottom"><div class="{% if r.number < rung.number %}done{% elsif r.number > rung.number %}ahead{% endif %}" style="padding:{{ r.number | times: 7 }}px 0 4px;border-radius:6px 6px 0 0;{% if r.number == rung.number %}font-weight:700;background-color:{{ r.color }};color:#FFFFFF{% elsif r.number < rung.number %}background-color:#E3DCCF;color:#1F2430{% else %}background-color:#F4EFE6;color:#5B6270{% endif %}">{{ r.number }}</div></td>{% endfor %}
          </tr></tbody>
        </mj-table>
        <mj-text css-class="ink" padding="0 32px 32px">$told<br /><a href="{{ links.card }}">$card</a></mj-text>
      </mj-column>
    </mj-section>
    <mj-section background-color="#FBF8F3" css-class="ground" padding="24px 0 32px">
      <mj-column>
        <mj-text css-class="muted" font-size="14px" color="#5B6270" padding="0 32px 12px">$why</mj-text>
        <mj-text css-class="muted" font-size="14px" color="#5B6270" padding="0 32px 12px"><a href="{{ links.unsubscribe }}">$unsubscribe</a> &nbsp;·&nbsp; <a href="{{ links.preferences }}">$preferences</a></mj-text>
        <mj-text css-class="muted" font-size="14px" color="#5B6270" padding="0 32px">{{ shop.name }}{% if shop.address != blank %}, {{ shop.address }}{% endif %}</mj-text>
      </mj-column>
    </mj-section>
  </mj-body>
</mjml>
""")  # noqa: E501 - one element of the mail stays on one line


_BOX: Final = Template("""\
    <mj-section padding="0 32px">
      <mj-column css-class="box" background-color="#FBF8F3" border="1px dashed #0F6E63" border-radius="10px" padding="20px 0 4px">
        <mj-text css-class="ink" align="center" font-size="34px" line-height="1.2" font-weight="700" padding="0 16px 2px">$offer</mj-text>
        <mj-text css-class="muted" align="center" color="#5B6270" padding="0 16px 16px">$what</mj-text>
        <mj-text css-class="muted" align="center" font-size="14px" color="#5B6270" padding="0 16px 2px">$code</mj-text>
        <mj-text align="center" padding="0 16px 16px"><span class="code">{{ offer.code }}</span></mj-text>
      </mj-column>
    </mj-section>
""")  # noqa: E501 - one element of the mail stays on one line
_SHARE: Final = Template("""\
    <mj-section padding="0 32px">
      <mj-column css-class="box" background-color="#FBF8F3" border="1px dashed #0F6E63" border-radius="10px" padding="20px 0 4px">
        <mj-text css-class="muted" align="center" font-size="14px" color="#5B6270" padding="0 16px 2px">$pass_on</mj-text>
        <mj-text align="center" font-weight="700" padding="0 16px 16px"><a href="$link" style="word-break:break-all">$link</a></mj-text>
      </mj-column>
    </mj-section>
""")  # noqa: E501 - one element of the mail stays on one line
_BUTTON: Final = Template("""\
        <mj-button css-class="button" href="$target" background-color="#0F6E63" color="#FFFFFF" border-radius="10px" font-size="16px" font-weight="600" line-height="20px" inner-padding="15px 24px" width="100%" padding="0 32px 32px">$button</mj-button>
""")  # noqa: E501 - one element of the mail stays on one line
_SCORES: Final = Template("""\
    <mj-section padding="0 32px">
      <mj-column css-class="box" background-color="#FBF8F3" border="1px dashed #0F6E63" border-radius="10px" padding="20px 0 4px">
        <mj-text css-class="ink" align="center" font-weight="700" padding="0 16px 12px">$ask</mj-text>
        <mj-table align="center" padding="0 12px 12px" font-size="18px" line-height="44px" table-layout="fixed" role="presentation">
          <tbody><tr>$low</tr><tr>$high</tr></tbody>
        </mj-table>
        <mj-text css-class="muted" align="center" font-size="14px" color="#5B6270" padding="0 16px 16px">$scale</mj-text>
      </mj-column>
    </mj-section>
""")  # noqa: E501 - one element of the mail stays on one line
_TERMS: Final = Template("""\
        <mj-text css-class="muted" align="center" color="#5B6270" padding="0 32px 20px">$until
          {% if offer.minimum %}$minimum{% endif %} $once</mj-text>
""")


def holiday_message(language: str) -> MessageSource:
    """The mail in ``language``, in English where we have no words for it."""
    spoken = language if language in _WORDS else "en"
    words = _WORDS[spoken]
    return MessageSource(words["subject"], words["preheader"], dressed({}, spoken, offer="percentage"))


def dressed(words: Mapping[str, str], language: str, *, offer: str | None) -> str:
    """The MJML of a letter: ``words`` (``heading``, ``text``, ``button``) over the holiday's, in its look.

    ``offer`` is the kind whose code has a box, named by the words' own ``offer``, and for ``percentage`` and
    ``free_shipping`` by ours; None leaves box and terms out.
    Words with ``ask`` have eleven links in the box instead, one for each score, and no button that would draw from
    them; those with ``link`` have that address in it, to be passed on. ``target`` is where the button leads.
    """
    own, said = dict(words), spoken_words(words, language, offer=offer)
    box, terms = (_BOX.substitute(said), _TERMS.substitute(said)) if offer else ("", "")
    if "link" in own:
        box = _SHARE.substitute(said)
    said = {"target": "{{ links.shop }}"} | said
    action = _BUTTON.substitute(said)
    if "ask" in own:
        action = ""
        box = _SCORES.substitute(said | {"low": _scores(range(6)), "high": _scores(range(6, 11))})
    return _LOOK.substitute(said | {"head": HEAD, "box": box, "terms": terms, "action": action, "told": stand(said)})


def spoken_words(words: Mapping[str, str], language: str, *, offer: str | None) -> dict[str, str]:
    """The words of a letter over the holiday's: ``opening`` is what it says, ``offer`` what its kind is called."""
    said = _WORDS[language] | dict(words) | ({"opening": words["text"]} if "text" in words else {})
    return said | ({"offer": said["free"]} if offer == "free_shipping" else {})


def _scores(numbers: range) -> str:
    """Cells that open the question with a score chosen; the mail itself sends nothing."""
    cell = (
        '<td align="center" style="padding:0 3px 6px">'
        '<a class="score" href="{{{{ links.ask }}}}?score={n}" style="display:block;font-weight:700">{n}</a></td>'
    )
    return "".join(cell.format(n=n) for n in numbers)
