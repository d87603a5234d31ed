"""How a freeze moves the bounds of a membership's periods and charges (S8.5)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec

from kotally.core.calendar import local_date, local_midnight
from kotally.ledger.scenes import Scene
from kotally.memberships import memberships
from kotally.memberships.bounds import due_at
from kotally.memberships.freezes_records import Freeze
from kotally.memberships.memberships import Membership
from kotally.memberships.writing import write_memberships


def moved(at: datetime, days: int, zone: ZoneInfo) -> datetime:
    """Move an instant by local days: a midnight to a midnight, else the same time of day."""
    on = local_date(at, zone)
    if local_midnight(on, zone) == at:
        return local_midnight(on + timedelta(days=days), zone)
    wall = at.astimezone(zone).replace(tzinfo=None) + timedelta(days=days)
    return wall.replace(tzinfo=zone).astimezone(UTC)


async def shift(scene: Scene, freeze: Freeze, days: int) -> Freeze:
    """
    Bring the bounds of a membership to what a freeze of so many days makes of them.

    Only the mode `shift` moves bounds, and only those of a period that ends after the freeze
    begins; a freeze of a later period moves them when it begins.
    """
    by = days - freeze.shifted_days
    if freeze.mode != "shift" or by == 0:
        return freeze
    found = await memberships.load(scene.tx, scene.location_id, [freeze.membership_id])
    before = found[freeze.membership_id]
    if before.status == "ended" or (not freeze.shifted_days and _is_later(before, freeze)):
        return freeze
    after = _shifted(before, by, freeze=freeze, zone=scene.zone)
    await write_memberships(scene.tx, scene.location_id, [after])
    await _shift_periods(scene, before, by)
    await _shift_lots(scene, before, by)
    await _shift_change(scene, before, after)
    return msgspec.structs.replace(freeze, shifted_days=days)


def _is_later(membership: Membership, freeze: Freeze) -> bool:
    return membership.period_ends_at < freeze.starts_at


def _shifted(before: Membership, by: int, *, freeze: Freeze, zone: ZoneInfo) -> Membership:
    changes: dict[str, Any] = {"period_ends_at": moved(before.period_ends_at, by, zone)}
    if before.plan.rules.grant_months:
        # The instalments are counted from the start, so those to come move with it.
        changes["period_starts_at"] = moved(before.period_starts_at, by, zone)
    if before.expected_next_charge_at is not None:
        changes["expected_next_charge_at"] = moved(before.expected_next_charge_at, by, zone)
    if before.ends_at is not None and before.ends_at >= freeze.starts_at:
        changes["ends_at"] = moved(before.ends_at, by, zone)
    after = msgspec.structs.replace(before, **changes)
    if before.status == "active":
        return msgspec.structs.replace(after, renews_at=due_at(after, zone=zone))
    return after


async def _shift_periods(scene: Scene, before: Membership, by: int) -> None:
    """Move the end of the running period, and both ends of those paid ahead."""
    rows = await scene.tx.fetch(
        """
        select p.number, p.starts_at, p.ends_at from kotally.periods p
         where p.location_id = $1 and p.membership_id = $2 and p.number >= $3
        """,
        scene.location_id,
        before.id,
        before.period_number,
    )
    for row in rows:
        starts_at = row["starts_at"]
        if row["number"] > before.period_number:
            starts_at = moved(starts_at, by, scene.zone)
        await scene.tx.execute(
            """
            update kotally.periods set starts_at = $4, ends_at = $5
             where location_id = $1 and membership_id = $2 and number = $3
            """,
            scene.location_id,
            before.id,
            row["number"],
            starts_at,
            moved(row["ends_at"], by, scene.zone),
        )


async def _shift_lots(scene: Scene, before: Membership, by: int) -> None:
    """Move the credits of periods paid ahead with their periods, wholly."""
    rows = await scene.tx.fetch(
        """
        select l.id, l.effective_at, l.expires_at from kotally.lots l
         where l.location_id = $1 and l.entitlement_id = $2 and l.effective_at >= $3
        """,
        scene.location_id,
        before.id,
        before.period_ends_at,
    )
    for row in rows:
        await scene.tx.execute(
            "select kotally.start_lot($1, $2, $3)",
            scene.location_id,
            row["id"],
            moved(row["effective_at"], by, scene.zone),
        )
        if row["expires_at"] is not None:
            to_at = moved(row["expires_at"], by, scene.zone)
            await scene.change_expiry(row["id"], to_at, reason="freeze")


async def _shift_change(scene: Scene, before: Membership, after: Membership) -> None:
    """Move a cancellation or a change that waits for the bound that has moved."""
    for old, new in (
        (before.period_ends_at, after.period_ends_at),
        (before.ends_at, after.ends_at),
    ):
        await scene.tx.execute(
            """
            update kotally.membership_changes c set effective_at = $4
             where c.location_id = $1 and c.membership_id = $2 and c.effective_at = $3
               and c.decided_at is null
            """,
            scene.location_id,
            before.id,
            old,
            new,
        )
        if old == before.ends_at:
            break


def expected_charge(membership: Membership) -> datetime | None:
    """Return when the next charge of a membership is expected, if one is (S8.6)."""
    if membership.renews_itself or membership.status == "ended":
        return None
    return membership.expected_next_charge_at or membership.period_ends_at


async def reload(scene: Scene, membership_id: UUID) -> Membership:
    """Read a membership as it is now."""
    found = await memberships.load(scene.tx, scene.location_id, [membership_id])
    return found[membership_id]
