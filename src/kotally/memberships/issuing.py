"""The credits that a period of a membership issues, as a new lot."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec
from msgspec import Struct

from kotally.core.ids import new_id
from kotally.ledger.plans import LotFields
from kotally.memberships.memberships import Membership, Plan
from kotally.products.rules import Rules

MILLIONTHS: Final = 1_000_000


class Paid(Struct, frozen=True, kw_only=True):
    """The payment that a lot was issued against, and what it cost."""

    payment_id: UUID
    amount_cents: int
    currency: str | None


def copied_rules(rules: Rules) -> dict[str, Any]:
    """Return what a lot keeps of the rules of its version: later ones do not change it (S7.8)."""
    kept: dict[str, Any] = {}
    if rules.rollover is not None:
        kept["rollover"] = msgspec.to_builtins(rules.rollover)
    if rules.studio_restore_grace_days != Rules().studio_restore_grace_days:
        kept["studio_restore_grace_days"] = rules.studio_restore_grace_days
    return kept


def share_of_cost(amount_cents: int, rules: Rules) -> int:
    """Return what of a period's price one lot of it cost: instalments share it."""
    if rules.grant_months is None or rules.grant_months >= rules.period_months:
        return amount_cents
    return amount_cents * rules.grant_months // rules.period_months


def issued_lot(
    membership: Membership,
    plan: Plan,
    amount: int,
    *,
    number: int,
    effective_at: datetime,
    expires_at: datetime,
    paid: Paid | None = None,
) -> LotFields:
    """Make the lot of a period; what a version says later changes nothing for it (S9.8)."""
    cost = 0 if paid is None else share_of_cost(paid.amount_cents, plan.rules)
    fields: LotFields = {
        "id": new_id(),
        "contact_id": membership.contact_id,
        "entitlement_id": membership.id,
        "product_config_id": plan.product_config_id,
        "product_version": plan.version,
        "payment_id": None if paid is None else paid.payment_id,
        "period_number": number,
        "class": "included",
        "effective_at": effective_at,
        "expires_at": expires_at,
        "coverage": plan.coverage,
        "coverage_width": None if plan.coverage is None else len(plan.coverage),
        "cost_minor": cost,
        "currency": None if paid is None else paid.currency,
        "unit_cost": cost * MILLIONTHS // max(amount, 1),
        "cancel_window_minutes": plan.rules.cancel_window_minutes,
        "restore_grace_days": plan.rules.restore_grace_days,
        "rules": copied_rules(plan.rules),
    }
    return {name: value for name, value in fields.items() if value is not None}
