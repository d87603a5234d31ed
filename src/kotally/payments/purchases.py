"""A purchase, as whoever took the payment told it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from msgspec import Struct


class Purchase(Struct, frozen=True, kw_only=True):
    """
    One payment for one product, as its reporter told it.

    `external_payment_id` is unique per location and provider for ever (S15.3). Money is in minor
    units. `paid_at` None means: now. `period_starts_at` says which period of a membership is meant:
    the one that begins nearest to it. `override_reason` sets limits of purchases aside.
    """

    location_id: str
    external_contact_id: str
    product_config_id: str
    external_payment_id: str
    provider: str
    event_type: str
    amount_cents: int | None = None
    currency: str | None = None
    paid_at: datetime | None = None
    period_starts_at: datetime | None = None
    email: str | None = None
    name: str | None = None
    phone: str | None = None
    payment_fingerprint: str | None = None
    override_reason: str | None = None
    external_ref: str | None = None
    metadata: dict[str, Any] | None = None

    @property
    def fee_id(self) -> str | None:
        """Be the fee that the payment says it pays too (S5.6)."""
        named: object = (self.metadata or {}).get("fee_id")
        return named if isinstance(named, str) else None
