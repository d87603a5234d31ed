"""What other acts do to bookings: a grant funds them, a refund or an ending takes their funds."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import msgspec
from msgspec.structs import replace

from kotally.bookings import records
from kotally.bookings.funding import conclude
from kotally.bookings.records import Booking, answer_of
from kotally.bookings.settling import facts_of, finish
from kotally.core.calendar import iso
from kotally.core.ids import new_id
from kotally.ledger.acts import Act
from kotally.ledger.scenes import Scene


async def fund_waiting(scene: Scene, contact_id: UUID) -> int:
    """
    Pay for the contact's bookings that wait for credits, oldest class first.

    Call it after a grant, in the same scene; provisional bookings become normal ones when their
    membership's period has been granted (S2.8). Returns how many were paid for.
    """
    waiting: int = await scene.tx.fetchval(
        """
        select count(*) from kotally.bookings b
         where b.location_id = $1 and b.contact_id = $2 and b.status in ('unfunded', 'provisional')
        """,
        scene.location_id,
        contact_id,
    )
    if not waiting:
        return 0
    external_id: str = await scene.tx.fetchval(
        "select c.external_id from kotally.contacts c where c.location_id = $1 and c.id = $2",
        scene.location_id,
        contact_id,
    )
    return await scene.tx.fetchval(
        "select kotally.fund_waiting($1, $2::kotally.act, $3, $4, $5)",
        scene.location_id,
        _act(scene, external_id),
        contact_id,
        scene.now,
        scene.parts(waiting),
    )


async def who_wait(scene: Scene, contact_ids: Sequence[UUID]) -> list[UUID]:
    """Return those of many contacts whose bookings wait for credits, for renewals in bulk."""
    rows = await scene.tx.fetch(
        """
        select distinct b.contact_id from kotally.bookings b
         where b.location_id = $1 and b.contact_id = any ($2)
           and b.status in ('unfunded', 'provisional')
         order by b.contact_id
        """,
        scene.location_id,
        list(contact_ids),
    )
    return [row["contact_id"] for row in rows]


async def unfund_of_plan(
    scene: Scene, contact_id: UUID, entitlement_id: UUID, *, why: str
) -> list[UUID]:
    """Take the funds from provisional bookings of a plan that did not renew (S2.8)."""
    bookings = [
        booking
        for booking in await records.of_contact(
            scene.tx, scene.location_id, contact_id, since=scene.now
        )
        if booking.status == "provisional" and booking.entitlement_id == entitlement_id
    ]
    for booking in bookings:
        await _unfund(scene, booking, why)
    return [booking.id for booking in bookings]


async def unfund_of_holds(scene: Scene, hold_ids: Sequence[UUID], *, why: str) -> list[UUID]:
    """
    Note that bookings lost their funds to a refund or a dispute (S10.3, S10.6).

    Whoever calls has taken the credits from the holds and closed them.
    """
    rows = await scene.tx.fetch(
        """
        select b.id from kotally.bookings b
         where b.location_id = $1 and b.hold_id = any ($2) and b.status = 'booked'
         order by b.starts_at desc, b.id
        """,
        scene.location_id,
        list(hold_ids),
    )
    found: list[UUID] = []
    for row in rows:
        booking = await records.find(scene.tx, scene.location_id, row["id"])
        assert booking is not None, "it was just read"
        await _unfund(scene, booking, why)
        found.append(booking.id)
    return found


async def _unfund(scene: Scene, booking: Booking, why: str) -> None:
    await records.update(scene, replace(booking, status="unfunded", hold_id=None, note=why))
    await records.tell(
        scene,
        booking,
        "booking_unfunded",
        entitlement_id=booking.entitlement_id,
        booking_id=booking.id,
        starts_at=iso(booking.starts_at),
        why=why,
    )


async def between(
    scene: Scene,
    contact_id: UUID,
    *,
    starts_at: datetime,
    ends_at: datetime | None,
    entitlement_id: UUID | None = None,
) -> list[Booking]:
    """Return the open bookings of classes in a time, of one plan or of all (S8.3, S9.5, S9.7)."""
    return [
        booking
        for booking in await records.of_contact(
            scene.tx, scene.location_id, contact_id, since=starts_at
        )
        if (ends_at is None or booking.starts_at < ends_at)
        and entitlement_id in {None, booking.entitlement_id}
    ]


async def cancel_with_notice(
    scene: Scene,
    bookings: Sequence[Booking],
    *,
    reason: Literal["freeze", "membership_ended", "closure", "studio_cancelled", "dispute_opened"],
    at: datetime | None = None,
) -> list[dict[str, Any]]:
    """Cancel bookings with full restore whatever the window: a freeze, an ending (S8.3, S9.7)."""
    rows: list[dict[str, Any]] = []
    for booking in bookings:
        settled = await conclude(
            scene, booking, status="released", reason=reason, by_studio=True, effective_at=at
        )
        after = await finish(scene, replace(booking, note=reason), "cancelled", at=at)
        rows.append(answer_of(after, **facts_of(settled)))
    return rows


def _act(scene: Scene, external_contact_id: str) -> tuple[Any, ...]:
    key = scene.key
    return msgspec.structs.astuple(
        Act(
            "hold",
            new_id(),
            key.request_id or str(key.correlation_id),
            key.digest,
            key.body,
            key.correlation_id,
            key.source,
            key.actor,
            external_contact_id=external_contact_id,
        )
    )
