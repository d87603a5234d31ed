"""Memberships as they stand: the row, the terms it is pinned to, its credits, what is planned."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, Final, Literal, LiteralString
from uuid import UUID

import msgspec
from msgspec import Struct

from kotally.db import Queries
from kotally.memberships.periods import Anchor, Period
from kotally.products.policies import Rollover
from kotally.products.rules import Rules, read_rules

Status = Literal["active", "past_due", "ended"]
ChangeKind = Literal["upgrade", "downgrade", "cancel", "migrate"]


class Plan(Struct, frozen=True, kw_only=True):
    """One version of a membership's product: what a period issues, and by which rules."""

    product_config_id: str
    version: int
    name: str
    credits: int
    coverage: dict[str, int] | None
    rules: Rules

    @property
    def issues(self) -> int:
        """Be the credits of a period, or of each instalment; an unlimited plan issues none."""
        return 0 if self.rules.unlimited else self.credits


class Membership(Struct, frozen=True, kw_only=True):
    """A membership at one moment."""

    id: UUID
    contact_id: UUID
    status: Status
    anchor_on: date
    anchor_number: int
    period_number: int
    period_starts_at: datetime
    period_ends_at: datetime
    paid_number: int
    instalment: int
    renews_at: datetime | None
    renews_itself: bool
    past_due_since: datetime | None
    ends_at: datetime | None
    minimum_until: datetime | None
    expected_next_charge_at: datetime | None
    # What paid the running period, for the instalments that are still to come.
    payment_id: UUID | None
    paid_cents: int
    currency: str | None
    plan: Plan

    @property
    def period(self) -> Period:
        """Be the running period."""
        return Period(self.period_number, self.period_starts_at, self.period_ends_at)

    @property
    def anchor(self) -> Anchor:
        """Be what its period bounds are counted from."""
        return Anchor(self.anchor_on, self.plan.rules.period_months, self.anchor_number)


class Change(Struct, frozen=True, kw_only=True):
    """A change that waits: for its time, or for its payment."""

    id: UUID
    membership_id: UUID
    kind: ChangeKind
    strategy: Literal["difference", "reset", "usage"] | None
    status: Literal["pending", "pending_payment"]
    effective_at: datetime
    details: dict[str, Any]
    plan: Plan | None


class Lot(Struct, frozen=True, kw_only=True):
    """Credits of a membership, with what another lot in their place must copy."""

    id: UUID
    contact_id: UUID
    entitlement_id: UUID
    product_config_id: str
    product_version: int
    payment_id: UUID | None
    period_number: int | None
    lot_class: str
    priority: int
    effective_at: datetime
    expires_at: datetime | None
    # Without the freezes that left the bounds where they were, and with those that are not over.
    due_at: datetime | None
    lives_until: datetime | None
    coverage: dict[str, int] | None
    coverage_width: int
    cost_minor: int
    currency: str | None
    unit_cost: int
    cancel_window_minutes: int | None
    restore_grace_days: int
    roll_count: int
    rules: dict[str, Any]
    issued: int
    available: int
    held: int
    consumed: int
    penalty: int
    is_rolled: bool

    @property
    def rollover(self) -> Rollover | None:
        """Be the rule by which it rolls over, as it was when the lot was issued (S7.8)."""
        rule = self.rules.get("rollover")
        if rule is None or self.is_rolled or self.lot_class not in ("included", "rollover"):
            return None
        return msgspec.convert(rule, Rollover)


_MEMBERSHIPS: Final[LiteralString] = """
    select m.id, m.contact_id, m.status, m.anchor_on, m.anchor_number, m.period_number,
           m.period_starts_at, m.period_ends_at, m.paid_number, m.instalment, m.renews_at,
           m.renews_itself, m.past_due_since, m.ends_at, m.minimum_until,
           m.expected_next_charge_at, p.payment_id, coalesce(y.amount_cents, 0) as paid_cents,
           y.currency, e.product_config_id, e.product_version as version, v.name, v.credits,
           v.coverage, v.rules
      from kotally.memberships m
      join kotally.entitlements e on e.location_id = $1 and e.id = m.id
      join kotally.product_versions v
        on v.location_id = $1 and v.product_id = e.product_config_id
       and v.version = e.product_version
      left join kotally.periods p
        on p.location_id = $1 and p.membership_id = m.id and p.number = m.period_number
      left join kotally.payments y on y.location_id = $1 and y.id = p.payment_id
     where m.location_id = $1 and m.id = any ($2)
"""
_LOTS: Final[LiteralString] = """
    select l.id, l.contact_id, l.entitlement_id, l.product_config_id, l.product_version,
           l.payment_id, l.period_number, l.class as lot_class, l.priority, l.effective_at,
           l.expires_at, coalesce(l.projected_expires_at, l.expires_at) as lives_until,
           case when x.days > 0 then kotally.add_local_days(l.expires_at, -x.days, t.timezone)
                else l.expires_at end as due_at,
           l.coverage, l.coverage_width, l.cost_minor, l.currency, l.unit_cost,
           l.cancel_window_minutes, l.restore_grace_days, l.roll_count, l.rules, l.issued,
           l.available, l.held, l.consumed, l.penalty, r.lot_id is not null as is_rolled
      from kotally.lots l
      join kotally.memberships m on m.location_id = $1 and m.id = l.entitlement_id
      join kotally.locations t on t.id = $1
      left join kotally.rolls r on r.location_id = $1 and r.lot_id = l.id
      left join lateral (
        select sum((c.to_at at time zone t.timezone)::date
                   - (c.from_at at time zone t.timezone)::date)::integer as days
          from kotally.expiry_changes c
          join kotally.freezes f on f.location_id = $1 and f.id = c.cause_id
         where c.location_id = $1 and c.lot_id = l.id and c.reason = 'freeze'
           and (f.mode <> 'shift' or f.membership_id <> l.entitlement_id)) x on true
     where l.location_id = $1 and l.entitlement_id = any ($2)
       and (l.is_open or l.expires_at > m.period_starts_at)
     order by l.entitlement_id, l.roll_count, l.expires_at nulls last, l.id
"""
_CHANGES: Final[LiteralString] = """
    select c.id, c.membership_id, c.kind, c.strategy, c.status, c.effective_at, c.details,
           c.to_product_config_id as product_config_id, c.to_version as version, v.name,
           v.credits, v.coverage, v.rules
      from kotally.membership_changes c
      left join kotally.product_versions v
        on v.location_id = $1 and v.product_id = c.to_product_config_id
       and v.version = c.to_version
     where c.location_id = $1 and c.membership_id = any ($2) and c.decided_at is null
"""
_PLAN: Final = ("product_config_id", "version", "name", "credits", "coverage", "rules")


async def load(db: Queries, location_id: str, ids: Sequence[UUID]) -> dict[UUID, Membership]:
    """Read memberships by id; what is not there is left out."""
    rows = await db.fetch(_MEMBERSHIPS, location_id, list(ids))
    return {row["id"]: _membership(dict(row)) for row in rows}


async def load_lots(db: Queries, location_id: str, ids: Sequence[UUID]) -> dict[UUID, list[Lot]]:
    """Read, by membership, the lots that hold something or end with the running period."""
    found: dict[UUID, list[Lot]] = {id_: [] for id_ in ids}
    for lot in await db.rows(Lot, _LOTS, location_id, list(ids)):
        found[lot.entitlement_id].append(lot)
    return found


async def load_changes(db: Queries, location_id: str, ids: Sequence[UUID]) -> dict[UUID, Change]:
    """Read, by membership, the change that waits; there is at most one (S9.5)."""
    rows = await db.fetch(_CHANGES, location_id, list(ids))
    return {row["membership_id"]: _change(dict(row)) for row in rows}


async def load_plan(
    db: Queries, location_id: str, product_config_id: str, *, version: int | None = None
) -> Plan | None:
    """Read a version of a membership product that is on sale; by default the current one."""
    row = await db.fetchrow(
        """
        select p.id as product_config_id, v.version, v.name, v.credits, v.coverage, v.rules
          from kotally.products p
          join kotally.product_versions v
            on v.location_id = $1 and v.product_id = p.id
           and v.version = coalesce($3, p.version)
         where p.location_id = $1 and p.id = $2 and p.type = 'membership' and p.status = 'active'
        """,
        location_id,
        product_config_id,
        version,
    )
    return None if row is None else _plan(dict(row))


async def contact_of(db: Queries, location_id: str, membership_id: UUID) -> UUID | None:
    """Return whose membership it is, or None if there is no such membership."""
    return await db.fetchval(
        "select contact_id from kotally.memberships where location_id = $1 and id = $2",
        location_id,
        membership_id,
    )


def _membership(row: dict[str, Any]) -> Membership:
    plan = {name: row.pop(name) for name in _PLAN}
    return Membership(**row, plan=_plan(plan))


def _change(row: dict[str, Any]) -> Change:
    plan = {name: row.pop(name) for name in _PLAN}
    return Change(**row, plan=None if plan["name"] is None else _plan(plan))


def _plan(row: dict[str, Any]) -> Plan:
    rules = read_rules(row.pop("rules"))
    return Plan(**row, rules=rules)
