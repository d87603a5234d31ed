"""The studio cancels a class: all is returned, in one batch that can be undone once (S4.7)."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

import msgspec

from kotally.bookings import consequences, records
from kotally.bookings.funding import conclude
from kotally.bookings.records import Booking, answer_of
from kotally.bookings.restoring import Was, restore, was_of
from kotally.bookings.settling import facts_of, finish
from kotally.core.calendar import iso
from kotally.core.ids import new_id
from kotally.db import Database
from kotally.ledger.acts import Key, Outcome
from kotally.ledger.scenes import Declined, Done, Scene, play

AFFECTED: Final = (*records.OPEN, "attended", "no_show", "late_cancelled")


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
        done = [await _returned(scene, booking) for booking in bookings]
        rows = [row for row, _ in done]
        cancellation_id = await _remember(scene, class_ref, [was for _, was in done])
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


async def _returned(scene: Scene, booking: Booking) -> tuple[dict[str, Any], Was]:
    standing = await consequences.standing(scene, booking)
    facts = await consequences.reverse(scene, booking)
    settled = await conclude(
        scene, booking, status="released", reason="studio_cancelled", by_studio=True
    )
    after = await finish(scene, booking, "studio_cancelled")
    row = answer_of(after, was=booking.status, **facts_of(settled)) | facts
    return row, was_of(booking, settled, standing)


async def _remember(scene: Scene, class_ref: str, was: list[Was]) -> UUID:
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
        was,
        scene.now,
    )
    return cancellation_id


async def undo(
    db: Database, location_id: str, cancellation_id: UUID, *, key: Key, preview: bool = False
) -> Outcome:
    """
    Undo the cancellation of a class, once: each booking becomes what it was.

    It takes back the very credits it had, else as it would be paid for now. What cannot be paid
    for any more stands without funds until the next grant; of what was forfeited as much is
    forfeited again as there is. A booking whose reference was booked anew stays cancelled.
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
            was=msgspec.convert(row["bookings"], list[Was]),
        )

    return await play(db, location_id, "undo_class", key=key, work=work, preview=preview)


async def _undo(scene: Scene, cancellation_id: UUID, class_ref: str, *, was: list[Was]) -> Done:
    before = {each.booking_id: each for each in was}
    seen = await records.of_class(
        scene.tx, scene.location_id, class_ref, statuses=["studio_cancelled"]
    )
    bookings = [booking for booking in seen if booking.id in before]
    await records.locked_all(scene, bookings)
    rows = [await _restored(scene, booking, before[booking.id]) for booking in bookings]
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


async def _restored(scene: Scene, booking: Booking, was: Was) -> dict[str, Any]:
    after = await restore(scene, booking, was)
    if after.status != booking.status:
        await records.tell(
            scene, booking, "booking_restored", booking_id=booking.id, status=after.status
        )
    return answer_of(after)
