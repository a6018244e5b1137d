"""What customers can be given: one small class for each kind, told apart by ``kind``.

A new kind is one class more in ``Offer``; what a shop can do of it is ``campaigns.offers.realise``, what it costs
``campaigns.offers.margin``. Amounts are in major units of the merchant's currency; percentages are points of 100.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Annotated, Any, Final, Literal, Self

from pydantic import Field, TypeAdapter, ValidationError, field_validator, model_validator

from campaigns.offers.team import TeamTerms
from campaigns.parts import Part

Amount = Annotated[Decimal, Field(gt=0, max_digits=14, decimal_places=4)]
Percent = Annotated[Decimal, Field(gt=0, max_digits=14, decimal_places=4)]
Pieces = Annotated[int, Field(ge=1, le=99)]
Ref = Annotated[str, Field(min_length=1, max_length=100)]
"""A product (its SKU, or its number in the shop) or a category (its number there)."""
Rungs = Annotated[tuple[str, ...], Field(min_length=1)]
MOST_REFS: Final = 50
LOYAL: Final = ("member", "advocate", "raving_fan")


class Given(Part):
    """What every offer has: days it lasts, the budget of all its codes together, the beginning of its codes."""

    valid_days: int = Field(default=14, ge=1, le=365)
    budget: Decimal | None = Field(default=None, gt=0, max_digits=16)
    code_prefix: str | None = Field(default=None, pattern=r"^[A-Z0-9]{2,12}$")

    @model_validator(mode="before")
    @classmethod
    def _without_nothing(cls, data: object) -> object:
        # What is null is left out: forms send it so, and kinds differ in what they have.
        return {key: value for key, value in data.items() if value is not None} if isinstance(data, Mapping) else data

    @field_validator("products", "get_products", "categories", mode="before", check_fields=False)
    @classmethod
    def _refs(cls, value: object) -> object:
        """YAML reads the number of a product as one."""
        return [str(one) if type(one) is int else one for one in value] if isinstance(value, list | tuple) else value

    @field_validator("products", "get_products", "categories", check_fields=False)
    @classmethod
    def _each_once(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(value)) != len(value):
            raise ValueError("the same one stands here twice; keep it once")
        return value


Refs = Annotated[tuple[Ref, ...], Field(max_length=MOST_REFS)]
SomeRefs = Annotated[tuple[Ref, ...], Field(min_length=1, max_length=MOST_REFS)]


def _percent(value: Decimal, name: str = "value") -> None:
    if value > 100:
        raise ValueError(f"{name} {value} is more than 100 percent")


class Percentage(Given):
    """So many percent off the order, or off ``products``; ``by_rung`` gives some rungs another share."""

    kind: Literal["percentage"]
    value: Percent
    minimum: Decimal | None = Field(default=None, ge=0, max_digits=14)
    products: Refs = ()
    by_rung: dict[str, Percent] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _computable(self) -> Self:
        for share in (self.value, *self.by_rung.values()):
            _percent(share)
        return self


class Fixed(Given):
    """An amount off the order; ``by_rung`` gives some rungs another amount."""

    kind: Literal["fixed"]
    value: Amount
    minimum: Decimal | None = Field(default=None, ge=0, max_digits=14)
    by_rung: dict[str, Amount] = Field(default_factory=dict)


class FreeShipping(Given):
    """The order's shipping."""

    kind: Literal["free_shipping"]
    minimum: Decimal | None = Field(default=None, ge=0, max_digits=14)

    @model_validator(mode="before")
    @classmethod
    def _no_value(cls, data: object) -> object:
        if isinstance(data, Mapping) and data.get("value") is not None:
            raise ValueError("free shipping takes no value; leave it out")
        return data


class QuantityPrice(Given):
    """``pieces`` of one of ``products`` for ``price`` together, up to ``times`` in one order: 3 for 70,000."""

    kind: Literal["quantity_price"]
    pieces: int = Field(ge=2, le=99)
    price: Amount
    products: SomeRefs
    times: int = Field(default=1, ge=1, le=20)


class BuyGet(Given):
    """Buy ``buy`` of ``products``, get ``get`` more for nothing, up to ``times`` in one order.

    What one gets are the same goods, or ``get_products``.
    """

    kind: Literal["buy_get"]
    buy: Pieces
    get: Pieces = 1
    products: SomeRefs
    get_products: Refs = ()
    times: int = Field(default=1, ge=1, le=20)


class Gift(Given):
    """Spend ``spend`` on other goods, get one ``product`` for nothing."""

    kind: Literal["gift"]
    spend: Amount
    product: Ref

    @field_validator("product", mode="before")
    @classmethod
    def _ref(cls, value: object) -> object:
        return str(value) if type(value) is int else value


class Cashback(Given):
    """A part of the next order back once it can no longer be returned: ``percent`` of it, or ``amount``.

    ``most`` bounds what a percentage comes to. It is paid ``wait_days`` after the order and can be spent for
    ``keep_days``: as store credit where the shop has it, else ``elsewhere`` as a code or as points.
    """

    kind: Literal["cashback"]
    percent: Percent | None = None
    amount: Amount | None = None
    minimum: Decimal | None = Field(default=None, ge=0, max_digits=14)
    most: Amount | None = None
    wait_days: int = Field(default=14, ge=0, le=120)
    keep_days: int = Field(default=90, ge=7, le=365)
    elsewhere: Literal["code", "points"] = "code"

    @model_validator(mode="after")
    def _computable(self) -> Self:
        if (self.percent is None) == (self.amount is None):
            raise ValueError("say how much comes back: percent or amount, one of the two")
        if self.percent is not None:
            _percent(self.percent, "percent")
        if self.amount is not None and self.amount > (self.minimum or 0):
            raise ValueError(f"{self.amount} back needs a minimum of at least that, or small orders earn money")
        return self


class _ForSome(Given):
    """For ``rungs`` alone, until the end of a day of the shop where ``until`` is given, else for ``valid_days``."""

    rungs: Rungs = LOYAL
    until: date | None = None

    @field_validator("rungs")
    @classmethod
    def _named(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(value)) != len(value):
            raise ValueError("the same rung stands here twice; keep it once")
        return value


class MemberOnly(_ForSome):
    """``value`` percent off named goods, for those on ``rungs`` and nobody else."""

    kind: Literal["member_only"]
    value: Percent
    products: Refs = ()
    categories: Refs = ()
    by_rung: dict[str, Percent] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _computable(self) -> Self:
        for share in (self.value, *self.by_rung.values()):
            _percent(share)
        if bool(self.products) == bool(self.categories):
            raise ValueError("name the goods: products or categories, one of the two")
        if strangers := sorted(set(self.by_rung) - set(self.rungs)):
            raise ValueError(f"by_rung names {', '.join(strangers)}, which are not among the rungs")
        return self


class EarlyAccess(_ForSome):
    """``products`` that only those on ``rungs`` are told of until ``until`` ends, with ``value`` percent off or none.

    A shop cannot bind goods to people: whoever has the link can buy. ``link_may_spread`` says that this is accepted.
    """

    kind: Literal["early_access"]
    products: SomeRefs
    value: Percent | None = None
    link_may_spread: bool = False

    @model_validator(mode="after")
    def _computable(self) -> Self:
        _percent(self.value or Decimal(1))
        return self


class TeamDeal(Given):
    """Each is handed a team with ``seats`` and a link; what it gives goes to all members once it is complete.

    ``gives`` and ``value`` are those of the members' codes, which hold ``valid_days``; ``days`` is the team's time, and
    ``comfort`` (percent) what members of a late team get. See ``campaigns.offers.team.TeamTerms``.
    """

    kind: Literal["team_deal"]
    gives: Literal["percentage", "fixed", "free_shipping"] = "percentage"
    value: Amount | None = None
    minimum: Decimal | None = Field(default=None, ge=0, max_digits=14)
    seats: int = 5
    days: int = 3
    unlock: Literal["joined", "ordered"] = "joined"
    who: Literal["anyone", "new", "known"] = "anyone"
    comfort: Percent | None = None

    @model_validator(mode="after")
    def _computable(self) -> Self:
        try:
            self.terms()
        except ValidationError as error:
            told = error.errors()[0]["msg"].removeprefix("Value error, ")
            raise ValueError(told.replace("consolation:", "comfort:")) from error
        return self

    def terms(self) -> TeamTerms:
        """What its teams are under."""
        code = {"valid_days": self.valid_days}
        gift = {"kind": self.gives, "value": self.value, "minimum": self.minimum, **code}
        comfort = {"value": self.comfort, **code} if self.comfort else None
        told = {"seats": self.seats, "days": self.days, "unlock": self.unlock, "who": self.who}
        return TeamTerms.model_validate({**told, "gift": gift, "consolation": comfort})


class BringAFriend(Given):
    """A link to pass on: ``friends`` who have never ordered get ``percent`` off a first order of ``minimum``.

    For each of them who ordered and kept it for ``wait_days``, the customer gets ``own`` percent off. Who asks within
    ``days`` counts; codes hold ``valid_days``.
    """

    kind: Literal["bring_a_friend"]
    percent: Percent
    own: Percent | None = None
    minimum: Decimal | None = Field(default=None, ge=0, max_digits=14)
    friends: int = Field(default=1, ge=1, le=20)
    days: int = Field(default=30, ge=1, le=120)
    wait_days: int = Field(default=14, ge=0, le=120)

    @model_validator(mode="after")
    def _computable(self) -> Self:
        _percent(self.percent, "percent")
        _percent(self.own or Decimal(1), "own")
        return self


Offer = Annotated[
    Percentage | Fixed | FreeShipping | QuantityPrice | BuyGet | Gift | Cashback | MemberOnly | EarlyAccess
    | TeamDeal | BringAFriend,
    Field(discriminator="kind"),
]  # fmt: skip
KINDS: Final = (
    "percentage", "fixed", "free_shipping", "quantity_price", "buy_get", "gift", "cashback", "member_only",
    "early_access", "team_deal", "bring_a_friend",
)  # fmt: skip
_ANY: Final[TypeAdapter[Any]] = TypeAdapter(Offer)


def offer_of(document: object) -> Offer:
    """A checked offer from plain data. Raises ``pydantic.ValidationError``."""
    made: Offer = _ANY.validate_python(document)
    return made


def stands(offer: Offer) -> int:
    """Days for which what its mail says holds: of a link to pass on its own time, else that of the code."""
    return offer.days if isinstance(offer, TeamDeal | BringAFriend) else offer.valid_days


def inside(offer: Offer) -> Offer:
    """The plain code that members of a team, or friends, get at last; every other offer as it is."""
    if isinstance(offer, TeamDeal):
        return offer_of({"kind": offer.gives, "value": offer.value, "minimum": offer.minimum})
    if isinstance(offer, BringAFriend):
        return offer_of({"kind": "percentage", "value": max(offer.percent, offer.own or 0), "minimum": offer.minimum})
    return offer


def minimum_of(offer: Offer) -> Decimal:
    """What an order must come to, in major units; 0 where it does not matter."""
    return offer.spend if isinstance(offer, Gift) else Decimal(getattr(offer, "minimum", None) or 0)


def value_of(offer: Offer, rung: str | None = None) -> Decimal | None:
    """Percent or amount for a reader on ``rung``; None for kinds that are told otherwise."""
    own: dict[str, Decimal] = getattr(offer, "by_rung", {})
    usual: Decimal | None = getattr(offer, "value", None)
    return own.get(rung or "", usual)


def refs_of(offer: Offer) -> tuple[str, ...]:
    """All products that it names, each once."""
    own = (*getattr(offer, "products", ()), *getattr(offer, "get_products", ()))
    return tuple(dict.fromkeys((*own, offer.product) if isinstance(offer, Gift) else own))


def in_money(offer: Offer) -> bool:
    """True where it names sums, so that it holds in shops of the merchant's own currency alone."""
    sums = (minimum_of(offer), getattr(offer, "amount", None), getattr(offer, "most", None))
    sums_off = isinstance(offer, TeamDeal) and offer.gives == "fixed"
    return sums_off or isinstance(offer, Fixed | QuantityPrice | Gift) or any(sums)


def deepest(offer: Offer) -> Decimal:
    """The most that any rung is given, percent or amount; 0 for kinds that are told otherwise."""
    own: dict[str, Decimal] = getattr(offer, "by_rung", {})
    return max([*own.values(), getattr(offer, "value", None) or Decimal(0)])
