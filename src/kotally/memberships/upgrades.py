"""
Change to a larger plan at once (S9.3): pure decisions, and applying one whose payment came.

Whatever the strategy, the member never has less than before.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final, Literal
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec

from kotally.core.calendar import add_months, local_date, local_midnight
from kotally.core.ids import new_id
from kotally.ledger.plans import Entry, LotFields
from kotally.ledger.scenes import Declined, Scene
from kotally.memberships import renewals
from kotally.memberships.bounds import State, due_at, following
from kotally.memberships.issuing import Paid, issued_lot
from kotally.memberships.memberships import Change, Lot, Membership, Plan
from kotally.memberships.periods import Period, instalment, with_grace
from kotally.memberships.rollover import carried_lot
from kotally.memberships.turns import Movement, Turn, turn

Strategy = Literal["difference", "reset", "usage"]
_MICROSECOND: Final = timedelta(microseconds=1)


class PaidAhead(Exception):
    """The period after the running one is paid, so none can start anew until then."""

    def __init__(self, until: datetime) -> None:
        super().__init__(until)
        self.until: datetime = until


def prorated(credits_: int, part: Period, now: datetime) -> int:
    """Return the share of credits for what remains of a period, rounded up (S9.3)."""
    whole = (part.ends_at - part.starts_at) // _MICROSECOND
    left = max((part.ends_at - max(now, part.starts_at)) // _MICROSECOND, 0)
    return -(-credits_ * left // whole)


def topped_up(lots: Sequence[Lot], allowance: int, *, number: int) -> int:
    """Return what is missing so that what is left is the new allowance less what was used."""
    current = [lot for lot in lots if lot.lot_class == "included" and lot.period_number == number]
    used = sum(lot.consumed + lot.penalty + lot.held for lot in current)
    return max(max(allowance - used, 0) - sum(lot.available for lot in current), 0)


def decide(
    state: State, plan: Plan, strategy: Strategy, *, paid: Paid | None, change: Change | None
) -> Turn:
    """
    Decide an upgrade that takes effect now.

    When the period is over, what pays for it pays for the next one: there is nothing to top up.
    """
    membership = state.membership
    over = is_over(membership, state.now)
    if over and (paid is not None or strategy == "reset"):
        return _begin(state, plan, strategy, paid=paid, change=change)
    if strategy == "reset":
        return _reset(state, plan, paid=paid, change=change)
    part = running_part(membership, zone=state.zone)
    if over:
        more = 0
    elif strategy == "difference":
        more = prorated(max(plan.issues - membership.plan.issues, 0), part, state.now)
    else:
        more = topped_up(state.lots, plan.issues, number=membership.period_number)
    # Beside an unlimited plan lots stay as they are (S9.6).
    more = 0 if plan.rules.unlimited else more
    lot = _lot(state, plan, more, part=part, paid=paid) if more else None
    return Turn(
        before=membership,
        membership=_changed(state, plan),
        period=membership.period,
        movements=[] if lot is None else [_grant(lot, more, state.now)],
        lots=[] if lot is None else [lot],
        rolls=[],
        rolled=0,
        forfeited=0,
        granted=more,
        lot=lot,
        payment_id=None,
        is_new=False,
        change=change,
    )


def is_over(membership: Membership, now: datetime) -> bool:
    """Tell whether a membership's period has ended and nothing has confirmed the next one."""
    return (
        membership.period_ends_at <= now
        and membership.paid_number == membership.period_number
        and not membership.renews_itself
    )


def running_part(membership: Membership, *, zone: ZoneInfo) -> Period:
    """Return the running period, or the instalment of it that is running."""
    months = membership.plan.rules.grant_months
    if not months:
        return membership.period
    part = instalment(membership.period, months, membership.instalment, zone=zone)
    return part or membership.period


async def apply_paid(scene: Scene, membership_id: UUID, *, paid: Paid) -> Turn:
    """Apply the upgrade that waited for this payment (S9.4); raises PaidAhead."""
    state, ahead = await renewals.up_to_date(scene, membership_id)
    change = state.change
    if change is None or change.plan is None or change.strategy is None:
        raise Declined("NO_PENDING_CHANGE")
    if change.strategy == "reset" and ahead:
        raise PaidAhead(ahead[-1].ends_at)
    done = decide(state, change.plan, change.strategy, paid=paid, change=change)
    done = await renewals.played(scene, done)
    await scene.happened(
        done.before.contact_id,
        "membership_changed",
        entitlement_id=membership_id,
        product_config_id=change.plan.product_config_id,
        credits_granted=done.granted,
    )
    return done


def _begin(
    state: State, plan: Plan, strategy: Strategy, *, paid: Paid | None, change: Change | None
) -> Turn:
    """Begin the next period on the new plan; what its bound put off is done (S7.7, S11.3)."""
    boundary = state.membership.period_ends_at
    due = Change(
        id=new_id() if change is None else change.id,
        membership_id=state.membership.id,
        kind="upgrade",
        strategy=strategy,
        status="pending",
        effective_at=boundary,
        details={},
        plan=plan,
    )
    state = msgspec.structs.replace(state, change=due)
    period = _from_now(state, plan) if strategy == "reset" else following(state, may_skip=True)[0]
    return msgspec.structs.replace(turn(state, period, paid=paid), change=change)


def _from_now(state: State, plan: Plan) -> Period:
    """Return the next period of a membership as it is when it begins at once."""
    on = add_months(local_date(state.now, state.zone), plan.rules.period_months)
    number = state.membership.paid_number + 1
    return Period(number, state.now, local_midnight(on, state.zone))


def _reset(state: State, plan: Plan, *, paid: Paid | None, change: Change | None) -> Turn:
    """Start the period anew: what is unused goes along to its end, and all is granted again."""
    before, now = state.membership, state.now
    fresh = _from_now(state, plan)
    number = fresh.number
    unused = _unused(state)
    kept = [
        carried_lot(lot, lot.available, number=number, effective_at=now, expires_at=fresh.ends_at)
        for lot in unused
    ]
    movements = [_carry(lot, into, now) for lot, into in zip(unused, kept, strict=True)]
    after = msgspec.structs.replace(
        before,
        plan=plan,
        anchor_on=local_date(now, state.zone),
        anchor_number=number,
        period_number=number,
        paid_number=number,
        instalment=1,
        period_starts_at=now,
        period_ends_at=fresh.ends_at,
        renews_itself=plan.rules.renews == "itself",
        expected_next_charge_at=fresh.ends_at if plan.rules.renews == "payment" else None,
    )
    part = running_part(after, zone=state.zone)
    lot = _lot(state, plan, plan.issues, part=part, paid=paid, number=number)
    if plan.issues:
        movements.append(_grant(lot, plan.issues, now))
    return Turn(
        before=before,
        membership=msgspec.structs.replace(after, renews_at=due_at(after, zone=state.zone)),
        period=fresh,
        movements=movements,
        lots=[*kept, *([lot] if plan.issues else [])],
        rolls=[_record(lot, fresh.ends_at, now) for lot in unused if lot.rollover is not None],
        rolled=sum(lot.available for lot in unused),
        forfeited=0,
        granted=plan.issues,
        lot=lot if plan.issues else None,
        payment_id=None if paid is None else paid.payment_id,
        is_new=True,
        change=change,
    )


def _unused(state: State) -> list[Lot]:
    return [
        lot
        for lot in state.lots
        if lot.lot_class == "included"
        and lot.available > 0
        and lot.effective_at <= state.now
        and (lot.expires_at is None or lot.expires_at > state.now)
    ]


def _changed(state: State, plan: Plan) -> Membership:
    """Pin the membership to a plan in the running period; the next one has the plan's length."""
    before = state.membership
    after = msgspec.structs.replace(
        before,
        plan=plan,
        renews_itself=plan.rules.renews == "itself",
        expected_next_charge_at=(before.period_ends_at if plan.rules.renews == "payment" else None),
    )
    if plan.rules.period_months != before.plan.rules.period_months:
        after = msgspec.structs.replace(
            after,
            anchor_on=local_date(before.period_ends_at, state.zone),
            anchor_number=before.period_number + 1,
        )
    if before.past_due_since is not None:
        return after  # its arrears go on: nothing was paid
    return msgspec.structs.replace(after, renews_at=due_at(after, zone=state.zone))


def _lot(
    state: State,
    plan: Plan,
    amount: int,
    *,
    part: Period,
    paid: Paid | None,
    number: int | None = None,
) -> LotFields:
    return issued_lot(
        state.membership,
        plan,
        amount,
        number=number or state.membership.period_number,
        effective_at=state.now,
        expires_at=with_grace(part.ends_at, plan.rules.period_grace_days, zone=state.zone),
        paid=paid,
    )


def _grant(lot: LotFields, amount: int, now: datetime) -> Movement:
    entry = Entry(lot["id"], "issued", "available", amount)
    return Movement(kind="grant", reason="upgrade", entries=[entry], effective_at=now)


def _carry(lot: Lot, into: LotFields, now: datetime) -> Movement:
    entries = [
        Entry(lot.id, "available", "transferred", lot.available),
        Entry(into["id"], "issued", "available", lot.available),
    ]
    return Movement(kind="rollover", reason="upgrade", entries=entries, effective_at=now)


def _record(lot: Lot, expires_at: datetime, now: datetime) -> dict[str, object]:
    """Note that the lot has rolled, so that the end of its old period does not roll it again."""
    return {
        "lot_id": lot.id,
        "contact_id": lot.contact_id,
        "membership_id": lot.entitlement_id,
        "boundary_at": now,
        "base": lot.available,
        "rolled": lot.available,
        "percent": 100,
        "room": None,
        "late": 0,
        "expires_at": expires_at,
    }
