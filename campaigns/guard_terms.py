"""What protects customers and profit: the guards of a campaign as its file has them."""

from __future__ import annotations

from datetime import time
from decimal import Decimal
from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from campaigns.parts import Part, clock


class QuietHours(Part):
    """No mail between these times of the customer's day (the shop's where the customer's zone is unknown)."""

    from_: time = Field(alias="from")
    to: time

    @field_validator("from_", "to", mode="before")
    @classmethod
    def _clock(cls, value: object) -> object:
        return clock(value)

    @model_validator(mode="after")
    def _some_day_left(self) -> Self:
        if self.from_ == self.to:
            raise ValueError("from and to are the same; write null for no quiet hours")
        return self


class FrequencyCap(Part):
    """At most so many campaign mails to one person in so many days; the next one waits for its place."""

    messages: int = Field(ge=1, le=100)
    days: int = Field(ge=1, le=365)


class DiscountShare(Part):
    """Spares whoever bought more than ``most`` of their last ``orders`` orders with a discount.

    Somebody with fewer orders is judged by those there are, from the second on.
    """

    most: Decimal = Field(ge=0, lt=1)
    orders: int = Field(default=4, ge=2, le=50)


class DiscountFatigue(Part):
    """Spares whoever got so many personal codes in the last ``days``, of whatever campaign."""

    codes: int = Field(default=1, ge=1, le=50)
    days: int = Field(default=30, ge=1, le=365)


class Guards(Part):
    """What protects customers and profit; null switches a guard off.

    ``in_doubt`` says what becomes of a mail of which nobody knows whether it left: ``give_up`` (rather never than
    twice) or ``resend`` (rather twice than never). ``priority`` says which mail goes first where the cap leaves room
    for one: 9 before 1; the other waits. ``fenced`` lets the provider hold each request for twenty minutes, so that one
    in doubt is called back and made again: neither twice nor never, where the provider can do that. Without
    ``margin_floor``, an offer that costs more than it earns needs a ``margin_reason``, which goes into the log.
    ``stacking`` says whether its codes may be used beside others in one order; ``discount_share`` and
    ``discount_fatigue`` keep offers from those who live on them.
    """

    quiet_hours: QuietHours | None = Field(
        default_factory=lambda: QuietHours.model_validate({"from": "21:00", "to": "08:00"})
    )
    frequency_cap: FrequencyCap | None = Field(default_factory=lambda: FrequencyCap(messages=2, days=7))
    margin_floor: bool | None = True
    margin_reason: str | None = Field(default=None, min_length=3, max_length=300)
    discount_share: DiscountShare | None = None
    discount_fatigue: DiscountFatigue | None = None
    stacking: Literal["alone", "combine"] = "alone"
    in_doubt: Literal["give_up", "resend"] = "give_up"
    fenced: bool = False
    priority: int = Field(default=5, ge=1, le=9)
