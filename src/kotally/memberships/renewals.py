"""Confirm a membership's next period: by its payment, by the staff, or by itself (S7.1, S9.1)."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final, LiteralString
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec

from kotally.core.calendar import iso
from kotally.core.ids import new_id
from kotally.db import Database, Transaction
from kotally.ledger.acts import Key, Outcome
from kotally.ledger.plans import Posting
from kotally.ledger.scenes import Declined, Done, Scene, play
from kotally.ledger.swept import Swept
from kotally.memberships import memberships
from kotally.memberships.bounds import State, following
from kotally.memberships.confirming import answer_of, confirmed
from kotally.memberships.freezes_missed import follow, missed
from kotally.memberships.freezes_turning import catch_up
from kotally.memberships.issuing import Paid
from kotally.memberships.periods import Period
from kotally.memberships.states import states
from kotally.memberships.turns import Turn, grant_instalment, line_of, pay_ahead, turn
from kotally.memberships.waiting import (
    SWEEP,
    request_of,
    scene_of,
    settle_all,
    settle_bookings,
)
from kotally.memberships.writing import recovered, write_happenings, write_turns

CATCH_UP_MAX: Final = 240  # periods of a membership turned in one act: twenty years of months
PASS_SIZE: Final = 250  # memberships of one transaction of the sweep; more hold up the process
LANES: Final = 2  # transactions at once: while the database writes the one, the other is decided

# What a lapsed hold gives back counts at the boundary as if it had been swept in time (S2.5).
_LAPSE: Final[LiteralString] = """
    select kotally.post_lapses($1, array(
      select m.contact_id from kotally.memberships m
       where m.location_id = $1 and m.id = any ($2)), $3, 100000)
"""
_DUE: Final[LiteralString] = """
    select m.id, m.contact_id
      from kotally.memberships m
     where m.location_id = $1 and m.renews_at <= kotally.location_now($1) and m.status <> 'ended'
       and (m.renews_itself or m.renews_at < m.period_ends_at or m.paid_number > m.period_number)
       and (m.ends_at is null or m.ends_at > m.renews_at)
       and not exists (
         select from kotally.freezes f
          where f.location_id = $1 and f.membership_id = m.id and f.mode = 'shift'
            and f.status in ('planned', 'running') and f.starts_at <= m.renews_at)
       and ($3::uuid is null or m.contact_id = $3)
     order by m.renews_at
     limit $2
"""


async def confirm(scene: Scene, membership_id: UUID, *, paid: Paid | None) -> Turn:
    """
    Confirm the period after the last one confirmed, and turn to it if it has begun.

    The scene holds the contact's lock. Whatever was due before is done first.
    """
    state, ahead = await up_to_date(scene, membership_id)
    if state.membership.status == "ended":
        ended_at = state.membership.ends_at
        raise Declined("MEMBERSHIP_ENDED", ended_at=ended_at and iso(ended_at))
    confirmed, plan, _ = following(state, may_skip=not ahead)
    decided = (
        turn(state, confirmed, paid=paid)
        if confirmed.starts_at <= scene.now and not ahead
        else pay_ahead(state, confirmed, plan, paid=paid)
    )
    return await played(scene, decided)


async def up_to_date(scene: Scene, membership_id: UUID) -> tuple[State, list[Period]]:
    """Do what is due for a membership, and return how it stands with the periods paid ahead."""
    for _ in range(CATCH_UP_MAX):
        state, ahead = await _state(scene, membership_id)
        due = decide_due(state, ahead)
        if due is None:
            return state, ahead
        await played(scene, due)
    raise AssertionError(f"membership {membership_id} has more due than can be")


async def played(scene: Scene, decided: Turn) -> Turn:
    """Write a turn as part of a scene, and return it as it then is."""
    postings = [
        scene.posting(
            decided.before.contact_id,
            each.kind,
            each.reason,
            entries=each.entries,
            effective_at=each.effective_at,
            metadata=each.metadata,
        )
        for each in decided.movements
    ]
    await write_turns(scene.tx, scene.location_id, scene.now, turns=[decided], postings=postings)
    key = scene.key
    happenings = recovered(
        decided, source=key.source, actor=key.actor, correlation_id=key.correlation_id
    )
    await write_happenings(scene.tx, scene.location_id, scene.now, happenings=happenings)
    if await missed(scene.tx, scene.location_id, [decided]):
        decided = await follow(scene, decided)
    await settle_bookings(scene, decided)
    return decided


def decide_due(state: State, ahead: Sequence[Period]) -> Turn | None:
    """Decide what a membership has to do by now of itself: an instalment, or its next period."""
    membership = state.membership
    at = membership.renews_at
    if membership.status == "ended" or at is None or at > state.now:
        return None
    if membership.ends_at is not None and membership.ends_at <= at:
        return None
    if at < membership.period_ends_at:
        return grant_instalment(state)
    if ahead:
        return turn(state, ahead[0])
    if membership.renews_itself:
        return turn(state, following(state)[0])
    return None


async def renew(
    db: Database,
    location_id: str,
    membership_id: UUID,
    *,
    key: Key,
    number: int | None = None,
    preview: bool = False,
) -> Outcome:
    """
    Confirm a membership's next period without a payment, as the staff may.

    With the number of the period that is meant, one that is confirmed already is left as it is.
    Codes: `membership_renewed`, `MEMBERSHIP_NOT_FOUND`, `MEMBERSHIP_ENDED`, `PERIOD_NOT_NEXT`.
    """

    async def work(scene: Scene) -> Done:
        await locked(scene, membership_id)
        if number is not None:
            state, _ = await up_to_date(scene, membership_id)
            known = await confirmed(scene, state.membership, number)
            if known is not None:
                return Done("membership_renewed", known)
        done = await confirm(scene, membership_id, paid=None)
        return Done("membership_renewed", answer_of(done))

    operation = f"renew {membership_id}"
    return await play(db, location_id, operation, key=key, work=work, preview=preview)


async def locked(scene: Scene, membership_id: UUID) -> UUID:
    """
    Take the lock of a membership's contact and return the contact; decline an unknown id.

    Freezes whose time has come begin and end first: they move the bounds (S8.5).
    """
    contact_id = await memberships.contact_of(scene.tx, scene.location_id, membership_id)
    if contact_id is None:
        raise Declined("MEMBERSHIP_NOT_FOUND")
    await scene.lock([contact_id])
    await catch_up(scene, [contact_id])
    return contact_id


async def renew_due(
    db: Database, location_id: str, *, limit: int, contact_id: UUID | None = None
) -> Swept:
    """
    Turn memberships whose period or instalment has come: all that are due, or one contact's.

    A late pass writes what a timely one would have; a membership takes one period a pass.
    """
    events: list[str] = []
    while (size := min(LANES * PASS_SIZE, limit - len(events))) > 0:
        due = await db.fetch(_DUE, location_id, size, contact_id)
        lanes = [due[at : at + PASS_SIZE] for at in range(0, len(due), PASS_SIZE)]
        passes = [_pass(db, location_id, rows, of=contact_id) for rows in lanes]
        # All come to their end before the first fault is told.
        found = await asyncio.gather(*passes, return_exceptions=True)
        done: list[str] = []
        for each in found:
            if isinstance(each, BaseException):
                raise each
            done += each
        events += done
        if not done:
            break
    return Swept(len(events), events)


async def _pass(
    db: Database, location_id: str, due: Sequence[Any], *, of: UUID | None
) -> list[str]:
    """Turn what is still due of these, once their contacts are locked."""
    async with db.transaction() as tx:
        place = await tx.fetchrow("select now, timezone from kotally.location_of($1)", location_id)
        assert place is not None, f"no location {location_id}"
        now, zone = place["now"], ZoneInfo(place["timezone"])
        if of is not None:
            # Somebody waits for this one, so it is not passed over.
            await tx.execute("select kotally.lock_contacts($1, $2)", location_id, [of])
        ids = await _claimed(tx, location_id, due)
        await tx.execute(_LAPSE, location_id, ids, now)
        turns = [
            done
            for state, ahead in await states(tx, location_id, ids, now=now, zone=zone)
            if (done := decide_due(state, ahead)) is not None
        ]
        if turns:
            await _write(tx, location_id, now, turns=turns)
            for done in await missed(tx, location_id, turns):
                await follow(scene_of(tx, location_id, done, now=now, zone=zone), done)
            await settle_all(tx, location_id, now, turns=turns, zone=zone)
    return [line_of(done) for done in turns]


async def _claimed(tx: Transaction, location_id: str, due: Sequence[Any]) -> list[UUID]:
    """Lock the contacts of due memberships; whom somebody else has is for the next pass."""
    claimed = await tx.fetch(
        "select c from kotally.claim_contacts($1, $2) c",
        location_id,
        list({row["contact_id"] for row in due}),
    )
    mine = {row["c"] for row in claimed}
    return [row["id"] for row in due if row["contact_id"] in mine]


async def _write(
    tx: Transaction, location_id: str, now: datetime, *, turns: Sequence[Turn]
) -> None:
    correlation_ids = {done.before.id: new_id() for done in turns}
    await write_turns(
        tx,
        location_id,
        now,
        turns=turns,
        postings=[
            posting
            for done in turns
            for posting in _postings(done, correlation_id=correlation_ids[done.before.id])
        ],
    )
    happenings = [
        each
        for done in turns
        for each in recovered(
            done, source="sweep", actor=SWEEP, correlation_id=correlation_ids[done.before.id]
        )
    ]
    await write_happenings(tx, location_id, now, happenings=happenings)


def _postings(done: Turn, *, correlation_id: UUID) -> Iterable[Posting]:
    for part, each in enumerate(done.movements):
        yield Posting(
            contact_id=done.before.contact_id,
            id=new_id(),
            source="sweep",
            actor=SWEEP,
            request_id=request_of(done),
            correlation_id=correlation_id,
            part=part,
            **msgspec.structs.asdict(each),
        )


async def _state(scene: Scene, membership_id: UUID) -> tuple[State, list[Period]]:
    found = await states(
        scene.tx, scene.location_id, [membership_id], now=scene.now, zone=scene.zone
    )
    return found[0]
