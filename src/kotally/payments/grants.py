"""What a payment grants: a package, a new membership, or a running membership's next period."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, Final, LiteralString
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Struct

from kotally.core.calendar import end_of_validity, local_date
from kotally.core.ids import new_id
from kotally.db import Queries
from kotally.ledger.acts import Act, Key, Outcome, act
from kotally.ledger.writer import Writer
from kotally.memberships.periods import Period, period, period_at
from kotally.products.rules import Rules

PLAN_ATTEMPTS: Final = (
    5  # a plan goes stale only when another payment of the same period comes between
)
_MILLIONTHS: Final = 1_000_000

_encode = msgspec.json.Encoder().encode


class Purchase(Struct, frozen=True, kw_only=True):
    """
    One payment for one product, as its reporter told it.

    `external_payment_id` is unique per location and provider for ever (S15.3). Money is in minor
    units. `paid_at` None means: now.
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
    email: str | None = None
    name: str | None = None
    external_ref: str | None = None
    metadata: dict[str, Any] | None = None


class _Terms(Struct, frozen=True):
    """What the plan depends on; the kernel verifies under its lock what may have changed."""

    timezone: str
    now: datetime
    type: str | None
    version: int | None
    credits: int | None
    expiry_days: int | None
    coverage: dict[str, int] | None
    rules: dict[str, Any] | None
    period_number: int | None
    anchor_on: date | None
    period_ends_at: datetime | None


_TERMS: Final[LiteralString] = """
    select l.timezone, coalesce(l.clock_at, clock_timestamp()) as now, p.type, v.version, v.credits,
           v.expiry_days, v.coverage, v.rules, m.period_number, m.anchor_on, m.period_ends_at
      from kotally.locations l
      left join kotally.contacts c on c.location_id = l.id and c.external_id = $3
      left join kotally.memberships m
        on m.location_id = l.id and m.contact_id = c.id and m.product_config_id = $2
       and m.status <> 'ended'
      left join kotally.entitlements e on e.location_id = l.id and e.id = m.id
      left join kotally.products p
        on p.location_id = l.id and p.id = $2 and (p.status = 'active' or m.id is not null)
      left join kotally.product_versions v
        on v.location_id = l.id and v.product_id = p.id
       and v.version = coalesce(e.product_version, p.version)
     where l.id = $1
"""


async def grant(db: Queries, writer: Writer, purchase: Purchase, *, key: Key) -> Outcome:
    """
    Grant what a payment bought.

    Codes: `grant_applied`, `CONFIG_NOT_FOUND`, `DUPLICATE_EVENT`, `BILLING_SUSPENDED`,
    `IDEMPOTENCY_CONFLICT`, `REQUEST_IN_PROGRESS`.
    """
    for _ in range(PLAN_ATTEMPTS):
        planned = await plan(db, purchase, key=key)
        outcome = await writer.submit(purchase.location_id, planned)
        if outcome.code != "STALE":
            return outcome
    return Outcome(
        "REQUEST_IN_PROGRESS", replayed=False, correlation_id=key.correlation_id, answer="{}"
    )


async def plan(db: Queries, purchase: Purchase, *, key: Key) -> Act:
    """Plan a grant as an act; an unknown product makes an act that the kernel refuses."""
    terms = await db.one(
        _Terms,
        _TERMS,
        purchase.location_id,
        purchase.product_config_id,
        purchase.external_contact_id,
    )
    if terms is None:
        raise LookupError(f"no location {purchase.location_id}")
    return act(
        "grant",
        key,
        external_contact_id=purchase.external_contact_id,
        product_config_id=purchase.product_config_id,
        external_ref=purchase.external_ref,
        args=_encode(_arguments(purchase, terms)).decode(),
    )


def _arguments(purchase: Purchase, terms: _Terms) -> dict[str, Any]:
    # A payment from the future is one whose clock is wrong: it starts now.
    paid_at = min(purchase.paid_at or terms.now, terms.now)
    arguments: dict[str, Any] = {
        "contact_id": new_id(),
        "provider": purchase.provider,
        "external_payment_id": purchase.external_payment_id,
    }
    if terms.version is None or terms.credits is None:
        return arguments
    payment_id = new_id()
    current = _period(terms, paid_at)
    starts_at, expires_at = _validity(terms, paid_at, current=current)
    arguments |= {
        "version": terms.version,
        "type": terms.type,
        "credits": terms.credits,
        "entitlement_id": new_id(),
        "payment_id": payment_id,
        "event_type": purchase.event_type,
        "paid_at": paid_at if purchase.paid_at is None else purchase.paid_at,
        "starts_at": starts_at,
        "ends_at": None if current else expires_at,
    }
    for name in ("amount_cents", "currency", "email", "name", "metadata"):
        if getattr(purchase, name) is not None:
            arguments[name] = getattr(purchase, name)
    if current:
        arguments["membership"] = _membership(terms, current, paid_at=paid_at)
    if terms.credits:
        arguments["lot"] = _lot(
            purchase, terms, starts_at=starts_at, expires_at=expires_at, payment_id=payment_id
        )
        if current:
            arguments["lot"]["period_number"] = current.number
    return arguments


def _period(terms: _Terms, paid_at: datetime) -> Period | None:
    """
    Choose the period that a payment pays: the first, or the one after the last one paid.

    After a pause of more than a period it is the one that is running now: nobody pays for time
    that has passed.
    """
    if terms.type != "membership":
        return None
    zone = ZoneInfo(terms.timezone)
    months = _rules(terms).period_months
    if terms.anchor_on is None or terms.period_number is None:
        return period(local_date(paid_at, zone), months, 1, zone=zone)
    following = period(terms.anchor_on, months, terms.period_number + 1, zone=zone)
    if following.ends_at > terms.now:
        return following
    return period_at(terms.anchor_on, months, terms.now, zone=zone)


def _validity(
    terms: _Terms, paid_at: datetime, *, current: Period | None
) -> tuple[datetime, datetime | None]:
    """Return from when and until when the credits are good (S6.2, S6.3)."""
    if current:
        return current.starts_at, current.ends_at
    if terms.expiry_days is None:
        return paid_at, None
    zone = ZoneInfo(terms.timezone)
    expires_at = end_of_validity(paid_at, terms.expiry_days, zone)
    if expires_at > terms.now:
        return paid_at, expires_at
    # The news of the payment came later than its credits would have lived: nobody is sold an
    # expired pack, so they live from now on.
    return terms.now, end_of_validity(terms.now, terms.expiry_days, zone)


def _membership(terms: _Terms, current: Period, *, paid_at: datetime) -> dict[str, Any]:
    anchor_on = terms.anchor_on or local_date(paid_at, ZoneInfo(terms.timezone))
    return {
        "after": terms.period_number or 0,
        "anchor_on": anchor_on,
        "number": current.number,
        "starts_at": current.starts_at,
        "ends_at": current.ends_at,
    }


def _lot(
    purchase: Purchase,
    terms: _Terms,
    *,
    starts_at: datetime,
    expires_at: datetime | None,
    payment_id: UUID,
) -> dict[str, Any]:
    rules = _rules(terms)
    credits_ = terms.credits or 0
    cost = purchase.amount_cents or 0
    lot: dict[str, Any] = {
        "id": new_id(),
        "product_version": terms.version,
        "payment_id": payment_id,
        "class": "included" if terms.type == "membership" else "paid",
        "effective_at": starts_at,
        "cost_minor": cost,
        "unit_cost": cost * _MILLIONTHS // credits_,
        "restore_grace_days": rules.restore_grace_days,
    }
    optional = {
        "expires_at": expires_at,
        "coverage": terms.coverage,
        "coverage_width": None if terms.coverage is None else len(terms.coverage),
        "currency": purchase.currency,
        "cancel_window_minutes": rules.cancel_window_minutes,
    }
    return lot | {name: value for name, value in optional.items() if value is not None}


def _rules(terms: _Terms) -> Rules:
    return msgspec.convert(terms.rules or {}, Rules)
