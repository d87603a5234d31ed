"""The studio cancels a class: all is returned, in one batch that can be undone once (S4.7)."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from kotally.bookings import consequences, records
from kotally.bookings.funding import conclude
from kotally.bookings.placing import fund
from kotally.bookings.records import Booking, Status, answer_of
from kotally.bookings.settling import facts_of, finish, penalise, with_hold
from kotally.bookings.terms import absence_cost, late_cost
from kotally.core.calendar import iso
from kotally.core.ids import new_id
from kotally.db import Database
from kotally.ledger.acts import Key, Outcome
from kotally.ledger.scenes import Declined, Done, Scene, play

AFFECTED: Final = (*records.OPEN, "attended", "no_show", "late_cancelled")


class _Was(Struct, frozen=True, kw_only=True):
    """What a booking was before its class was cancelled."""

    booking_id: UUID
    status: Status


async def cancel_class(
    db: Database, location_id: str, class_ref: str, *, key: Key, preview: bool = False
) -> Outcome:
    """
    Cancel every booking of a class with full restore, whatever the window.

    Strikes and fees of its bookings are reversed too. Codes: `class_cancelled`, CLASS_NOT_FOUND.
    """

    async def work(scene: Scene) -> Done:
        seen = await records.of_class(scene.tx, location_id, class_ref, statuses=AFFECTED)
        if not seen:
            raise Declined("CLASS_NOT_FOUND", class_ref=class_ref)
        await records.locked_all(scene, seen)
        bookings = await records.of_class(scene.tx, location_id, class_ref, statuses=AFFECTED)
        rows = [await _returned(scene, booking) for booking in bookings]
        cancellation_id = await _remember(scene, class_ref, bookings)
        return Done(
            "class_cancelled",
            {
                "cancellation_id": cancellation_id,
                "class_ref": class_ref,
                "bookings": rows,
                "credits_returned": sum(row["credits_returned"] for row in rows),
            },
        )

    return await play(db, location_id, "cancel_class", key=key, work=work, preview=preview)


async def _returned(scene: Scene, booking: Booking) -> dict[str, Any]:
    facts = await consequences.reverse(scene, booking)
    settled = await conclude(
        scene, booking, status="released", reason="studio_cancelled", by_studio=True
    )
    after = await finish(scene, booking, "studio_cancelled")
    return answer_of(after, was=booking.status, **facts_of(settled)) | facts


async def _remember(scene: Scene, class_ref: str, bookings: list[Booking]) -> UUID:
    cancellation_id = new_id()
    await scene.tx.execute(
        """
        insert into kotally.class_cancellations (
          location_id, id, class_ref, bookings, cancelled_at)
        values ($1, $2, $3, $4, $5)
        """,
        scene.location_id,
        cancellation_id,
        class_ref,
        [_Was(booking_id=booking.id, status=booking.status) for booking in bookings],
        scene.now,
    )
    return cancellation_id


async def undo(
    db: Database, location_id: str, cancellation_id: UUID, *, key: Key, preview: bool = False
) -> Outcome:
    """
    Undo the cancellation of a class, once: each booking becomes what it was.

    What cannot be paid for any more stands without funds until the next grant.
    Codes: `class_restored`, CANCELLATION_NOT_FOUND, CANCELLATION_ALREADY_UNDONE.
    """

    async def work(scene: Scene) -> Done:
        row = await scene.tx.fetchrow(
            """
            select c.class_ref, c.bookings, c.undone_at from kotally.class_cancellations c
             where c.location_id = $1 and c.id = $2 for no key update
            """,
            location_id,
            cancellation_id,
        )
        if row is None:
            raise Declined("CANCELLATION_NOT_FOUND")
        if row["undone_at"] is not None:
            raise Declined("CANCELLATION_ALREADY_UNDONE", undone_at=iso(row["undone_at"]))
        return await _undo(
            scene,
            cancellation_id,
            row["class_ref"],
            was=msgspec.convert(row["bookings"], list[_Was]),
        )

    return await play(db, location_id, "undo_class", key=key, work=work, preview=preview)


async def _undo(scene: Scene, cancellation_id: UUID, class_ref: str, *, was: list[_Was]) -> Done:
    before: dict[UUID, Status] = {each.booking_id: each.status for each in was}
    seen = await records.of_class(
        scene.tx, scene.location_id, class_ref, statuses=["studio_cancelled"]
    )
    bookings = [booking for booking in seen if booking.id in before]
    await records.locked_all(scene, bookings)
    rows = [await _booked_again(scene, booking, before[booking.id]) for booking in bookings]
    await scene.tx.execute(
        "update kotally.class_cancellations c set undone_at = $3"
        " where c.location_id = $1 and c.id = $2",
        scene.location_id,
        cancellation_id,
        scene.now,
    )
    return Done(
        "class_restored",
        {"cancellation_id": cancellation_id, "class_ref": class_ref, "bookings": rows},
    )


async def _booked_again(scene: Scene, booking: Booking, status: Status) -> dict[str, Any]:
    draft = replace(booking, status="unfunded", hold_id=None, settled_at=None)
    if status == "waitlisted":
        after = replace(draft, status="waitlisted", closes_at=draft.starts_at)
    else:
        await records.update(scene, draft)
        try:
            after, _ = await fund(scene, draft, allow_unfunded=True)
        except Declined as declined:
            # It keeps its place; what stands against it is staff's to settle.
            after = replace(draft, note=declined.code)
    await records.update(scene, after)
    if after.status == "booked" and status in {"attended", "no_show", "late_cancelled"}:
        after = await _settled_again(scene, after, status, cancelled=booking)
    await records.tell(
        scene, booking, "booking_restored", booking_id=booking.id, status=after.status
    )
    return answer_of(after)


async def _settled_again(
    scene: Scene, booking: Booking, status: Status, *, cancelled: Booking
) -> Booking:
    if status == "attended":
        booking = await with_hold(scene, booking)
        await conclude(
            scene, booking, status="captured", reason="reversal", captured=booking.credits
        )
    else:
        at = cancelled.settled_at or scene.now
        cost = (
            absence_cost(booking.rules)
            if status == "no_show"
            else late_cost(booking.rules, booking.starts_at, min(at, booking.starts_at))
        )
        booking, *_ = await penalise(scene, booking, cost, reason="reversal", at=scene.now)
    return await finish(scene, booking, status)
