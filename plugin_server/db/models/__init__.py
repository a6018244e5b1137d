"""All models, so that the metadata is whole wherever one of them is imported."""

from plugin_server.db.models import (
    audit_log,
    calendar,
    campaign,
    consent,
    customer,
    evidence,
    facts,
    inbox,
    ladder,
    merchant,
    message,
    offer,
    order,
    periodic,
    product,
    rhythm,
    store,
)
from plugin_server.db.models.base import Base, OfMerchant

__all__ = [
    "Base",
    "OfMerchant",
    "audit_log",
    "calendar",
    "campaign",
    "consent",
    "customer",
    "evidence",
    "facts",
    "inbox",
    "ladder",
    "merchant",
    "message",
    "offer",
    "order",
    "periodic",
    "product",
    "rhythm",
    "store",
]
