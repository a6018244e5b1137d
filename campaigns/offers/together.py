"""What a shop makes of offers for several people: a link now, and personal codes once all have done their part."""

from __future__ import annotations

from campaigns.offers.offer import BringAFriend, TeamDeal
from campaigns.offers.realisation import ENTER, Realisation
from campaigns.reasons import Reason


def together(offer: TeamDeal | BringAFriend) -> Realisation:
    """How any shop carries it out, with who has to do what."""
    return _team(offer) if isinstance(offer, TeamDeal) else _friend(offer)


def _team(offer: TeamDeal) -> Realisation:
    others = offer.seats - 1
    told = Reason(
        f"We keep the seats and the deadline; once a team of {offer.seats} is complete, the shop makes a personal code "
        "for each member and judges it at the till.",
        "offer_by_team", seats=offer.seats,
    )  # fmt: skip
    ask = Reason(
        f"The customer passes the link on, and {others} others take a seat within {offer.days} days, each from their "
        "own mailbox.",
        "do_fill_team", others=others, days=offer.days,
    )  # fmt: skip
    order = Reason("Each member places a paid order before the deadline.", "do_order_in_team")
    steps = (ask, order, ENTER) if offer.unlock == "ordered" else (ask, ENTER)
    return Realisation("team", told, steps)


def _friend(offer: BringAFriend) -> Realisation:
    told = Reason(
        "We look whether the friend has ever ordered, in all history and under any spelling of the address; only then "
        "the shop makes the codes.",
        "offer_by_friend",
    )
    ask = Reason("The customer passes the link on; the friend confirms from the mailbox.", "do_pass_link")
    back = Reason(
        f"The customer does nothing more: their own code comes {offer.wait_days} days after the friend's order.",
        "do_wait_for_friend", days=offer.wait_days,
    )  # fmt: skip
    return Realisation("friend", told, (ask, ENTER, back) if offer.own else (ask, ENTER))
