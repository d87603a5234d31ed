"""The waiting list: a free place goes to the first who can pay for it, checked anew (S3)."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from kotally.bookings import records
from kotally.bookings.company import demand_allowed
from kotally.bookings.placing import fund
from kotally.bookings.records import Booking, answer_of
from kotally.core.calendar import iso
from kotally.db import Database
from kotally.ledger.acts import Key, Outcome
from kotally.ledger.scenes import Declined, Done, Scene, play


async def promote(
    db: Database,
    location_id: str,
    class_ref: str,
    *,
    key: Key,
    places: int = 1,
    preview: bool = False,
) -> Outcome:
    """
    Give free places of a class to those who wait, first come first.

    Eligibility, caps and the hold are decided in this one transaction; who cannot book is passed
    over with the reason and keeps the place in the list.
    Codes: `promoted` (also when all were passed over), WAITLIST_EMPTY.
    """

    async def work(scene: Scene) -> Done:
        seen = await records.of_class(scene.tx, location_id, class_ref, statuses=["waitlisted"])
        await records.locked_all(scene, seen)
        waiting = await records.of_class(scene.tx, location_id, class_ref, statuses=["waitlisted"])
        waiting = [booking for booking in waiting if booking.starts_at > scene.now]
        if not waiting:
            raise Declined("WAITLIST_EMPTY", class_ref=class_ref)
        promoted, skipped = await _promoted(scene, waiting, places)
        answer = {
            "class_ref": class_ref,
            "promoted": promoted,
            "skipped": skipped,
            "places_left": places - len(promoted),
        }
        return Done("promoted", answer)

    return await play(db, location_id, "promote", key=key, work=work, preview=preview)


async def _promoted(
    scene: Scene, waiting: list[Booking], places: int
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    promoted: list[dict[str, Any]] = []
    skipped: list[dict[str, Any]] = []
    for booking in waiting:
        if len(promoted) == places:
            break
        try:
            # Who waits has no place yet: what has ended meanwhile has ended for it (S12.4).
            await demand_allowed(scene, booking.contact_id, booking.made_for)
            after, facts = await fund(scene, booking)
        except Declined as declined:
            skipped.append(await _passed_over(scene, booking, declined))
            continue
        after = replace(after, note=None)
        await records.update(scene, after)
        await records.tell(
            scene,
            after,
            "waitlist_promoted",
            entitlement_id=after.entitlement_id,
            booking_id=after.id,
            class_ref=after.class_ref,
            starts_at=iso(after.starts_at),
        )
        promoted.append(answer_of(after, **facts))
    return promoted, skipped


async def _passed_over(scene: Scene, booking: Booking, declined: Declined) -> dict[str, Any]:
    """Keep why somebody was passed over; told once per reason."""
    if booking.note != declined.code:
        await records.update(scene, replace(booking, note=declined.code))
        await records.tell(
            scene,
            booking,
            "waitlist_passed_over",
            booking_id=booking.id,
            class_ref=booking.class_ref,
            why=declined.code,
        )
    return {
        "booking_id": booking.id,
        "contact_id": booking.contact_id,
        "external_ref": booking.external_ref,
        "why": declined.code,
        **declined.answer,
    }
