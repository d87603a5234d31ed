"""What a freeze means for the money and the next credits (S8.5 to S8.7)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec

from kotally.bookings import fees
from kotally.core.calendar import local_date
from kotally.db import Queries
from kotally.ledger.scenes import Scene
from kotally.memberships import freezes_records
from kotally.memberships.freezes_limits import Span
from kotally.memberships.freezes_records import Freeze
from kotally.memberships.memberships import Membership
from kotally.memberships.periods import Period
from kotally.products.policies import FreezePolicy
from kotally.workspaces import work_items

FEE_DAYS: Final = 30
DRIFT_DAYS_MAX: Final = 1  # a provider charges at its own hour, so a day off is not drift


def prorated(amount: int, ended: Period, spans: Sequence[Span], *, zone: ZoneInfo) -> int:
    """
    Return what is left of a period's credits or charge for the days that the last one was active.

    Rounded up; the days are those of the period that has ended (S8.5).
    """
    whole = Span(local_date(ended.starts_at, zone), local_date(ended.ends_at, zone))
    active = whole.days - sum(span.within(whole) for span in spans)
    return -(-amount * active // max(whole.days, 1))


async def prorating(
    db: Queries, location_id: str, membership_ids: Sequence[UUID]
) -> dict[UUID, list[Span]]:
    """Read, by membership, the freezes for which the period after them issues less."""
    found: dict[UUID, list[Span]] = {}
    rows = await db.fetch(
        """
        select f.membership_id, f.starts_on, f.resumes_on from kotally.freezes f
         where f.location_id = $1 and f.membership_id = any ($2) and f.mode = 'prorate'
           and f.status <> 'cancelled'
        """,
        location_id,
        list(membership_ids),
    )
    for row in rows:
        span = Span(row["starts_on"], row["resumes_on"])
        found.setdefault(row["membership_id"], []).append(span)
    return found


def fees_due(policy: FreezePolicy, days: int) -> int:
    """Return how many times the fee of a freeze is owed: once, or for each 30 days begun."""
    if policy.fee_cents == 0 or days == 0:
        return 0
    return -(-days // FEE_DAYS) if policy.fee_per_30_days else 1


async def charge(scene: Scene, freeze: Freeze, policy: FreezePolicy) -> Freeze:
    """Bring the fees of a freeze to what its days cost; what was paid or closed before stays."""
    owed = 0 if freeze.status == "cancelled" else fees_due(policy, freeze.span.days)
    fee_ids = list(freeze.fee_ids)
    while len(fee_ids) > owed:
        await fees.close(scene, fee_ids.pop(), "waived", note="The freeze was shorter.")
    while len(fee_ids) < owed:
        fee_id = await fees.charge(
            scene,
            freeze.contact_id,
            policy.fee_cents,
            reason="freeze",
            entitlement_id=freeze.membership_id,
        )
        fee_ids.append(fee_id)
    return msgspec.structs.replace(freeze, fee_ids=fee_ids)


def drift(paid_on: date, expected_on: date, freezes: Sequence[Freeze]) -> str | None:
    """Tell why a charge did not come when it was expected because of a freeze, or None (S8.6)."""
    for freeze in freezes:
        if freeze.mode != "keep" and freeze.starts_on <= paid_on < freeze.resumes_on:
            return "inside_freeze"
    is_shifted = any(freeze.shifted_days for freeze in freezes)
    if is_shifted and abs((paid_on - expected_on).days) > DRIFT_DAYS_MAX:
        return "other_time"
    return None


async def note_charge(scene: Scene, membership: Membership, paid_at: datetime) -> bool:
    """
    Put a charge that did not follow a freeze into the work queue: BILLING_DRIFT (S8.6).

    Called before the payment is taken into account; the period is granted all the same.
    """
    every = await freezes_records.of_membership(scene.tx, scene.location_id, membership.id)
    around = [each for each in every if each.resumes_at > membership.period_starts_at]
    expected_at = membership.expected_next_charge_at or membership.period_ends_at
    why = drift(local_date(paid_at, scene.zone), local_date(expected_at, scene.zone), around)
    if why is None:
        return False
    details = {"reason": why, "paid_at": paid_at, "expected_at": expected_at}
    await work_items.put(
        scene, membership.contact_id, membership.id, kind="billing_drift", details=details
    )
    await scene.happened(
        membership.contact_id, "billing_drift", entitlement_id=membership.id, **details
    )
    return True
