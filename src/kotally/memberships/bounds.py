"""Which period of a membership comes next, and when it has to be looked at: pure (S9.2)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from msgspec import Struct

from kotally.core.calendar import add_months, local_date, local_midnight
from kotally.memberships.freezes_limits import Span
from kotally.memberships.memberships import Change, Lot, Membership, Plan
from kotally.memberships.periods import Anchor, Period, instalment, next_period, period_at
from kotally.products.policies import Rollover


class State(Struct, frozen=True, kw_only=True):
    """What a turn is decided from."""

    membership: Membership
    lots: Sequence[Lot]
    change: Change | None
    now: datetime
    zone: ZoneInfo
    paid_ahead: Period | None = None
    # The freezes for which the period after them issues less (S8.5).
    prorating: Sequence[Span] = ()


def due_plan(state: State, boundary: datetime) -> tuple[Plan, Change | None]:
    """Return the plan of the period after a boundary: a change that is due by then decides."""
    change = state.change
    if (
        change is not None
        and change.plan is not None
        and change.status == "pending"
        and change.effective_at <= boundary
    ):
        return change.plan, change
    return state.membership.plan, None


def following(state: State, *, may_skip: bool = False) -> tuple[Period, Plan, Change | None]:
    """
    Return the period after the last one confirmed.

    With `may_skip`, after a pause of more than a period it is the one that is running now: nobody
    pays for time that has passed.
    """
    membership = state.membership
    boundary, number = _last_end(state), membership.paid_number + 1
    plan, change = due_plan(state, boundary)
    anchor = anchor_at(membership, plan, boundary, zone=state.zone)
    found = next_period(anchor, number, boundary=boundary, zone=state.zone)
    if may_skip and found.ends_at <= state.now:
        if is_shifted(anchor, found, zone=state.zone):
            anchor = Anchor(local_date(found.starts_at, state.zone), anchor.months, number)
        found = period_at(
            anchor.on, anchor.months, state.now, zone=state.zone, anchor_number=anchor.number
        )
    return found, plan, change


def due_at(membership: Membership, *, zone: ZoneInfo) -> datetime | None:
    """Return when a membership in good standing has to be looked at next: never once it ends."""
    months = membership.plan.rules.grant_months
    part = None
    if months:
        part = instalment(membership.period, months, membership.instalment + 1, zone=zone)
    at = membership.period_ends_at if part is None else part.starts_at
    return None if membership.ends_at is not None and membership.ends_at <= at else at


def is_shifted(anchor: Anchor, confirmed: Period, *, zone: ZoneInfo) -> bool:
    """Tell whether a period begins elsewhere than its anchor puts it: after a freeze (S8.5)."""
    on = add_months(anchor.on, anchor.months * (confirmed.number - anchor.number))
    return local_midnight(on, zone) != confirmed.starts_at


def anchor_at(membership: Membership, plan: Plan, boundary: datetime, *, zone: ZoneInfo) -> Anchor:
    """Return what the next bounds count from: a plan with other periods begins anew (S9.5)."""
    if plan.rules.period_months == membership.plan.rules.period_months:
        return membership.anchor
    return Anchor(
        local_date(boundary, zone), plan.rules.period_months, membership.period_number + 1
    )


def _last_end(state: State) -> datetime:
    if state.paid_ahead is not None:
        return state.paid_ahead.ends_at
    return state.membership.period_ends_at


def lives_until(rule: Rollover, state: State, boundary: datetime) -> datetime | None:
    """
    Return when credits expire that roll at a boundary (S7.4).

    A number of months that is a number of periods ends with a period; None is never.
    """
    months = rule.lives_months
    if months is None:
        return None
    anchor = state.membership.anchor
    if months % anchor.months == 0 and boundary == state.membership.period_ends_at:
        count = state.membership.period_number + months // anchor.months
        first = state.membership.period_number + 1
        starts = next_period(anchor, first, boundary=boundary, zone=state.zone)
        if not is_shifted(anchor, starts, zone=state.zone):
            on = add_months(anchor.on, anchor.months * (count + 1 - anchor.number))
            return local_midnight(on, state.zone)
    return local_midnight(add_months(local_date(boundary, state.zone), months), state.zone)
