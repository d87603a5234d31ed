"""
Freeze a membership, and end, lengthen or take back a freeze (S8).

While frozen it pays for nothing and its credits do not age. Each act can be previewed: the same
work, rolled back.
"""

from __future__ import annotations

from datetime import date, timedelta
from uuid import UUID

import msgspec
from msgspec import Struct

from kotally.core.calendar import iso, local_date
from kotally.db import Database
from kotally.ledger.acts import Key, Outcome
from kotally.ledger.scenes import Declined, Done, Scene, play
from kotally.memberships import freezes_records, renewals
from kotally.memberships.freezes_answers import answer_of, demand_allowed
from kotally.memberships.freezes_billing import charge
from kotally.memberships.freezes_bookings import cancel_inside
from kotally.memberships.freezes_bounds import reload, shift
from kotally.memberships.freezes_limits import Span
from kotally.memberships.freezes_records import Freeze, Mode
from kotally.memberships.freezes_turning import begin, end, project
from kotally.memberships.memberships import Membership


class Wish(Struct, frozen=True, kw_only=True):
    """
    A freeze somebody wants, by local dates; it begins today when no start is named.

    `mode` and `covers_packs` are the plan's own when they are not named. `keep` are bookings or
    holds inside the freeze that stay. With a reason, the plan's limits are set aside (S8.1).
    """

    resumes_on: date
    starts_on: date | None = None
    mode: Mode | None = None
    covers_packs: bool | None = None
    keep: frozenset[UUID] = frozenset()
    override_reason: str | None = None
    note: str | None = None


async def freeze(
    db: Database,
    location_id: str,
    membership_id: UUID,
    *,
    wish: Wish,
    key: Key,
    preview: bool = False,
) -> Outcome:
    """
    Freeze a membership.

    Codes: `membership_frozen`, MEMBERSHIP_NOT_FOUND, MEMBERSHIP_ENDED, FREEZE_AFTER_END, and a
    code of its own for each limit, with the nearest value allowed.
    """

    async def work(scene: Scene) -> Done:
        membership = await _locked(scene, membership_id)
        span = Span(wish.starts_on or local_date(scene.now, scene.zone), wish.resumes_on)
        made = freezes_records.planned(scene, membership_id, membership.contact_id, span=span)
        if membership.ends_at is not None and made.starts_at >= membership.ends_at:
            raise Declined("FREEZE_AFTER_END", ends_at=iso(membership.ends_at))
        made = await demand_allowed(scene, membership, made, reason=wish.override_reason)
        policy = membership.plan.rules.freeze
        made = msgspec.structs.replace(
            made,
            mode=wish.mode or policy.mode,
            covers_packs=policy.covers_packs if wish.covers_packs is None else wish.covers_packs,
            note=wish.note,
        )
        await freezes_records.insert(scene, made)
        await _told(scene, "freeze_planned", made)
        made = await _settled(scene, membership, made)
        bookings = await cancel_inside(scene, made, keep=wish.keep)
        if made.starts_at <= scene.now:
            made = await begin(scene, made)
        return Done(
            "membership_frozen", await answer_of(scene, membership, made, bookings=bookings)
        )

    operation = f"freeze {membership_id}"
    return await play(db, location_id, operation, key=key, work=work, preview=preview)


async def resume(
    db: Database,
    location_id: str,
    membership_id: UUID,
    *,
    key: Key,
    on: date | None = None,
    preview: bool = False,
) -> Outcome:
    """
    Let a frozen membership return early: today, or on a later day before the planned one.

    What it does not use goes back to its allowance. Codes: `membership_resumed`, NOT_FROZEN,
    RESUME_OUT_OF_RANGE, MEMBERSHIP_NOT_FOUND.
    """

    async def work(scene: Scene) -> Done:
        membership = await _locked(scene, membership_id)
        running = await _running(scene, membership_id)
        today = local_date(scene.now, scene.zone)
        day = on or today
        if not today <= day < running.resumes_on:
            latest = running.resumes_on - timedelta(days=1)
            raise Declined("RESUME_OUT_OF_RANGE", allowed={"earliest": today, "latest": latest})
        if day == today:
            ended = await end(scene, running, today)
            ended = await charge(scene, ended, membership.plan.rules.freeze)
            await freezes_records.update(scene, ended)
        else:
            ended = await _settled(scene, membership, running.until(day, scene.zone))
            await _told(scene, "freeze_shortened", ended)
        return Done("membership_resumed", await answer_of(scene, membership, ended, bookings=[]))

    operation = f"resume {membership_id}"
    return await play(db, location_id, operation, key=key, work=work, preview=preview)


async def extend(
    db: Database,
    location_id: str,
    membership_id: UUID,
    *,
    resumes_on: date,
    key: Key,
    keep: frozenset[UUID] = frozenset(),
    override_reason: str | None = None,
    preview: bool = False,
) -> Outcome:
    """
    Lengthen the running freeze, or the next planned one; the limits are checked again (S8.7).

    Codes: `freeze_extended`, NOT_FROZEN, FREEZE_NOT_LONGER and those of `freeze`.
    """

    async def work(scene: Scene) -> Done:
        membership = await _locked(scene, membership_id)
        before = await _open(scene, membership_id)
        if resumes_on <= before.resumes_on:
            raise Declined(
                "FREEZE_NOT_LONGER", allowed={"later_than": before.resumes_on}, freeze_id=before.id
            )
        longer = before.until(resumes_on, scene.zone)
        longer = await demand_allowed(
            scene, membership, longer, reason=override_reason, is_extension=True
        )
        longer = await _settled(scene, membership, longer)
        added = msgspec.structs.replace(longer, starts_at=before.resumes_at)
        bookings = await cancel_inside(scene, added, keep=keep)
        await _told(scene, "freeze_extended", longer)
        return Done(
            "freeze_extended", await answer_of(scene, membership, longer, bookings=bookings)
        )

    operation = f"freeze-extend {membership_id}"
    return await play(db, location_id, operation, key=key, work=work, preview=preview)


async def cancel(
    db: Database, location_id: str, membership_id: UUID, *, key: Key, preview: bool = False
) -> Outcome:
    """
    Take back the next planned freeze before it begins: nothing but the record of it stays (S8.7).

    Codes: `freeze_cancelled`, NOT_FROZEN, FREEZE_ALREADY_STARTED, MEMBERSHIP_NOT_FOUND.
    """

    async def work(scene: Scene) -> Done:
        membership = await _locked(scene, membership_id)
        open_ = await _open(scene, membership_id)
        if open_.status == "running":
            raise Declined(
                "FREEZE_ALREADY_STARTED", freeze_id=open_.id, starts_at=iso(open_.starts_at)
            )
        gone = await shift(scene, open_, 0)
        gone = msgspec.structs.replace(gone, status="cancelled")
        gone = await charge(scene, gone, membership.plan.rules.freeze)
        await freezes_records.update(scene, gone)
        await freezes_records.unblock(scene, gone)
        await project(scene, gone.contact_id)
        await _told(scene, "freeze_cancelled", gone)
        return Done("freeze_cancelled", await answer_of(scene, membership, gone, bookings=[]))

    operation = f"freeze-cancel {membership_id}"
    return await play(db, location_id, operation, key=key, work=work, preview=preview)


async def _locked(scene: Scene, membership_id: UUID) -> Membership:
    """Lock the contact, do what is due, and return the membership; decline one that has ended."""
    await renewals.locked(scene, membership_id)
    await renewals.up_to_date(scene, membership_id)
    membership = await reload(scene, membership_id)
    if membership.status == "ended":
        ended_at = membership.ends_at and iso(membership.ends_at)
        raise Declined("MEMBERSHIP_ENDED", ended_at=ended_at)
    return membership


async def _settled(scene: Scene, membership: Membership, made: Freeze) -> Freeze:
    """Bring bounds, fees and projected expiries to what a freeze says now."""
    settled = await shift(scene, made, made.span.days)
    settled = await charge(scene, settled, membership.plan.rules.freeze)
    await freezes_records.update(scene, settled)
    await project(scene, settled.contact_id)
    return settled


async def _running(scene: Scene, membership_id: UUID) -> Freeze:
    open_ = await _open(scene, membership_id)
    if open_.status != "running":
        raise Declined("NOT_FROZEN", membership_id=membership_id, next_freeze_on=open_.starts_on)
    return open_


async def _open(scene: Scene, membership_id: UUID) -> Freeze:
    """Return the running freeze, else the next planned one."""
    every = await freezes_records.of_membership(scene.tx, scene.location_id, membership_id)
    for each in every:
        if each.status in ("planned", "running"):
            return each
    raise Declined("NOT_FROZEN", membership_id=membership_id)


async def _told(scene: Scene, type_: str, made: Freeze) -> None:
    await scene.happened(
        made.contact_id,
        type_,
        entitlement_id=made.membership_id,
        freeze_id=made.id,
        starts_on=made.starts_on,
        resumes_on=made.resumes_on,
        days=made.span.days,
        note=made.note,
        overridden=made.overridden,
        override_reason=made.override_reason,
    )
