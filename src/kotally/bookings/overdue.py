"""
What is due of one contact, done because somebody asks before the worker has come.

A worker that stopped for days changes no balance that a member can see: whoever reads a contact,
or is refused, has its due work done first, by the sweeps' own functions.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec

from kotally.bookings import classes, lending, sweeps
from kotally.db import BatchedRead, Database, DatabaseBusy, Queries
from kotally.ledger import eligibility
from kotally.ledger.acts import Act, Outcome
from kotally.ledger.writer import Writer
from kotally.memberships import arrears, cancellations, freezes_turning, renewals
from kotally.payments import dispute_grace

STALE: Final = "STALE"  # the kernel's word for: something is due that could change the answer
INSTANTS_MAX: Final = 400  # more than a member has due in a year
ROWS_MAX: Final = 1_000
ATTEMPTS: Final = 3
_CLOSE_BOOKINGS: Final = "close_bookings"

# Under the names of `kotally.due_of`, in the order of the worker.
_SWEEPS: Final = (
    ("turn_freezes", freezes_turning.turn_due_of),
    ("apply_changes", cancellations.apply_due),
    ("renew_memberships", renewals.renew_due),
    ("renew_memberships", arrears.advance_due),
    ("release_disputed", dispute_grace.release_due),
    (_CLOSE_BOOKINGS, sweeps.post_no_shows_due),
    (_CLOSE_BOOKINGS, sweeps.close_due),
)
_DUE_OF: Final = """
    select d.sweep, d.due_at
      from kotally.due_of($1, $2, kotally.location_now($1)) d order by d.due_at
"""

_OWNERS: Final = """
    select m.contact_id from kotally.memberships m where m.location_id = $1 and m.id = $2
     union
    select p.contact_id from kotally.payments p where p.location_id = $1 and p.id = $2
     union
    select l.contact_id from kotally.lots l where l.location_id = $1 and l.id = $2
     union
    select a.contact_id from kotally.approvals a where a.location_id = $1 and a.id = $2
     union
    select c.contact_id from kotally.transfers t
     cross join lateral (values (t.from_contact_id), (t.to_contact_id)) c (contact_id)
     where t.location_id = $1 and t.id = $2
     union
    select b.contact_id
      from kotally.class_cancellations k
      join kotally.bookings b
        on b.location_id = $1 and b.class_ref = k.class_ref and b.status = 'studio_cancelled'
     where k.location_id = $1 and k.id = $2
"""
_BOOKED: Final = """
    select distinct b.contact_id from kotally.bookings b
     where b.location_id = $1 and b.class_ref = $2 and b.status = any ($3) order by b.contact_id
"""
_BEHIND: Final = """
    select c.id from kotally.contacts c
     where c.location_id = $1
       and kotally.is_behind($1, c.id, kotally.location_now($1)) order by c.id
"""


async def behind(db: Queries, location_id: str, reference: str) -> UUID | None:
    """Return the contact of a reference if something of it is due, else None."""
    return await db.fetchval("select kotally.contact_behind($1, $2)", location_id, reference)


async def catch_up(
    db: Database, location_id: str, contact_id: UUID, *, closing: bool = True
) -> int:
    """
    Do what is due of a contact, instant by instant; return how many rows were done.

    Without `closing`, bookings of which nobody has said what came stay open.
    """
    count = 0
    for _ in range(INSTANTS_MAX):
        rows = await db.fetch(_DUE_OF, location_id, contact_id)
        due = [row for row in rows if closing or row["sweep"] != _CLOSE_BOOKINGS]
        if not due:
            break
        at: datetime = due[0]["due_at"]
        names = {row["sweep"] for row in due if row["due_at"] == at}
        done = await _sweep(db.as_of(at), location_id, contact_id, names=names)
        if not done:
            # What cannot be done at its instant does not keep the rest from being done.
            done = await _sweep(db, location_id, contact_id, names={row["sweep"] for row in due})
        count += done
        if not done:
            break
    return count


async def _sweep(db: Database, location_id: str, contact_id: UUID, *, names: set[str]) -> int:
    """Run these sweeps for a contact; return how many rows were done."""
    count = 0
    for name, sweep in _SWEEPS:
        if name in names:
            swept = await sweep(db, location_id, limit=ROWS_MAX, contact_id=contact_id)
            count += swept.count
    return count


async def bring_booking_up_to_date(db: Database, location_id: str, booking_id: UUID) -> None:
    """
    Do what is due of whoever has a booking, before somebody says what came of it.

    What is said comes before what the booking would have closed as by itself (S2.4).
    """
    contact_id: UUID | None = await db.fetchval(
        "select b.contact_id from kotally.bookings b where b.location_id = $1 and b.id = $2",
        location_id,
        booking_id,
    )
    if contact_id is not None:
        await bring_up_to_date(db, location_id, str(contact_id), closing=False)


async def bring_up_to_date(
    db: Database, location_id: str, reference: str, *, closing: bool = True
) -> None:
    """
    Do what is due of whoever a reference names, before it is read or acted upon.

    A contact that somebody else works on is taken as it stands.
    """
    contact_id = await behind(db, location_id, reference)
    if contact_id is None:
        return
    try:
        await catch_up(db, location_id, contact_id, closing=closing)
    except DatabaseBusy:
        return


async def bring_owner_up_to_date(db: Database, location_id: str, id_: UUID) -> None:
    """
    Do what is due of whoever something belongs to, before it is acted upon.

    It is a membership, a payment, a lot, a correction that waits, a transfer (then of both), or
    the cancellation of a class (then of all who booked it).
    """
    for row in await db.fetch(_OWNERS, location_id, id_):
        await bring_up_to_date(db, location_id, str(row["contact_id"]))


async def bring_class_up_to_date(db: Database, location_id: str, class_ref: str) -> None:
    """Do what is due of all who booked a class, before the studio decides about it (S2.4)."""
    for row in await db.fetch(_BOOKED, location_id, class_ref, classes.AFFECTED):
        await bring_up_to_date(db, location_id, str(row["contact_id"]), closing=False)


async def bring_company_up_to_date(
    db: Database, location_id: str, contact: str, *, beneficiary: str | None
) -> None:
    """Do what is due of everybody whose credits may pay for a contact, and of who comes."""
    lenders = await lending.lenders_of(db, location_id, contact)
    for reference in (contact, beneficiary, *(str(lender.id) for lender in lenders)):
        if reference is not None:
            await bring_up_to_date(db, location_id, reference)


async def bring_location_up_to_date(db: Database, location_id: str) -> None:
    """Do what is due of everybody, before something that concerns all of them."""
    for row in await db.fetch(_BEHIND, location_id):
        await bring_up_to_date(db, location_id, str(row["id"]))


async def check(db: Database, checks: BatchedRead, location_id: str, *, act: Act) -> Outcome:
    """Answer a check; when something is due, do that first and ask again."""
    outcome = await eligibility.check(checks, location_id, act)
    if outcome.code != STALE:
        return outcome
    await bring_up_to_date(db, location_id, act.external_contact_id or "")
    return await eligibility.check(checks, location_id, as_it_stands(act))


async def submit(db: Database, writer: Writer, location_id: str, *, act: Act) -> Outcome:
    """
    Carry out an act; when something is due of its contact, do that first and try again.

    When nothing is due it costs nothing more than the writer's own way.
    """
    outcome = await writer.submit(location_id, act)
    return (
        outcome if outcome.code != STALE else await submit_again(db, writer, location_id, act=act)
    )


async def submit_again(db: Database, writer: Writer, location_id: str, *, act: Act) -> Outcome:
    """Carry out an act that the kernel called STALE."""
    for attempt in range(ATTEMPTS):
        try:
            act = await caught_up(db, location_id, act, is_last=attempt == ATTEMPTS - 1)
        except DatabaseBusy:
            break
        outcome = await writer.submit(location_id, act)
        if outcome.code != STALE:
            return outcome
    return Outcome(
        "REQUEST_IN_PROGRESS", replayed=False, correlation_id=act.correlation_id, answer="{}"
    )


async def caught_up(db: Database, location_id: str, act: Act, *, is_last: bool) -> Act:
    """
    Do what is due of an act's contact, and return the act to try again.

    When nothing could be done, or at the last attempt, the act asks to be decided as it stands.
    """
    contact_id = await behind(db, location_id, await _whose(db, location_id, act))
    if contact_id is None:
        return act
    done = await catch_up(db, location_id, contact_id)
    return as_it_stands(act) if is_last or not done else act


async def _whose(db: Queries, location_id: str, act: Act) -> str:
    """Say whose act it is: it names the contact, or a hold."""
    if act.external_contact_id is not None or act.hold_id is None:
        return act.external_contact_id or ""
    return str(
        await db.fetchval(
            "select h.contact_id from kotally.holds h where h.location_id = $1 and h.id = $2",
            location_id,
            act.hold_id,
        )
    )


def as_it_stands(act: Act) -> Act:
    """Return the act that takes its refusal, whatever is due."""
    args: dict[str, Any] = msgspec.json.decode(act.args or "{}")
    text = msgspec.json.encode(args | {"as_it_stands": True}).decode()
    return msgspec.structs.replace(act, args=text)
