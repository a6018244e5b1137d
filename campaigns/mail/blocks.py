"""A mail put together from parts that a form can hold: each says what it needs and becomes MJML with its Liquid."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from html import escape
from typing import Annotated, Any, ClassVar, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from campaigns.mail.blocks_look import FOOT, FRAME, STRIP, WORDS
from campaigns.mail.frame import stand

MOST: Final = 40
_LIQUID: Final = re.compile(r"(\{\{.*?\}\}|\{%.*?%\})", re.DOTALL)
# No document may hold these, whatever stands for them.
_CONTROL: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
_ADDRESS: Final = re.compile(r"(?:(?:https?://|mailto:|tel:)\S|\{\{).*", re.DOTALL)


class _Block(BaseModel):
    """One part of a mail. ``long`` names the fields a form shows as several lines."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)
    long: ClassVar[tuple[str, ...]] = ()

    @field_validator("url", "image", "link", check_fields=False)
    @classmethod
    def _leads_somewhere(cls, value: str) -> str:
        if value and not _ADDRESS.fullmatch(value):
            raise ValueError("write a whole address, such as https://shop.example/tea or {{ links.shop }}")
        return value

    def mjml(self, words: dict[str, str], /) -> str:
        """Sections of MJML; ``words`` are the phrases of its language."""
        raise NotImplementedError


Short = Annotated[str, Field(max_length=300)]
Long = Annotated[str, Field(max_length=20_000)]


class Hero(_Block):
    """The opening: a heading, and as you like a picture and a few words."""

    kind: Literal["hero"] = "hero"
    heading: Annotated[str, Field(min_length=1, max_length=300)]
    text: Long = ""
    image: Short = ""
    alt: Short = ""
    long: ClassVar = ("text",)

    def mjml(self, _words: dict[str, str], /) -> str:
        """See ``_Block``."""
        picture = _image(self.image, self.alt) if self.image else ""
        look = 'css-class="ink" font-size="26px" line-height="1.25" font-weight="700"'
        heading = f"<mj-text {look}>{_safe(self.heading)}</mj-text>"
        return _section(picture + heading + _paragraphs(self.text))


class Paragraphs(_Block):
    """Paragraphs; an empty line begins a new one."""

    kind: Literal["text"] = "text"
    text: Annotated[str, Field(min_length=1, max_length=20_000)]
    long: ClassVar = ("text",)

    def mjml(self, _words: dict[str, str], /) -> str:
        """See ``_Block``."""
        return _section(_paragraphs(self.text))


class Product(BaseModel):
    """One product of a grid; ``price`` as it is to be read.

    With a ``sku`` the catalogue says what is not written here, as it stands when the mail is made; a product that is no
    longer sold is left out of the grid.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)
    sku: Annotated[str, Field(max_length=100)] = ""
    title: Annotated[str, Field(max_length=200)] = ""
    url: Short = ""
    image: Short = ""
    price: Annotated[str, Field(max_length=60)] = ""

    @field_validator("url", "image")
    @classmethod
    def _leads_somewhere(cls, value: str) -> str:
        if value and not _ADDRESS.fullmatch(value):
            raise ValueError("write a whole address, such as https://shop.example/tea")
        return value

    @model_validator(mode="after")
    def _something(self) -> Self:
        if not self.title and not self.sku:
            raise ValueError("give the product a title, or the SKU it has in your shop")
        return self


class Products(_Block):
    """Up to nine products, two beside each other; on a phone one below the other."""

    kind: Literal["products"] = "products"
    products: Annotated[tuple[Product, ...], Field(min_length=1, max_length=9)]

    def mjml(self, _words: dict[str, str], /) -> str:
        """See ``_Block``."""
        columns = [f"<mj-column>{_product(one)}</mj-column>" for one in self.products]
        return "".join(_columns("".join(columns[at : at + 2])) for at in range(0, len(columns), 2))


class Coupon(_Block):
    """The reader's code with its conditions; ``qr`` adds a picture that a till can read."""

    kind: Literal["coupon"] = "coupon"
    heading: Short = ""
    qr: bool = False

    def mjml(self, words: dict[str, str], /) -> str:
        """See ``_Block``."""
        heading = _centred(_safe(self.heading), size=30, weight=700) if self.heading else ""
        picture = (
            f'<mj-image src="{{{{ links.qr }}}}" alt="{words["qr"]}" width="160px" padding="0 16px 12px" />'
            f"{_centred(words['qr'], muted=True)}"
            if self.qr
            else ""
        )
        inner = (
            heading
            + _centred(words["code"], muted=True)
            + '<mj-text align="center" padding="0 16px 12px"><span class="code">{{ offer.code }}</span></mj-text>'
            + picture
            + _centred(f"{words['until']}{{% if offer.minimum %}} {words['minimum']}{{% endif %}}", muted=True)
        )
        return (
            '<mj-section padding="0 32px 16px"><mj-column css-class="box" background-color="#FBF8F3" '
            f'border="1px dashed #0F6E63" border-radius="10px" padding="20px 0 4px">{inner}</mj-column></mj-section>'
        )


class Ladder(_Block):
    """Where the reader stands, as steps; ``points`` adds how many points they have."""

    kind: Literal["ladder"] = "ladder"
    points: bool = False

    def mjml(self, words: dict[str, str], /) -> str:
        """See ``_Block``."""
        points = f'<mj-text css-class="ink">{words["points"]}</mj-text>' if self.points else ""
        return _section(f'{STRIP}<mj-text css-class="ink">{stand(words)}</mj-text>{points}')


class MemberCard(_Block):
    """The reader's card: name, number where they have one, and the way to it."""

    kind: Literal["card"] = "card"

    def mjml(self, words: dict[str, str], /) -> str:
        """See ``_Block``."""
        number = f"{{% if card.number %}}{words['number']} <b>{{{{ card.number }}}}</b><br />{{% endif %}}"
        name = "{{ customer.name | default: customer.email }}<br />{{ rung.name }}<br />"
        see = f'<a href="{{{{ links.card }}}}" style="color:#FFFFFF">{words["see"]}</a>'
        return (
            '<mj-section padding="0 32px 16px">'
            '<mj-column background-color="#0F6E63" border-radius="10px" padding="20px 0">'
            f'<mj-text color="#FFFFFF" font-weight="700">{{{{ shop.name }}}} · {words["card"]}</mj-text>'
            f'<mj-text css-class="pass" color="#FFFFFF">{name}{number}{see}</mj-text></mj-column></mj-section>'
        )


class Referral(_Block):
    """Asks to bring a friend; the button leads to the reader's own page with their link."""

    kind: Literal["referral"] = "referral"
    text: Annotated[str, Field(min_length=1, max_length=20_000)]
    label: Short = ""
    long: ClassVar = ("text",)

    def mjml(self, words: dict[str, str], /) -> str:
        """See ``_Block``."""
        return _section(_paragraphs(self.text) + _button(self.label or words["refer"], "{{ links.card }}"))


class Button(_Block):
    """One thing to do."""

    kind: Literal["button"] = "button"
    label: Annotated[str, Field(min_length=1, max_length=200)]
    url: Annotated[str, Field(max_length=500)] = "{{ links.shop }}"

    def mjml(self, _words: dict[str, str], /) -> str:
        """See ``_Block``."""
        return _section(_button(self.label, self.url))


class Picture(_Block):
    """A picture over the whole width, with words for those who see none."""

    kind: Literal["image"] = "image"
    image: Annotated[str, Field(min_length=1, max_length=500)]
    alt: Annotated[str, Field(min_length=1, max_length=300)]
    link: Annotated[str, Field(max_length=500)] = ""

    def mjml(self, _words: dict[str, str], /) -> str:
        """See ``_Block``."""
        return _section(_image(self.image, self.alt, self.link))


class Divider(_Block):
    """A quiet line."""

    kind: Literal["divider"] = "divider"

    def mjml(self, _words: dict[str, str], /) -> str:
        """See ``_Block``."""
        line = '<mj-divider css-class="line" border-width="1px" border-color="#EAE4DA" padding="0 32px 16px" />'
        return _section(line)


class Footer(_Block):
    """Why the mail comes, how to stop it, and who sent it; added by itself where it is left out."""

    kind: Literal["footer"] = "footer"
    text: Long = ""
    long: ClassVar = ("text",)

    def mjml(self, words: dict[str, str], /) -> str:
        """See ``_Block``."""
        own = f"{_safe(self.text)}<br />" if self.text else ""
        return (
            '<mj-section background-color="#FBF8F3" css-class="ground" padding="24px 0 32px"><mj-column>'
            f'<mj-text css-class="muted" font-size="14px" color="#5B6270">{own}{words["why"]}<br />'
            f'<a href="{{{{ links.unsubscribe }}}}">{words["no"]}</a> &nbsp;·&nbsp; '
            f'<a href="{{{{ links.preferences }}}}">{words["choose"]}</a><br />'
            "{{ shop.name }}{% if shop.address != blank %}, {{ shop.address }}{% endif %}</mj-text>"
            "</mj-column></mj-section>"
        )


KINDS: Final[dict[str, type[_Block]]] = {
    "hero": Hero, "text": Paragraphs, "products": Products, "coupon": Coupon, "ladder": Ladder, "card": MemberCard,
    "referral": Referral, "button": Button, "image": Picture, "divider": Divider, "footer": Footer,
}  # fmt: skip
"""All parts by the word files and forms use."""

Block = Annotated[
    Hero | Paragraphs | Products | Coupon | Ladder | MemberCard | Referral | Button | Picture | Divider | Footer,
    Field(discriminator="kind"),
]


def blocks_mjml(blocks: Sequence[Any], language: str) -> str:
    """The whole mail as MJML. Whatever is left out, it ends with a footer."""
    words = WORDS.get(language[:2], WORDS["en"])
    whole = [*blocks] if any(isinstance(block, Footer) for block in blocks) else [*blocks, Footer()]
    parts = [block.mjml(words) for block in whole]
    if isinstance(whole[-1], Footer):
        parts.insert(-1, FOOT)
    return FRAME.replace("<!--parts-->", "".join(parts))


def _safe(text: str) -> str:
    """Text as MJML; its Liquid stays as it is."""
    return _kept(text, lambda piece: escape(piece, quote=False))


def _attribute(text: str) -> str:
    return _kept(text, escape)


def _kept(text: str, write: Callable[[str], str]) -> str:
    pieces = _LIQUID.split(_CONTROL.sub("", text))
    return "".join(piece if place % 2 else write(piece) for place, piece in enumerate(pieces))


def _paragraphs(text: str) -> str:
    made = (_safe(part.strip()).replace("\n", "<br />") for part in re.split(r"\n\s*\n", text.strip()) if part.strip())
    return "".join(f'<mj-text css-class="ink">{part}</mj-text>' for part in made)


def _section(inner: str) -> str:
    return f"<mj-section><mj-column>{inner}</mj-column></mj-section>"


def _columns(inner: str) -> str:
    return f"<mj-section>{inner}</mj-section>"


def _image(address: str, alt: str, link: str = "") -> str:
    href = f' href="{_attribute(link)}"' if link else ""
    return f'<mj-image src="{_attribute(address)}" alt="{_attribute(alt)}"{href} width="536px" padding="0 32px 16px" />'


def _button(label: str, url: str) -> str:
    return (
        f'<mj-button css-class="button" href="{_attribute(url)}" background-color="#0F6E63" color="#FFFFFF" '
        'border-radius="10px" font-size="16px" font-weight="600" line-height="20px" inner-padding="15px 24px" '
        f'padding="0 32px 16px">{_safe(label)}</mj-button>'
    )


def _centred(text: str, *, size: int = 16, weight: int = 400, muted: bool = False) -> str:
    look = 'css-class="muted" color="#5B6270"' if muted else 'css-class="ink"'
    return (
        f'<mj-text {look} align="center" font-size="{size}px" font-weight="{weight}" line-height="1.3" '
        f'padding="0 16px 8px">{text}</mj-text>'
    )


def _product(one: Product) -> str:
    picture = (
        f'<mj-image src="{_attribute(one.image)}" alt="{_attribute(one.title)}" width="236px" padding="0 32px 8px"'
        + (f' href="{_attribute(one.url)}"' if one.url else "")
        + " />"
        if one.image
        else ""
    )
    title = f'<a href="{_attribute(one.url)}">{_safe(one.title)}</a>' if one.url else _safe(one.title)
    price = f"<br />{_safe(one.price)}" if one.price else ""
    return f'{picture}<mj-text css-class="ink">{title}{price}</mj-text>'
