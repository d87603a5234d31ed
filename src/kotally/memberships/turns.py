"""
Decide what happens when a membership comes to its next period or instalment: pure.

Left-over credits roll over and the new ones are granted in one movement (S7.1). The payment, the
staff and the sweep all come here, so a period is the same whoever confirms it (S9.1).
"""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Struct

from kotally.core.calendar import local_date
from kotally.ledger.plans import Entry, Kind, LotFields
from kotally.memberships.bounds import (
    State,
    anchor_at,
    due_at,
    due_plan,
    is_shifted,
    lives_until,
)
from kotally.memberships.freezes_billing import prorated
from kotally.memberships.issuing import Paid, issued_lot
from kotally.memberships.memberships import Change, Membership, Plan
from kotally.memberships.periods import Anchor, Period, instalment, with_grace
from kotally.memberships.rollover import Roll, roll
from kotally.products.policies import Rollover


class Movement(Struct, frozen=True, kw_only=True):
    """A posting to be written: everything of it that is not the act's."""

    kind: Kind
    reason: str
    entries: list[Entry]
    effective_at: datetime
    metadata: dict[str, Any] | None = None


class Turn(Struct, frozen=True, kw_only=True):
    """
    What a membership's next period or instalment comes to.

    `membership` is how it stands afterwards, `period` what was confirmed; `granted` the credits
    issued and `lot` their lot. `change` is the waiting change that took effect with it.
    """

    before: Membership
    membership: Membership
    period: Period
    movements: list[Movement]
    lots: list[LotFields]
    rolls: list[dict[str, Any]]
    rolled: int
    forfeited: int
    granted: int
    lot: LotFields | None
    payment_id: UUID | None
    is_new: bool
    instalment: Period | None = None
    change: Change | None = None


def turn(state: State, confirmed: Period, *, paid: Paid | None = None) -> Turn:
    """
    Turn a membership to a period that has begun.

    The period was confirmed ahead, or is confirmed now; then its credits are issued.
    """
    membership, boundary = state.membership, state.membership.period_ends_at
    plan, change = due_plan(state, boundary)
    rolled = _roll(state, boundary, number=confirmed.number)
    is_new = confirmed.number > membership.paid_number
    movements = _roll_movements(rolled, boundary)
    lot, granted, first = None, 0, _first_instalment(plan, confirmed, zone=state.zone)
    if is_new:
        lot, granted = _issue(
            state, plan, first, number=confirmed.number, paid=paid, ended=membership.period
        )
    if lot is not None:
        movements.append(_grant(lot, granted, confirmed.starts_at))
    after = _advanced(state, plan, confirmed)
    return Turn(
        before=membership,
        membership=after,
        period=confirmed,
        movements=movements,
        lots=[*rolled.lots, *([lot] if lot else [])],
        rolls=rolled.records,
        rolled=rolled.rolled,
        forfeited=sum(each.amount for each in (*rolled.forfeits, *rolled.trims)),
        granted=granted,
        lot=lot,
        payment_id=None if paid is None else paid.payment_id,
        is_new=is_new,
        change=change,
    )


def pay_ahead(state: State, confirmed: Period, plan: Plan, *, paid: Paid | None) -> Turn:
    """Confirm a period that has not begun: its credits are there for bookings in it already."""
    first = _first_instalment(plan, confirmed, zone=state.zone)
    lot, granted = _issue(
        state,
        plan,
        first,
        number=confirmed.number,
        paid=paid,
        ended=state.paid_ahead or state.membership.period,
    )
    after = msgspec.structs.replace(
        state.membership,
        paid_number=confirmed.number,
        expected_next_charge_at=confirmed.ends_at,
        ends_at=_kept_end(state.membership, confirmed),
    )
    if after.ends_at != state.membership.ends_at and after.past_due_since is None:
        # It was not to pass its bound, and now it does.
        after = msgspec.structs.replace(after, renews_at=due_at(after, zone=state.zone))
    return Turn(
        before=state.membership,
        membership=after,
        period=confirmed,
        movements=[] if lot is None else [_grant(lot, granted, state.now)],
        lots=[] if lot is None else [lot],
        rolls=[],
        rolled=0,
        forfeited=0,
        granted=granted,
        lot=lot,
        payment_id=None if paid is None else paid.payment_id,
        is_new=True,
    )


def grant_instalment(state: State) -> Turn | None:
    """Grant the next part of a period whose credits come in parts, or None when there is none."""
    membership, plan = state.membership, state.membership.plan
    months = plan.rules.grant_months
    number = membership.instalment + 1
    part = instalment(membership.period, months, number, zone=state.zone) if months else None
    if part is None:
        return None
    rolled = _roll(state, part.starts_at, number=membership.period_number)
    movements = _roll_movements(rolled, part.starts_at)
    paid = None
    if membership.payment_id is not None:
        paid = Paid(
            payment_id=membership.payment_id,
            amount_cents=membership.paid_cents,
            currency=membership.currency,
        )
    ended = instalment(membership.period, months, number - 1, zone=state.zone) if months else None
    lot, granted = _issue(
        state, plan, part, number=membership.period_number, paid=paid, ended=ended or part
    )
    if lot is not None:
        movements.append(_grant(lot, granted, part.starts_at))
    after = msgspec.structs.replace(membership, instalment=number)
    return Turn(
        before=membership,
        membership=msgspec.structs.replace(after, renews_at=due_at(after, zone=state.zone)),
        period=membership.period,
        movements=movements,
        lots=[*rolled.lots, *([lot] if lot else [])],
        rolls=rolled.records,
        rolled=rolled.rolled,
        forfeited=sum(each.amount for each in (*rolled.forfeits, *rolled.trims)),
        granted=granted,
        lot=lot,
        payment_id=None,
        is_new=False,
        instalment=part,
    )


def line_of(done: Turn) -> str:
    """Tell in a line what a turn came to, for whoever watches the sweep."""
    what = f"period {done.period.number}"
    if done.instalment is not None:
        what = f"instalment {done.instalment.number} of {what}"
    # The credits of a period that was paid ahead came with its payment.
    paid_ahead = not done.is_new and done.instalment is None
    parts = ["paid ahead" if paid_ahead else f"{done.granted} credits granted"]
    if done.rolled:
        parts.append(f"{done.rolled} rolled over")
    if done.forfeited:
        parts.append(f"{done.forfeited} forfeited")
    name = done.membership.plan.name
    return f"membership {done.before.id} ({name}) came to {what}: {', '.join(parts)}"


def _advanced(state: State, plan: Plan, confirmed: Period) -> Membership:
    """Return the membership in its new period; what was overdue is settled (S7.7)."""
    before = state.membership
    anchor = anchor_at(before, plan, before.period_ends_at, zone=state.zone)
    if is_shifted(anchor, confirmed, zone=state.zone):
        on = local_date(confirmed.starts_at, state.zone)
        anchor = Anchor(on, anchor.months, confirmed.number)
    after = msgspec.structs.replace(
        before,
        status="active",
        plan=plan,
        anchor_on=anchor.on,
        anchor_number=anchor.number,
        period_number=confirmed.number,
        period_starts_at=confirmed.starts_at,
        period_ends_at=confirmed.ends_at,
        paid_number=max(before.paid_number, confirmed.number),
        instalment=1,
        renews_itself=plan.rules.renews == "itself",
        past_due_since=None,
        ends_at=_kept_end(before, confirmed),
        expected_next_charge_at=confirmed.ends_at if plan.rules.renews == "payment" else None,
    )
    return msgspec.structs.replace(after, renews_at=due_at(after, zone=state.zone))


def _kept_end(membership: Membership, confirmed: Period) -> datetime | None:
    """Return the end of a cancelled membership: never before what was paid for."""
    if membership.ends_at is None:
        return None
    return max(membership.ends_at, confirmed.ends_at)


def _first_instalment(plan: Plan, whole: Period, *, zone: ZoneInfo) -> Period:
    months = plan.rules.grant_months
    return (months and instalment(whole, months, 1, zone=zone)) or whole


def _issue(
    state: State, plan: Plan, part: Period, *, number: int, paid: Paid | None, ended: Period
) -> tuple[LotFields | None, int]:
    """Issue a period's credits: fewer after one that a freeze has pro-rated (S8.5)."""
    amount = prorated(plan.issues, ended, state.prorating, zone=state.zone)
    if amount == 0:
        return None, 0
    lot = issued_lot(
        state.membership,
        plan,
        amount,
        number=number,
        effective_at=part.starts_at,
        expires_at=with_grace(part.ends_at, plan.rules.period_grace_days, zone=state.zone),
        paid=paid,
    )
    return lot, amount


def _roll(state: State, boundary: datetime, *, number: int) -> Roll:
    plan = state.membership.plan

    def lifetime(rule: Rollover) -> datetime | None:
        return lives_until(rule, state, boundary)

    cutoff = with_grace(boundary, plan.rules.period_grace_days, zone=state.zone)
    return roll(state.lots, boundary, cutoff=cutoff, lifetime=lifetime, number=number)


def _roll_movements(rolled: Roll, boundary: datetime) -> list[Movement]:
    movements: list[Movement] = []
    if rolled.entries:
        movements.append(
            Movement(
                kind="rollover",
                reason="rolled_over",
                entries=rolled.entries,
                effective_at=boundary,
            )
        )
    for reason, lost in (("not_rolled_over", rolled.forfeits), ("bank_trimmed", rolled.trims)):
        movements += [
            Movement(
                kind="forfeit",
                reason=reason,
                entries=[Entry(each.lot_id, "available", "forfeited", each.amount)],
                effective_at=boundary,
                metadata={"limit": each.limit},
            )
            for each in lost
        ]
    return movements


def _grant(lot: LotFields, amount: int, effective_at: datetime) -> Movement:
    return Movement(
        kind="grant",
        reason="renewal",
        entries=[Entry(lot["id"], "issued", "available", amount)],
        effective_at=effective_at,
    )
