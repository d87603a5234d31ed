"""What a payment grants: a package, a new membership, or a running membership's next period."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final, LiteralString
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Struct

from kotally.bookings import overdue
from kotally.core.calendar import iso, local_date
from kotally.core.ids import new_id
from kotally.db import Database, Queries
from kotally.ledger.acts import Act, Key, Outcome, act
from kotally.ledger.writer import Writer
from kotally.memberships.issuing import copied_rules, share_of_cost
from kotally.memberships.periods import Period, instalment, period, with_grace
from kotally.payments import renewing
from kotally.payments.purchases import Purchase
from kotally.products.rules import Rules
from kotally.products.validity import Good, good
from kotally.workspaces.workspaces import as_uuid

__all__ = ["PAID_AHEAD_MAX", "Misreported", "Purchase", "grant", "plan"]

PLAN_ATTEMPTS: Final = (
    5  # a plan goes stale only when another payment of the same period comes between
)
PAID_AHEAD_MAX: Final = timedelta(minutes=5)  # so far the clocks of two machines may differ
_MILLIONTHS: Final = 1_000_000
_OPTIONAL: Final = (
    *("amount_cents", "currency", "email", "name", "phone", "metadata"),
    *("payment_fingerprint", "override_reason"),
)

_encode = msgspec.json.Encoder().encode


class Misreported(ValueError):
    """A purchase cannot be as it was told; `field` says which part of it."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


class _Terms(Struct, frozen=True):
    """What the plan depends on; the kernel verifies under its lock what may have changed."""

    timezone: str
    now: datetime
    latest: datetime  # of the location's clock and ours: a sandbox may be behind its callers
    type: str | None
    version: int | None
    credits: int | None
    expiry_days: int | None
    coverage: dict[str, int] | None
    rules: dict[str, Any] | None
    membership_id: UUID | None
    namesake: str | None  # who has as uuid what the contact is called by


_TERMS: Final[LiteralString] = """
    select l.timezone, coalesce(l.clock_at, clock_timestamp()) as now,
           greatest(l.clock_at, clock_timestamp()) as latest, p.type, v.version, v.credits,
           v.expiry_days, v.coverage, v.rules, m.id as membership_id, n.external_id as namesake
      from kotally.locations l
      left join kotally.contacts c on c.location_id = l.id and c.external_id = $3
      left join kotally.contacts n on n.location_id = l.id and n.id = $4
      -- The running membership that the payment is for, or that waits to become of this product.
      left join lateral (
        select m.id
          from kotally.memberships m
          left join kotally.membership_changes w
            on w.location_id = l.id and w.membership_id = m.id and w.decided_at is null
         where m.location_id = l.id and m.contact_id = c.id and m.status <> 'ended'
           and $2 in (m.product_config_id, w.to_product_config_id)
         order by m.product_config_id = $2 desc limit 1) m on true
      left join kotally.products p
        on p.location_id = l.id and p.id = $2 and (p.status = 'active' or m.id is not null)
      left join kotally.product_versions v
        on v.location_id = l.id and v.product_id = p.id and v.version = p.version
     where l.id = $1
"""


async def grant(db: Database, writer: Writer, purchase: Purchase, *, key: Key) -> Outcome:
    """
    Grant what a payment bought.

    Codes: `grant_applied`, `CONFIG_NOT_FOUND`, `DUPLICATE_EVENT`, `PURCHASE_LIMIT_REACHED`,
    `BILLING_SUSPENDED`, `PERIOD_PAID_AHEAD` (the payment is kept, for somebody to look at),
    `IDEMPOTENCY_CONFLICT`, `REQUEST_IN_PROGRESS`. Raises Misreported.
    """
    location_id, contact = purchase.location_id, purchase.external_contact_id
    for attempt in range(PLAN_ATTEMPTS):
        terms = await _terms(db, purchase)
        if terms.membership_id is not None:
            # A membership that has ended unpaid by now is not renewed: a new one begins (S11.4).
            await overdue.bring_up_to_date(db, location_id, contact)
            try:
                return await renewing.pay(db, purchase, terms.membership_id, key=key)
            except renewing.MovedOn:
                continue
        planned = _act(purchase, terms, key)
        if attempt:
            planned = overdue.as_it_stands(planned)
        outcome = await writer.submit(location_id, planned)
        if outcome.code != overdue.STALE:
            return outcome
        await overdue.bring_up_to_date(db, location_id, contact)
    return Outcome(
        "REQUEST_IN_PROGRESS", replayed=False, correlation_id=key.correlation_id, answer="{}"
    )


async def plan(db: Queries, purchase: Purchase, *, key: Key) -> Act:
    """
    Plan a grant as an act of the kernel.

    An unknown product makes an act that the kernel refuses, a running membership one that it
    calls STALE: only `grant` confirms its next period. Raises Misreported.
    """
    return _act(purchase, await _terms(db, purchase), key)


async def _terms(db: Queries, purchase: Purchase) -> _Terms:
    terms = await db.one(
        _Terms,
        _TERMS,
        purchase.location_id,
        purchase.product_config_id,
        purchase.external_contact_id,
        as_uuid(purchase.external_contact_id),
    )
    if terms is None:
        raise LookupError(f"no location {purchase.location_id}")
    _refuse_misreported(purchase, terms)
    return terms


def _refuse_misreported(purchase: Purchase, terms: _Terms) -> None:
    if purchase.paid_at is not None and purchase.paid_at > terms.latest + PAID_AHEAD_MAX:
        minutes = PAID_AHEAD_MAX // timedelta(minutes=1)
        raise Misreported(
            "paid_at", f"must be at most {minutes} minutes after now, which is {iso(terms.latest)}"
        )
    if terms.namesake is not None:
        # A reader could mean either by it. Nobody knows the uuid before its contact is there.
        raise Misreported(
            "external_contact_id",
            f"is our own uuid of the contact {terms.namesake!r}; send that contact's id instead",
        )


def _act(purchase: Purchase, terms: _Terms, key: Key) -> Act:
    return act(
        "grant",
        key,
        external_contact_id=purchase.external_contact_id,
        product_config_id=purchase.product_config_id,
        external_ref=purchase.external_ref,
        args=_encode(_arguments(purchase, terms)).decode(),
    )


def _arguments(purchase: Purchase, terms: _Terms) -> dict[str, Any]:
    # A payment from the future is one whose clock is a little wrong: it starts now.
    paid_at = min(purchase.paid_at or terms.now, terms.now)
    arguments: dict[str, Any] = {
        "contact_id": new_id(),
        "provider": purchase.provider,
        "external_payment_id": purchase.external_payment_id,
    }
    if terms.version is None or terms.credits is None:
        return arguments
    payment_id = new_id()
    # An unlimited plan has periods and no credits (S1.2).
    credits_ = 0 if _rules(terms).unlimited else terms.credits
    # The provider's own period decides where a membership begins (S9.2).
    began_at = min(purchase.period_starts_at or paid_at, terms.now)
    current = _period(terms, began_at)
    validity = _validity(terms, paid_at, current=current)
    arguments |= {
        "version": terms.version,
        "type": terms.type,
        "credits": credits_,
        "entitlement_id": new_id(),
        "payment_id": payment_id,
        "event_type": purchase.event_type,
        "paid_at": paid_at if purchase.paid_at is None else purchase.paid_at,
        "starts_at": validity.effective_at,
        "ends_at": None if current else validity.expires_at,
    }
    for name in _OPTIONAL:
        if getattr(purchase, name) is not None:
            arguments[name] = getattr(purchase, name)
    intro = (terms.rules or {}).get("intro")
    if intro:
        # The kernel looks under its lock whether this person may buy it (B4, B11).
        arguments["intro"] = intro
    if current:
        arguments["membership"] = _membership(terms, current, began_at=began_at)
    if credits_:
        arguments["lot"] = _lot(purchase, terms, validity=validity, payment_id=payment_id)
        if current:
            arguments["lot"]["period_number"] = current.number
    return arguments


def _period(terms: _Terms, began_at: datetime) -> Period | None:
    """Return the first period of a membership."""
    if terms.type != "membership":
        return None
    zone = ZoneInfo(terms.timezone)
    return period(local_date(began_at, zone), _rules(terms).period_months, 1, zone=zone)


def _validity(terms: _Terms, paid_at: datetime, *, current: Period | None) -> Good:
    """Return from when and until when the credits are good (S6.2 to S6.4)."""
    zone, rules = ZoneInfo(terms.timezone), _rules(terms)
    if current:
        first = _first_instalment(terms, current)
        until = with_grace(first.ends_at, rules.period_grace_days, zone=zone)
        return Good(effective_at=current.starts_at, expires_at=until)
    return good(rules.validity, terms.expiry_days, paid_at=paid_at, now=terms.now, zone=zone)


def _first_instalment(terms: _Terms, whole: Period) -> Period:
    months = _rules(terms).grant_months
    return (months and instalment(whole, months, 1, zone=ZoneInfo(terms.timezone))) or whole


def _membership(terms: _Terms, current: Period, *, began_at: datetime) -> dict[str, Any]:
    zone, rules = ZoneInfo(terms.timezone), _rules(terms)
    anchor_on = local_date(began_at, zone)
    plan_: dict[str, Any] = {
        "anchor_on": anchor_on,
        "number": current.number,
        "starts_at": current.starts_at,
        "ends_at": current.ends_at,
        # The next instalment or period is what it has to be looked at for.
        "renews_at": _first_instalment(terms, current).ends_at,
        "renews_itself": rules.renews == "itself",
    }
    if rules.renews == "payment":
        plan_["expected_next_charge_at"] = current.ends_at
    if rules.ending.minimum_periods:
        last = period(anchor_on, rules.period_months, rules.ending.minimum_periods, zone=zone)
        plan_["minimum_until"] = last.ends_at
    return plan_


def _lot(purchase: Purchase, terms: _Terms, *, validity: Good, payment_id: UUID) -> dict[str, Any]:
    rules = _rules(terms)
    credits_ = terms.credits or 0
    cost = share_of_cost(purchase.amount_cents or 0, rules)
    lot: dict[str, Any] = {
        "id": new_id(),
        "product_version": terms.version,
        "payment_id": payment_id,
        "class": "included" if terms.type == "membership" else "paid",
        "effective_at": validity.effective_at,
        "cost_minor": cost,
        "unit_cost": cost * _MILLIONTHS // credits_,
        "restore_grace_days": rules.restore_grace_days,
        "rules": copied_rules(rules) | ({"starts": validity.starts} if validity.starts else {}),
    }
    optional = {
        "expires_at": validity.expires_at,
        "coverage": terms.coverage,
        "coverage_width": None if terms.coverage is None else len(terms.coverage),
        "currency": purchase.currency,
        "cancel_window_minutes": rules.cancel_window_minutes,
    }
    return lot | {name: value for name, value in optional.items() if value is not None}


def _rules(terms: _Terms) -> Rules:
    return msgspec.convert(terms.rules or {}, Rules)
