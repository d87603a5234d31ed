"""A payment that was tried for a membership and failed (S9.4, S11.1)."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from msgspec import Struct

from kotally.core.calendar import iso
from kotally.db import Database
from kotally.ledger.acts import Key, Outcome
from kotally.ledger.scenes import Declined, Done, Scene, play
from kotally.memberships import renewals
from kotally.memberships.arrears import steps
from kotally.memberships.bounds import State
from kotally.memberships.endings import decide_waiting
from kotally.memberships.memberships import Change


class Failure(Struct, frozen=True, kw_only=True):
    """What failed; `product_config_id` None is whatever the membership waits for."""

    product_config_id: str | None = None
    external_payment_id: str | None = None
    reason: str | None = None


async def note(
    db: Database,
    location_id: str,
    membership_id: UUID,
    *,
    failure: Failure,
    key: Key,
    preview: bool = False,
) -> Outcome:
    """
    Note a payment that failed: an upgrade that waited for it is dropped (S9.4).

    A failed renewal changes nothing by itself: the period's end and the days of grace decide.
    Codes: `payment_failure_noted`, `MEMBERSHIP_NOT_FOUND`, `MEMBERSHIP_ENDED`.
    """

    async def work(scene: Scene) -> Done:
        contact_id = await renewals.locked(scene, membership_id)
        state, _ = await renewals.up_to_date(scene, membership_id)
        membership = state.membership
        if membership.status == "ended":
            ended_at = membership.ends_at
            raise Declined("MEMBERSHIP_ENDED", ended_at=ended_at and iso(ended_at))
        dropped = _waiting_for(state, failure)
        if dropped is not None:
            await decide_waiting(scene, membership_id, status="dropped")
        facts: dict[str, Any] = {"change_id": None if dropped is None else dropped.id}
        for name in ("product_config_id", "external_payment_id", "reason"):
            facts[name] = getattr(failure, name)
        if dropped is not None and dropped.plan is not None:
            facts["product_config_id"] = dropped.plan.product_config_id
        await scene.happened(contact_id, "payment_failed", entitlement_id=membership_id, **facts)
        answer = {"membership_id": membership_id, "contact_id": contact_id, **facts}
        return Done(
            "payment_failure_noted", answer | {"past_due_from": _past_due_from(scene, state)}
        )

    operation = f"payment failed {membership_id}"
    return await play(db, location_id, operation, key=key, work=work, preview=preview)


def _waiting_for(state: State, failure: Failure) -> Change | None:
    """Return the upgrade that waits for the payment that failed."""
    change = state.change
    if change is None or change.plan is None or change.status != "pending_payment":
        return None
    named = failure.product_config_id
    return change if named in (None, change.plan.product_config_id) else None


def _past_due_from(scene: Scene, state: State) -> str | None:
    """Say when the membership is past due if nothing is paid until then."""
    if state.membership.renews_itself or state.paid_ahead is not None:
        return None
    reached = steps(state.membership, zone=scene.zone)
    return next((iso(each.at) for each in reached if each.stage == "past_due"), None)
