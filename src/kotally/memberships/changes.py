"""Change a membership's plan: now, at its next period, or when its payment comes (S9.3 to S9.6)."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from msgspec import Struct

from kotally.core.calendar import iso
from kotally.core.ids import new_id
from kotally.db import Database
from kotally.ledger.acts import Key, Outcome
from kotally.ledger.scenes import Declined, Done, Scene, play
from kotally.memberships import memberships, renewals, upgrades
from kotally.memberships.bounds import State
from kotally.memberships.commitments import promised, uncovered
from kotally.memberships.confirming import answer_of
from kotally.memberships.endings import decide_waiting
from kotally.memberships.issuing import Paid
from kotally.memberships.memberships import ChangeKind, Plan
from kotally.memberships.periods import Period
from kotally.memberships.upgrades import Strategy

When = Literal["now", "next_period"]


class Wanted(Struct, frozen=True, kw_only=True):
    """
    What a membership shall become.

    Without `when`, a larger plan is meant now and a smaller one for the next period. Without
    `payment_expected`, a plan that is renewed by payments waits for one (S9.4).
    """

    product_config_id: str
    version: int | None = None
    when: When | None = None
    strategy: Strategy | None = None
    payment_expected: bool | None = None


class _Scheduled(Struct, frozen=True, kw_only=True):
    kind: ChangeKind
    status: Literal["pending", "pending_payment", "applied"]
    effective_at: datetime
    strategy: Strategy | None = None


async def change(
    db: Database,
    location_id: str,
    membership_id: UUID,
    *,
    wanted: Wanted,
    key: Key,
    preview: bool = False,
) -> Outcome:
    """
    Change a membership's plan; a newer change replaces the one that waits.

    Codes: `membership_changed`, `change_pending_payment`, `change_scheduled`,
    `MEMBERSHIP_NOT_FOUND`, `MEMBERSHIP_ENDED`, `CONFIG_NOT_FOUND`, `NOTHING_TO_CHANGE`,
    `ALREADY_MEMBER`, `CANCELLATION_PENDING`, `CHANGE_ONLY_AT_PERIOD_END`, `PERIOD_PAID_AHEAD`.
    """

    async def work(scene: Scene) -> Done:
        state, ahead, plan = await _checked(scene, membership_id, wanted)
        if await _when(state, ahead, plan, wanted=wanted) == "next_period":
            return await _schedule(scene, state, ahead, plan=plan)
        strategy = wanted.strategy or plan.rules.upgrade
        if strategy == "reset" and ahead:
            raise Declined("PERIOD_PAID_AHEAD", paid_until=iso(ahead[-1].ends_at))
        by_payment = plan.rules.renews == "payment"
        if by_payment if wanted.payment_expected is None else wanted.payment_expected:
            return await _await_payment(scene, state, plan, strategy=strategy)
        return await _upgrade(scene, state, plan, strategy=strategy)

    operation = f"change {membership_id}"
    return await play(db, location_id, operation, key=key, work=work, preview=preview)


async def remove(
    db: Database, location_id: str, membership_id: UUID, *, key: Key, preview: bool = False
) -> Outcome:
    """
    Remove the change that waits: it was called off, or its payment failed (S9.4, S9.5).

    Codes: `change_removed`, `NO_PENDING_CHANGE`, `MEMBERSHIP_NOT_FOUND`.
    """

    async def work(scene: Scene) -> Done:
        contact_id = await renewals.locked(scene, membership_id)
        found = await memberships.load_changes(scene.tx, scene.location_id, [membership_id])
        waiting = found.get(membership_id)
        if waiting is None or waiting.kind == "cancel" or waiting.plan is None:
            raise Declined("NO_PENDING_CHANGE")
        await decide_waiting(scene, membership_id, status="dropped")
        removed = {"change_id": waiting.id, "product_config_id": waiting.plan.product_config_id}
        await scene.happened(
            contact_id, "membership_change_removed", entitlement_id=membership_id, **removed
        )
        return Done("change_removed", {"membership_id": membership_id, **removed})

    operation = f"remove change {membership_id}"
    return await play(db, location_id, operation, key=key, work=work, preview=preview)


def is_larger(plan: Plan, than: Plan) -> bool:
    """Tell an upgrade from a downgrade: unlimited is more than any number (S9.6)."""
    if plan.rules.unlimited or than.rules.unlimited:
        return plan.rules.unlimited and not than.rules.unlimited
    return _per_year(plan) > _per_year(than)


def _per_year(plan: Plan) -> tuple[int, int]:
    """Compare plans by credits a month, as a fraction of whole numbers brought to 12 months."""
    months = plan.rules.grant_months or plan.rules.period_months
    return plan.credits * 1_000_000 // months, plan.credits


async def _checked(
    scene: Scene, membership_id: UUID, wanted: Wanted
) -> tuple[State, list[Period], Plan]:
    await renewals.locked(scene, membership_id)
    state, ahead = await renewals.up_to_date(scene, membership_id)
    membership = state.membership
    if membership.status == "ended":
        raise Declined("MEMBERSHIP_ENDED", ended_at=membership.ends_at and iso(membership.ends_at))
    plan = await memberships.load_plan(
        scene.tx, scene.location_id, wanted.product_config_id, version=wanted.version
    )
    if plan is None:
        raise Declined("CONFIG_NOT_FOUND")
    if (plan.product_config_id, plan.version) == (
        membership.plan.product_config_id,
        membership.plan.version,
    ):
        raise Declined("NOTHING_TO_CHANGE", product_config_id=plan.product_config_id)
    if state.change is not None and state.change.kind == "cancel":
        raise Declined("CANCELLATION_PENDING", ends_at=iso(state.change.effective_at))
    other = await _other_of(scene, state, plan)
    if other is not None:
        raise Declined("ALREADY_MEMBER", other_membership_id=other)
    return state, ahead, plan


async def _other_of(scene: Scene, state: State, plan: Plan) -> UUID | None:
    return await scene.tx.fetchval(
        """
        select m.id
          from kotally.memberships m
         where m.location_id = $1 and m.contact_id = $2 and m.id <> $3
           and m.product_config_id = $4 and m.status <> 'ended'
        """,
        scene.location_id,
        state.membership.contact_id,
        state.membership.id,
        plan.product_config_id,
    )


async def _when(state: State, ahead: list[Period], plan: Plan, *, wanted: Wanted) -> When:
    larger = is_larger(plan, state.membership.plan)
    when = wanted.when or ("now" if larger else "next_period")
    if when == "now" and not larger:
        raise Declined("CHANGE_ONLY_AT_PERIOD_END", effective_at=iso(_next_start(state, ahead)))
    return when


def _next_start(state: State, ahead: list[Period]) -> datetime:
    """Return when the next period begins that is not paid yet."""
    return ahead[-1].ends_at if ahead else state.membership.period_ends_at


async def _schedule(scene: Scene, state: State, ahead: list[Period], *, plan: Plan) -> Done:
    larger = is_larger(plan, state.membership.plan)
    same = plan.product_config_id == state.membership.plan.product_config_id
    scheduled = _Scheduled(
        kind="migrate" if same else "upgrade" if larger else "downgrade",
        status="pending",
        effective_at=_next_start(state, ahead),
    )
    is_lost = uncovered(plan.coverage)
    found = await promised(scene, state.membership, since=scheduled.effective_at)
    change_id = await _replace(scene, state, plan, scheduled=scheduled)
    answer = _answer(state, plan, scheduled, change_id=change_id)
    answer["bookings_not_covered"] = [each.answer() for each in found if is_lost(each)]
    return Done("change_scheduled", answer)


async def _await_payment(scene: Scene, state: State, plan: Plan, *, strategy: Strategy) -> Done:
    """Note the upgrade; until its payment arrives it changes nothing (S9.4)."""
    scheduled = _Scheduled(
        kind="upgrade", status="pending_payment", effective_at=scene.now, strategy=strategy
    )
    change_id = await _replace(scene, state, plan, scheduled=scheduled)
    expected = Paid(payment_id=change_id, amount_cents=0, currency=None)  # stands for the payment
    would = upgrades.decide(state, plan, strategy, paid=expected, change=None)
    answer = _answer(state, plan, scheduled, change_id=change_id)
    return Done("change_pending_payment", answer | {"credits_granted": would.granted})


async def _upgrade(scene: Scene, state: State, plan: Plan, *, strategy: Strategy) -> Done:
    scheduled = _Scheduled(
        kind="upgrade", status="applied", effective_at=scene.now, strategy=strategy
    )
    change_id = await _replace(scene, state, plan, scheduled=scheduled)
    done = upgrades.decide(state, plan, strategy, paid=None, change=None)
    done = await renewals.played(scene, done)
    answer = _answer(state, plan, scheduled, change_id=change_id) | answer_of(done)
    return Done("membership_changed", answer)


async def _replace(scene: Scene, state: State, plan: Plan, *, scheduled: _Scheduled) -> UUID:
    """Write the change in place of the one that waits, if there is one (S9.5)."""
    membership = state.membership
    await decide_waiting(scene, membership.id, status="replaced")
    change_id = new_id()
    await scene.tx.execute(
        """
        insert into kotally.membership_changes (
          location_id, id, membership_id, contact_id, kind, to_product_config_id, to_version,
          strategy, status, effective_at, requested_at, decided_at)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
        """,
        scene.location_id,
        change_id,
        membership.id,
        membership.contact_id,
        scheduled.kind,
        plan.product_config_id,
        plan.version,
        scheduled.strategy,
        scheduled.status,
        scheduled.effective_at,
        scene.now,
        scene.now if scheduled.status == "applied" else None,
    )
    await scene.happened(
        membership.contact_id,
        "membership_changed" if scheduled.status == "applied" else "membership_change_planned",
        entitlement_id=membership.id,
        change_id=change_id,
        product_config_id=plan.product_config_id,
        effective_at=scheduled.effective_at,
    )
    return change_id


def _answer(state: State, plan: Plan, scheduled: _Scheduled, *, change_id: UUID) -> dict[str, Any]:
    membership = state.membership
    return {
        "membership_id": membership.id,
        "contact_id": membership.contact_id,
        "change_id": change_id,
        "kind": scheduled.kind,
        "strategy": scheduled.strategy,
        "from_product_config_id": membership.plan.product_config_id,
        "product_config_id": plan.product_config_id,
        "version": plan.version,
        "effective_at": iso(scheduled.effective_at),
    }
