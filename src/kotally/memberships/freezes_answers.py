"""What is judged before a freeze and said about it afterwards (S8.1, S8.4, S8.6)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from kotally.core.calendar import iso, local_date
from kotally.ledger.scenes import Declined, Scene
from kotally.memberships import freezes_records
from kotally.memberships.freezes_billing import prorated
from kotally.memberships.freezes_bounds import expected_charge, reload
from kotally.memberships.freezes_limits import (
    Asked,
    Span,
    allowance,
    broken,
    impossible,
)
from kotally.memberships.freezes_records import Freeze
from kotally.memberships.memberships import Membership


async def demand_allowed(
    scene: Scene,
    membership: Membership,
    freeze: Freeze,
    *,
    reason: str | None,
    is_extension: bool = False,
) -> Freeze:
    """
    Decline a freeze that breaks a limit, with the nearest value allowed (S8.1).

    With a reason the plan's limits are set aside and named in the freeze; what cannot be stays so.
    """
    asked = await _asked(scene, membership, freeze, is_extension=is_extension)
    wrong = impossible(asked)
    if wrong is not None:
        raise Declined(wrong.code, membership_id=membership.id, allowed=wrong.allowed)
    limits = broken(asked)
    if limits and not reason:
        raise Declined(
            limits[0].code,
            membership_id=membership.id,
            allowed=limits[0].allowed,
            limits=[{"reason_code": each.code, "allowed": each.allowed} for each in limits],
        )
    codes = {*freeze.overridden, *(each.code for each in limits)}
    return msgspec.structs.replace(
        freeze,
        overridden=sorted(codes),
        override_reason=reason if limits else freeze.override_reason,
    )


async def answer_of(
    scene: Scene, before: Membership, freeze: Freeze, *, bookings: list[dict[str, Any]]
) -> dict[str, Any]:
    """Say what a freeze comes to: dates, lots, bookings, money and what is left to use."""
    membership = await reload(scene, before.id)
    asked = await _asked(scene, membership, freeze, is_extension=True)
    if freeze.status == "cancelled":
        asked = msgspec.structs.replace(asked, span=Span(freeze.starts_on, freeze.starts_on))
    policy = membership.plan.rules.freeze
    return {
        "membership_id": membership.id,
        "contact_id": membership.contact_id,
        "freeze_id": freeze.id,
        "status": freeze.status,
        "starts_on": freeze.starts_on,
        "resumes_on": freeze.resumes_on,
        "starts_at": iso(freeze.starts_at),
        "resumes_at": iso(freeze.resumes_at),
        "days": freeze.span.days,
        "mode": freeze.mode,
        "covers_packs": freeze.covers_packs,
        "period_ends_at": iso(membership.period_ends_at),
        "expected_next_charge_at": _iso(expected_charge(membership)),
        "expected_next_charge_cents": _next_charge(scene, membership, freeze),
        "next_period_credits": _next_credits(scene, membership, freeze),
        "fee_cents": policy.fee_cents * len(freeze.fee_ids),
        "lots": await _lots(scene, freeze),
        "bookings": bookings,
        "allowance": msgspec.to_builtins(allowance(asked)),
        "overridden": freeze.overridden,
    }


async def _asked(
    scene: Scene, membership: Membership, freeze: Freeze, *, is_extension: bool
) -> Asked:
    every = await freezes_records.of_membership(scene.tx, scene.location_id, membership.id)
    began_at = await scene.tx.fetchval(
        "select e.starts_at from kotally.entitlements e where e.location_id = $1 and e.id = $2",
        scene.location_id,
        membership.id,
    )
    return Asked(
        span=freeze.span,
        policy=membership.plan.rules.freeze,
        today=local_date(scene.now, scene.zone),
        began_on=local_date(began_at, scene.zone),
        renewal_on=local_date(membership.period_ends_at, scene.zone),
        is_past_due=membership.status == "past_due",
        earlier=[each.span for each in every if each.id != freeze.id and each.span.days],
        is_extension=is_extension,
    )


async def _lots(scene: Scene, freeze: Freeze) -> list[dict[str, Any]]:
    """List the lots that the freeze has moved or will move, with both expiries."""
    rows = await scene.tx.fetch(
        """
        select l.id as lot_id, l.entitlement_id, l.product_config_id,
               l.available as credits_available, l.held as credits_held,
               coalesce(x.from_at, l.expires_at) as expires_at,
               coalesce(l.projected_expires_at, l.expires_at) as will_expire_at
          from kotally.lots l
          left join kotally.expiry_changes x
            on x.location_id = $1 and x.lot_id = l.id and x.cause_id = $3
         where l.location_id = $1 and l.contact_id = $2
           and (l.entitlement_id = $4 or $5)
           and coalesce(x.to_at, l.projected_expires_at) is not null
         order by l.expires_at, l.id
        """,
        scene.location_id,
        freeze.contact_id,
        freeze.id,
        freeze.membership_id,
        freeze.covers_packs,
    )
    return [
        dict(row)
        | {"expires_at": _iso(row["expires_at"]), "will_expire_at": _iso(row["will_expire_at"])}
        for row in rows
    ]


def _next_charge(scene: Scene, membership: Membership, freeze: Freeze) -> int | None:
    if membership.renews_itself or membership.currency is None:
        return None
    return _share(scene, membership, freeze, amount=membership.paid_cents)


def _next_credits(scene: Scene, membership: Membership, freeze: Freeze) -> int:
    return _share(scene, membership, freeze, amount=membership.plan.issues)


def _share(scene: Scene, membership: Membership, freeze: Freeze, *, amount: int) -> int:
    if freeze.mode != "prorate" or freeze.status == "cancelled":
        return amount
    return prorated(amount, membership.period, [freeze.span], zone=scene.zone)


def _iso(at: datetime | None) -> str | None:
    return None if at is None else iso(at)
