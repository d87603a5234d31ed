"""One sale told twice: by two providers, or by the staff and a provider (S9.1)."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final, Literal, LiteralString
from uuid import UUID

from msgspec import Struct

from kotally.ledger.scenes import Scene
from kotally.memberships.issuing import share_of_cost
from kotally.memberships.memberships import Membership
from kotally.payments.purchases import Purchase
from kotally.workspaces import work_items

CLOSE: Final = timedelta(hours=24)  # two providers tell of one sale within hours, not days

Match = Literal["reference", "period", "closeness"]
_FIRST: Final[LiteralString] = """
    select p.id
      from kotally.payments p
     where p.location_id = $1 and p.provider = $2 and p.external_payment_id = $3
     union all
    select r.payment_id
      from kotally.payment_reports r
     where r.location_id = $1 and r.provider = $2 and r.external_payment_id = $3
"""
# Another provider's payment that names this one's id, or whose id this one names.
_BY_REFERENCE: Final[LiteralString] = """
    select p.id
      from kotally.payments p
     where p.location_id = $1 and p.entitlement_id = $2 and p.product_config_id = $3
       and p.provider <> $4
       and ($5 in (p.external_payment_id, p.external_ref) or p.external_payment_id = $6
            or exists (
              select from kotally.payment_reports r
               where r.location_id = $1 and r.payment_id = p.id and r.provider <> $4
                 and r.external_payment_id in ($5, $6)))
     order by p.recorded_at desc, p.id desc limit 1
"""
# Another provider's payment of the same figure at nearly the same time that this provider has
# not told of yet.
_BY_CLOSENESS: Final[LiteralString] = """
    select p.id
      from kotally.payments p
     where p.location_id = $1 and p.entitlement_id = $2 and p.product_config_id = $3
       and p.provider <> $4 and p.refunded_cents = 0 and p.credits_revoked = 0
       and coalesce(p.amount_cents = $5, true) and coalesce(p.currency = $6, true)
       and p.paid_at between $7::timestamptz - $8::interval and $7::timestamptz + $8::interval
       and not exists (
         select from kotally.payment_reports r
          where r.location_id = $1 and r.payment_id = p.id and r.provider = $4)
     order by greatest(p.paid_at - $7, $7 - p.paid_at), p.id limit 1
"""
_PERIODS: Final[LiteralString] = """
    select p.number, p.starts_at, p.ends_at, p.payment_id
      from kotally.periods p
     where p.location_id = $1 and p.membership_id = $2
     order by p.number
"""


class Sale(Struct, frozen=True, kw_only=True):
    """What a payment turned out to tell of: a payment that is known, or a period without one."""

    payment_id: UUID | None
    period_number: int | None
    by: Match


class _Confirmed(Struct, frozen=True):
    number: int
    starts_at: datetime
    ends_at: datetime
    payment_id: UUID | None


async def first_of(scene: Scene, purchase: Purchase) -> UUID | None:
    """Return the payment that was handled under this very provider and id."""
    return await scene.tx.fetchval(
        _FIRST, scene.location_id, purchase.provider, purchase.external_payment_id
    )


async def told_before(scene: Scene, purchase: Purchase, membership: Membership) -> Sale | None:
    """
    Say whether a payment tells of a sale that has been granted for a running membership.

    What the callers named decides first: a common id, then the period. Without either, a period
    that the staff confirmed takes the payment nearest to its start, and a payment of the same
    figure within a day is the same sale when another provider told it. All else is a new sale, so
    an early payment still pays the next period.
    """
    whose = (scene.location_id, membership.id, purchase.product_config_id, purchase.provider)
    named: UUID | None = await scene.tx.fetchval(
        _BY_REFERENCE, *whose, purchase.external_payment_id, purchase.external_ref
    )
    if named is not None:
        return Sale(payment_id=named, period_number=None, by="reference")
    if purchase.product_config_id != membership.plan.product_config_id:
        return None
    paid_at = min(purchase.paid_at or scene.now, scene.now)
    found = await _nearest(scene, membership.id, purchase.period_starts_at or paid_at)
    if purchase.period_starts_at is not None:
        return found
    if found is not None and found.payment_id is None and _is_paid_for(membership):
        return found
    close: UUID | None = await scene.tx.fetchval(
        _BY_CLOSENESS, *whose, purchase.amount_cents, purchase.currency, paid_at, CLOSE
    )
    return None if close is None else Sale(payment_id=close, period_number=None, by="closeness")


async def attach(scene: Scene, purchase: Purchase, payment_id: UUID, *, by: Match) -> None:
    """Keep the other provider's id; what was only guessed is for somebody to look at."""
    await scene.tx.execute(
        """
        insert into kotally.payment_reports (
          location_id, provider, external_payment_id, payment_id, matched_by, recorded_at)
        values ($1, $2, $3, $4, $5, $6)
        """,
        scene.location_id,
        purchase.provider,
        purchase.external_payment_id,
        payment_id,
        by,
        scene.now,
    )
    if by == "closeness":
        await _raise(scene, purchase, payment_id)


async def pay_period(
    scene: Scene, purchase: Purchase, membership: Membership, *, number: int, payment_id: UUID
) -> int:
    """Let a payment be that of a period the staff had confirmed; returns the credits of it."""
    cost = share_of_cost(purchase.amount_cents or 0, membership.plan.rules)
    return await scene.tx.fetchval(
        "select kotally.pay_period($1, $2, $3, $4, $5, $6)",
        scene.location_id,
        membership.id,
        number,
        payment_id,
        cost,
        purchase.currency,
    )


async def _nearest(scene: Scene, membership_id: UUID, at: datetime) -> Sale | None:
    """Return the confirmed period that begins nearest to a time, unless another one does."""
    periods = await scene.tx.rows(_Confirmed, _PERIODS, scene.location_id, membership_id)
    if not periods:
        return None
    nearest = min(periods, key=lambda each: abs(each.starts_at - at))
    if abs(periods[-1].ends_at - at) < abs(nearest.starts_at - at):
        return None
    if _precedes(nearest, at):
        return None
    return Sale(payment_id=nearest.payment_id, period_number=nearest.number, by="period")


async def note_early(scene: Scene, purchase: Purchase, membership: Membership) -> None:
    """Let somebody look at a payment for a period before the first one: it pays the next."""
    at = purchase.period_starts_at
    periods = await scene.tx.rows(_Confirmed, _PERIODS, scene.location_id, membership.id)
    if at is None or not periods or not _precedes(periods[0], at):
        return
    details = {
        "reason": "before_first_period",
        "paid_at": purchase.paid_at or scene.now,
        "period_starts_at": at,
        "expected_at": periods[0].starts_at,
    }
    await work_items.put(
        scene, membership.contact_id, membership.id, kind="billing_drift", details=details
    )


def _precedes(period: _Confirmed, at: datetime) -> bool:
    """Tell a time that is nearer to the start of the period before."""
    return 2 * (period.starts_at - at) > period.ends_at - period.starts_at


def _is_paid_for(membership: Membership) -> bool:
    return membership.plan.rules.renews == "payment"


async def _raise(scene: Scene, purchase: Purchase, payment_id: UUID) -> None:
    row = await scene.tx.fetchrow(
        """
        select p.contact_id, p.entitlement_id from kotally.payments p
         where p.location_id = $1 and p.id = $2
        """,
        scene.location_id,
        payment_id,
    )
    assert row is not None, "payments are never removed"
    details = {
        "payment_id": payment_id,
        "provider": purchase.provider,
        "external_payment_id": purchase.external_payment_id,
        "amount_cents": purchase.amount_cents,
        "paid_at": purchase.paid_at or scene.now,
    }
    await work_items.put(
        scene, row["contact_id"], row["entitlement_id"], kind="same_sale", details=details
    )
