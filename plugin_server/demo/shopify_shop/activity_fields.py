"""Campaigns on Shopify's Marketing page, as the schema shows them."""

from __future__ import annotations

from plugin_server.demo.shopify_shop.fields import View, fields
from plugin_server.demo.shopify_shop.gids import gid, number
from plugin_server.demo.shopify_shop.lists import Catalogue, connection
from plugin_server.demo.shopify_shop.search import Searchable

ACTIVITIES = Catalogue(
    "marketingActivities",
    lambda shop: shop.activities.values(),
    lambda _shop: {
        "id": Searchable("number", lambda one: one.id),
        "title": Searchable("text", lambda one: one.title),
        "created_at": Searchable("time", lambda one: one.created_at),
    },
    {"ID": lambda one: one.id, "CREATED_AT": lambda one: one.created_at, "TITLE": lambda one: one.title},
)

fields(
    "QueryRoot",
    {
        "marketingActivities": lambda _root, context, marketingActivityIds=None, remoteIds=None, savedSearchId=None,
        **args: connection(ACTIVITIES, context, **args),
        "marketingActivity": lambda _root, context, id: context.shop.activities.get(
            number(id, "MarketingActivity") or 0
        ),
    },
)  # fmt: skip
fields(
    "MarketingActivity",
    {
        "id": lambda one, _: gid("MarketingActivity", one.id),
        "isExternal": lambda _one, _: True,
        "marketingChannelType": lambda one, _: one.channel,
        "statusLabel": lambda one, _: {"ACTIVE": "Sending", "INACTIVE": "Sent"}.get(one.status, one.status.title()),
        "sourceAndMedium": lambda one, _: f"{one.utm.get('source', '')}/{one.utm.get('medium', '')}",
        "utmParameters": lambda one, _: (
            {name: one.utm.get(name) for name in ("source", "medium", "campaign", "content", "term")}
            if one.utm else None
        ),
        "urlParameterValue": lambda _one, _: None,
        "marketingEvent": lambda one, _: View("MarketingEvent", one),
    },
)  # fmt: skip
fields(
    "MarketingEvent",
    {
        "id": lambda one, _: gid("MarketingEvent", one.id),
        "legacyResourceId": lambda one, _: one.id,
        "type": lambda one, _: one.tactic,
        "channelHandle": lambda _one, _: None,
        "remoteId": lambda one, _: one.remote_id,
        "startedAt": lambda one, _: one.start or one.created_at,
        "endedAt": lambda one, _: one.end,
        "manageUrl": lambda one, _: one.remote_url,
        "previewUrl": lambda _one, _: None,
        "utmCampaign": lambda one, _: one.utm.get("campaign"),
        "utmMedium": lambda one, _: one.utm.get("medium"),
        "utmSource": lambda one, _: one.utm.get("source"),
        "description": lambda one, _: one.title,
        "sourceAndMedium": lambda one, _: f"{one.utm.get('source', '')}/{one.utm.get('medium', '')}",
    },
)
