"""Cancel a membership, and change one's mind until it ends (S9.7)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, Literal, LiteralString
from uuid import UUID

import msgspec
from msgspec import Struct

from kotally.core.calendar import iso
from kotally.core.ids import new_id
from kotally.db import Database
from kotally.ledger.acts import Key, Outcome, digest
from kotally.ledger.scenes import Declined, Done, Scene, play
from kotally.ledger.swept import Swept
from kotally.memberships import renewals
from kotally.memberships.bounds import State, due_at
from kotally.memberships.commitments import Commitment, promised
from kotally.memberships.dropped import KEPT_AS, Dropped, brought_back, dropped
from kotally.memberships.endings import Ended, decide_waiting, end
from kotally.memberships.memberships import Membership
from kotally.memberships.periods import Period, days_after, next_period
from kotally.memberships.writing import write_memberships

PERIODS_MAX: Final = 1_200  # a hundred years of months: further ahead nobody is bound
_DUE: Final[LiteralString] = """
    select c.id, c.membership_id
      from kotally.membership_changes c
     where c.location_id = $1 and c.status = 'pending' and c.kind = 'cancel'
       and c.effective_at <= kotally.location_now($1)
       and ($3::uuid is null or c.contact_id = $3)
     order by c.effective_at
     limit $2
"""


class NothingDue(Exception):
    """Leave the work of a sweep: somebody else was first, and nothing is to be remembered."""


class Wish(Struct, frozen=True, kw_only=True):
    """
    When a membership shall end, and why.

    `override` is the staff's reason to pass over notice and minimum term.
    """

    at: Literal["period_end", "now"] = "period_end"
    reason: str | None = None
    override: str | None = None


async def cancel(
    db: Database,
    location_id: str,
    membership_id: UUID,
    *,
    wish: Wish,
    key: Key,
    preview: bool = False,
) -> Outcome:
    """
    Cancel a membership: to the end of its period, or at once.

    One whose period was refunded in full ends at once: refund and cancellation come to the same
    in both orders (S10.7). A change that waits is dropped; the answer names it.

    Codes: `cancellation_scheduled`, `membership_ended`, `MEMBERSHIP_NOT_FOUND`,
    `MEMBERSHIP_ENDED`, `CANCELLATION_TOO_EARLY` with the earliest end.
    """

    async def work(scene: Scene) -> Done:
        await renewals.locked(scene, membership_id)
        state, ahead = await renewals.up_to_date(scene, membership_id)
        membership = state.membership
        lost = await dropped(scene, state)
        if membership.status == "ended":
            ended_at = membership.ends_at and iso(membership.ends_at)
            raise Declined("MEMBERSHIP_ENDED", ended_at=ended_at)
        earliest = scene.now if wish.override else earliest_end(state)
        at = period_end(state, ahead, earliest=earliest)
        if wish.at == "now" and earliest > scene.now:
            raise Declined("CANCELLATION_TOO_EARLY", earliest_end_at=iso(at))
        if wish.at == "now" or await _is_refunded(scene, membership):
            ended = await end(scene, membership, at=scene.now, reason="cancelled")
            answer = _ended_answer(membership, scene.now, ended)
            return Done("membership_ended", answer | _named(lost))
        answer = await _schedule(scene, membership, at=at, wish=wish, lost=lost)
        return Done("cancellation_scheduled", answer | _named(lost))

    operation = f"cancel {membership_id}"
    return await play(db, location_id, operation, key=key, work=work, preview=preview)


async def uncancel(
    db: Database, location_id: str, membership_id: UUID, *, key: Key, preview: bool = False
) -> Outcome:
    """
    Take a cancellation back, until the instant at which it takes effect.

    The change it dropped waits again, unless its time has come meanwhile; the answer says which.

    Codes: `cancellation_withdrawn`, `NOT_CANCELLED`, `MEMBERSHIP_ENDED`, `MEMBERSHIP_NOT_FOUND`.
    """

    async def work(scene: Scene) -> Done:
        await renewals.locked(scene, membership_id)
        state, ahead = await renewals.up_to_date(scene, membership_id)
        membership = state.membership
        ends_at = membership.ends_at
        if membership.status == "ended" or (ends_at is not None and ends_at <= scene.now):
            raise Declined("MEMBERSHIP_ENDED", ended_at=ends_at and iso(ends_at))
        if ends_at is None:
            raise Declined("NOT_CANCELLED")
        after = msgspec.structs.replace(membership, ends_at=None)
        after = msgspec.structs.replace(after, renews_at=_looked_at(after, scene))
        await write_memberships(scene.tx, scene.location_id, [after])
        await decide_waiting(scene, membership_id, status="dropped")
        change = await brought_back(scene, state, ahead)
        await scene.happened(
            membership.contact_id, "membership_uncancelled", entitlement_id=membership_id, **change
        )
        answer = {
            "membership_id": membership_id,
            "contact_id": membership.contact_id,
            "renews_at": iso(after.period_ends_at),
        }
        return Done("cancellation_withdrawn", answer | change)

    operation = f"uncancel {membership_id}"
    return await play(db, location_id, operation, key=key, work=work, preview=preview)


async def apply_due(
    db: Database, location_id: str, *, limit: int, contact_id: UUID | None = None
) -> Swept:
    """End the memberships whose cancellation takes effect, as of that instant."""
    events: list[str] = []
    for row in await db.fetch(_DUE, location_id, limit, contact_id):
        line = await _end_due(db, location_id, row["membership_id"], change_id=row["id"])
        events += [line] if line else []
    return Swept(len(events), events)


async def _is_refunded(scene: Scene, membership: Membership) -> bool:
    """Tell whether nothing of what is confirmed from now on is paid any more."""
    return await scene.tx.fetchval(
        """
        select coalesce(bool_and(coalesce(y.is_undone, false)), false)
          from kotally.periods p
          left join kotally.payments y on y.location_id = $1 and y.id = p.payment_id
         where p.location_id = $1 and p.membership_id = $2 and p.number >= $3
        """,
        scene.location_id,
        membership.id,
        membership.period_number,
    )


def earliest_end(state: State) -> datetime:
    """Return the earliest instant that notice and minimum term leave."""
    membership = state.membership
    notice = membership.plan.rules.ending.notice_days
    at = days_after(state.now, notice, zone=state.zone) if notice else state.now
    return at if membership.minimum_until is None else max(at, membership.minimum_until)


def period_end(state: State, ahead: Sequence[Period], *, earliest: datetime) -> datetime:
    """Return the first end of a period that is not before an instant, nor of a paid period."""
    last = ahead[-1] if ahead else state.membership.period
    for _ in range(PERIODS_MAX):
        if last.ends_at >= earliest:
            break
        last = next_period(
            state.membership.anchor, last.number + 1, boundary=last.ends_at, zone=state.zone
        )
    return last.ends_at


async def _schedule(
    scene: Scene, membership: Membership, *, at: datetime, wish: Wish, lost: Dropped | None
) -> dict[str, Any]:
    after = msgspec.structs.replace(membership, ends_at=at)
    after = msgspec.structs.replace(after, renews_at=_looked_at(after, scene))
    await write_memberships(scene.tx, scene.location_id, [after])
    await decide_waiting(scene, membership.id, status="replaced")
    change_id = new_id()
    details: dict[str, Any] = {"reason": wish.reason, "override": wish.override}
    if lost is not None:
        details[KEPT_AS] = str(lost.id)
    await scene.tx.execute(
        """
        insert into kotally.membership_changes (
          location_id, id, membership_id, contact_id, kind, status, effective_at, details,
          requested_at)
        values ($1, $2, $3, $4, 'cancel', 'pending', $5, $6, $7)
        """,
        scene.location_id,
        change_id,
        membership.id,
        membership.contact_id,
        at,
        details,
        scene.now,
    )
    await scene.happened(
        membership.contact_id,
        "membership_cancelled",
        entitlement_id=membership.id,
        ends_at=at,
        reason=wish.reason,
        override=wish.override,
        **_named(lost),
    )
    affected = await promised(scene, membership, since=at)
    return {
        "membership_id": membership.id,
        "contact_id": membership.contact_id,
        "change_id": change_id,
        "ends_at": iso(at),
        "leftover": membership.plan.rules.ending.leftover,
        "bookings_after_end": [each.answer() for each in affected],
    }


def _named(lost: Dropped | None) -> dict[str, Any]:
    return {} if lost is None else {"change_dropped": lost.answer()}


def _looked_at(membership: Membership, scene: Scene) -> datetime | None:
    """Keep the arrears of an unpaid membership running; else it renews only until its end."""
    if membership.past_due_since is not None:
        return membership.renews_at
    return due_at(membership, zone=scene.zone)


async def _end_due(
    db: Database, location_id: str, membership_id: UUID, *, change_id: UUID
) -> str | None:
    async def work(scene: Scene) -> Done:
        await renewals.locked(scene, membership_id)
        state, _ = await renewals.up_to_date(scene, membership_id)
        membership, change = state.membership, state.change
        if change is None or change.kind != "cancel" or change.effective_at > scene.now:
            raise NothingDue
        at = change.effective_at
        ended = await end(scene, membership, at=at, reason="cancelled")
        return Done("membership_ended", _ended_answer(membership, at, ended))

    key = sweep_key("sweep:apply_due", f"end:{change_id}", location_id)
    try:
        outcome = await play(db, location_id, "end membership", key=key, work=work)
    except NothingDue:
        return None
    if outcome.code != "membership_ended" or outcome.replayed:
        return None
    return f"membership {membership_id} ended as it was cancelled"


def sweep_key(actor: str, request_id: str, location_id: str) -> Key:
    """Name an act of a sweep, so that twice, or by two workers, it is done once."""
    hash_, body = digest(actor, {"location_id": location_id, "request_id": request_id})
    return Key(request_id, hash_, body, new_id(), "sweep", actor)


def _ended_answer(membership: Membership, at: datetime, ended: Ended) -> dict[str, Any]:
    cancelled: list[Commitment] = ended.bookings_cancelled
    return {
        "membership_id": membership.id,
        "contact_id": membership.contact_id,
        "ended_at": iso(at),
        "leftover": membership.plan.rules.ending.leftover,
        "credits_expired": ended.credits_expired,
        "credits_kept": ended.credits_kept,
        "kept_until": ended.kept_until and iso(ended.kept_until),
        "bookings_cancelled": [each.answer() for each in cancelled],
    }
