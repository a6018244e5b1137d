"""A series taken apart: each mail and each offer as a campaign of its own, for everything that knows but those."""

from __future__ import annotations

from collections.abc import Iterator

from campaigns.schema import Campaign, MessageStep, OfferStep, offer_at
from campaigns.series import Series


def series_of(campaign: Campaign) -> Series:
    """The machine of a campaign with steps."""
    return Series(campaign.steps)


def part(campaign: Campaign, key: str) -> Campaign:
    """The campaign that one step is: its mail with the offer whose code is shown, or its offer without a mail."""
    series = series_of(campaign)
    step: MessageStep | OfferStep = series.by_key[key]
    if isinstance(step, OfferStep):
        return campaign.model_copy(update={"steps": (), "message": {}, "offer": step.offer})
    audience = campaign.audience.model_copy(update={"topic": step.topic}) if step.topic else campaign.audience
    return campaign.model_copy(
        update={"steps": (), "message": step.message, "offer": offer_at(series, key), "audience": audience}
    )


def letters(campaign: Campaign) -> Iterator[tuple[str, Campaign]]:
    """Every mail there is: the path of its wordings, and the campaign it is. A campaign without steps is itself."""
    if not campaign.steps:
        yield "message", campaign
    for place, step in enumerate(campaign.steps):
        if isinstance(step, MessageStep):
            yield f"steps.{place}.message", part(campaign, step.key)


def apart(campaign: Campaign) -> Iterator[tuple[str, Campaign]]:
    """The same with each variant's mail by itself, where variants are tried; a mail that two of them share once."""
    for path, one in letters(campaign):
        seen: list[tuple[object, object]] = []
        for key, told in one.told_apart.items():
            if (told.message, told.offer) not in seen:
                seen.append((told.message, told.offer))
                own = told.message != one.message or told.offer != one.offer
                yield (_of_variant(campaign, key) if own else path), told


def _of_variant(campaign: Campaign, key: str) -> str:
    place = next(place for place, one in enumerate(campaign.measure.variants) if one.key == key)
    variant = campaign.measure.variants[place]
    return f"measure.variants.{place}.{'message' if variant.message or not variant.subject else 'subject'}"


def offers(campaign: Campaign) -> Iterator[tuple[str, Campaign]]:
    """Every offer there is, likewise; none where nothing is given."""
    if campaign.offer is not None:
        yield "offer", campaign
    for place, step in enumerate(campaign.steps):
        if isinstance(step, OfferStep):
            yield f"steps.{place}.offer", part(campaign, step.key)


def given(campaign: Campaign) -> Iterator[tuple[str, Campaign]]:
    """Every offer there is, also those that variants have of their own; each at its place."""
    yield from offers(campaign)
    for place, one in enumerate(campaign.measure.variants):
        if one.offer not in (None, "none"):
            yield f"measure.variants.{place}.offer", campaign.told(one.key)


def languages(campaign: Campaign) -> list[str]:
    """In which languages it is written; those of all its mails together."""
    return sorted({language for _, one in letters(campaign) for language in one.message})
