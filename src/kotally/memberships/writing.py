"""Write what turns came to, many memberships at once; the caller holds the contacts' locks."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, LiteralString
from uuid import UUID

import msgspec
from msgspec import Struct

from kotally.core.ids import new_id
from kotally.db import Transaction
from kotally.ledger.plans import Posting, encoded
from kotally.memberships.memberships import Membership
from kotally.memberships.turns import Turn

_encode = msgspec.json.Encoder().encode


class Happening(Struct, frozen=True, kw_only=True):
    """A fact for the timeline of a contact; its fields are columns of `kotally.happenings`."""

    contact_id: UUID
    type: str
    entitlement_id: UUID
    details: dict[str, Any]
    source: str
    actor: str
    correlation_id: UUID


_POST: Final[LiteralString] = "select kotally.post_plan($1, $2, $3, $4)"
_MEMBERSHIPS: Final[LiteralString] = """
    update kotally.memberships m
       set product_config_id = r.product_config_id, status = r.status, anchor_on = r.anchor_on,
           anchor_number = r.anchor_number, period_number = r.period_number,
           period_starts_at = r.period_starts_at, period_ends_at = r.period_ends_at,
           renews_at = r.renews_at, past_due_since = r.past_due_since, ends_at = r.ends_at,
           minimum_until = r.minimum_until, expected_next_charge_at = r.expected_next_charge_at,
           paid_number = r.paid_number, instalment = r.instalment,
           renews_itself = r.renews_itself
      from jsonb_populate_recordset(null::kotally.memberships, $2::text::jsonb) r
     where m.location_id = $1 and m.id = r.id
"""
_ENTITLEMENTS: Final[LiteralString] = """
    update kotally.entitlements e
       set product_config_id = r.product_config_id, product_version = r.product_version,
           is_ruled = kotally.is_ruled($1, r.product_config_id, r.product_version)
      from jsonb_populate_recordset(null::kotally.entitlements, $2::text::jsonb) r
     where e.location_id = $1 and e.id = r.id
       and (e.product_config_id, e.product_version)
           is distinct from (r.product_config_id, r.product_version)
"""
_PERIODS: Final[LiteralString] = """
    insert into kotally.periods (
      location_id, membership_id, number, starts_at, ends_at, payment_id, lot_id, granted_at)
    select $1, r.membership_id, r.number, r.starts_at, r.ends_at, r.payment_id, r.lot_id,
           kotally.recorded_at($1, $3)
      from jsonb_populate_recordset(null::kotally.periods, $2::text::jsonb) r
"""
_INSTALMENTS: Final[LiteralString] = """
    insert into kotally.instalments (
      location_id, membership_id, period_number, number, starts_at, ends_at, lot_id, granted_at)
    select $1, r.membership_id, r.period_number, r.number, r.starts_at, r.ends_at, r.lot_id, $3
      from jsonb_populate_recordset(null::kotally.instalments, $2::text::jsonb) r
"""
_INSTALMENTS_PAID: Final[LiteralString] = """
    with paid as (
      select p.payment_id, l.id as lot_id, l.issued
        from jsonb_populate_recordset(null::kotally.instalments, $2::text::jsonb) r
        join kotally.periods p
          on p.location_id = $1 and p.membership_id = r.membership_id
         and p.number = r.period_number
        join kotally.lots l
          on l.location_id = $1 and l.id = r.lot_id and l.payment_id = p.payment_id)
    update kotally.payments y set credits_granted = y.credits_granted + paid.issued
      from paid
     where y.location_id = $1 and y.id = paid.payment_id
"""
_ROLLS: Final[LiteralString] = """
    insert into kotally.rolls (
      location_id, lot_id, contact_id, membership_id, boundary_at, base, rolled, percent, room,
      late, expires_at, rolled_at)
    select $1, r.lot_id, r.contact_id, r.membership_id, r.boundary_at, r.base, r.rolled,
           r.percent, r.room, r.late, r.expires_at, $3
      from jsonb_populate_recordset(null::kotally.rolls, $2::text::jsonb) r
"""
_HAPPENINGS: Final[LiteralString] = """
    insert into kotally.happenings (
      location_id, id, contact_id, type, at, entitlement_id, details, source, actor,
      correlation_id, recorded_at)
    select $1, r.id, r.contact_id, r.type, n.at, r.entitlement_id, r.details, r.source, r.actor,
           r.correlation_id, n.at
      from jsonb_populate_recordset(null::kotally.happenings, $2::text::jsonb) r
     cross join kotally.recorded_at($1, $3) n (at)
"""
_CHANGES: Final[LiteralString] = """
    update kotally.membership_changes c set status = 'applied', decided_at = $3
     where c.location_id = $1 and c.id = any ($2) and c.decided_at is null
"""
# Who pays for a period beyond the end of a cancelled membership keeps it for that period.
_CANCELLED_LATER: Final[LiteralString] = """
    update kotally.membership_changes c set effective_at = m.ends_at
      from kotally.memberships m
     where c.location_id = $1 and c.membership_id = any ($2) and c.kind = 'cancel'
       and c.decided_at is null and m.location_id = $1 and m.id = c.membership_id
       and m.ends_at > c.effective_at
"""
_UNBLOCK: Final[LiteralString] = """
    update kotally.blockers b set ends_at = greatest($3, b.starts_at)
     where b.location_id = $1 and b.source = any ($2) and b.kind = 'past_due'
       and (b.ends_at is null or b.ends_at > $3)
"""


async def write_turns(
    tx: Transaction,
    location_id: str,
    now: datetime,
    *,
    turns: Sequence[Turn],
    postings: list[Posting],
) -> None:
    """Write turns with the postings that were made of their movements."""
    lots = [lot for turn in turns for lot in turn.lots]
    if postings or lots:
        await tx.execute(_POST, location_id, now, encoded(postings), encoded(lots))
    await write_memberships(tx, location_id, [turn.membership for turn in turns])
    new = [_period(turn) for turn in turns if turn.is_new]
    parts = [_instalment(turn) for turn in turns if turn.instalment is not None]
    rolls = [record for turn in turns for record in turn.rolls]
    if new:
        await tx.execute(_PERIODS, location_id, _text(new), now)
    if parts:
        await tx.execute(_INSTALMENTS, location_id, _text(parts), now)
        await tx.execute(_INSTALMENTS_PAID, location_id, _text(parts))
    if rolls:
        await tx.execute(_ROLLS, location_id, _text(rolls), now)
    applied = [turn.change.id for turn in turns if turn.change is not None]
    if applied:
        await tx.execute(_CHANGES, location_id, applied, now)
    kept = [turn.before.id for turn in turns if turn.before.ends_at != turn.membership.ends_at]
    if kept:
        await tx.execute(_CANCELLED_LATER, location_id, kept)
    overdue = [turn.before.id for turn in turns if _is_recovered(turn)]
    if overdue:
        await unblock(tx, location_id, now, ids=overdue)


async def write_memberships(
    tx: Transaction, location_id: str, memberships: Sequence[Membership]
) -> None:
    """Write memberships as they stand now, and the plans they are pinned to."""
    rows = [_row(membership) for membership in memberships]
    # The plan first: a membership's product is that of its entitlement.
    entitlements = [
        {
            "id": membership.id,
            "product_config_id": membership.plan.product_config_id,
            "product_version": membership.plan.version,
        }
        for membership in memberships
    ]
    await tx.execute(_ENTITLEMENTS, location_id, _text(entitlements))
    await tx.execute(_MEMBERSHIPS, location_id, _text(rows))


async def write_happenings(
    tx: Transaction, location_id: str, now: datetime, *, happenings: Sequence[Happening]
) -> None:
    """Put facts that moved no credits on the timelines of their contacts."""
    if happenings:
        rows = [{"id": new_id(), **msgspec.structs.asdict(each)} for each in happenings]
        await tx.execute(_HAPPENINGS, location_id, _text(rows), now)


async def unblock(tx: Transaction, location_id: str, now: datetime, *, ids: Sequence[UUID]) -> None:
    """End what being past due has blocked; other blockers stay (S8, S11.3)."""
    await tx.execute(_UNBLOCK, location_id, [blocker_source(id_) for id_ in ids], now)


def blocker_source(membership_id: UUID) -> str:
    """Name the origin of a membership's blockers, by which they are found again."""
    return f"membership:{membership_id}"


def recovered(turn: Turn, *, source: str, actor: str, correlation_id: UUID) -> list[Happening]:
    """Return the one event of a membership whose overdue payment came (S11.3)."""
    if not _is_recovered(turn):
        return []
    since = turn.before.past_due_since
    return [
        Happening(
            contact_id=turn.before.contact_id,
            type="membership_recovered",
            entitlement_id=turn.before.id,
            details={"period_number": turn.period.number, "past_due_since": since},
            source=source,
            actor=actor,
            correlation_id=correlation_id,
        )
    ]


def _is_recovered(turn: Turn) -> bool:
    return turn.before.past_due_since is not None and turn.membership.past_due_since is None


def _row(membership: Membership) -> dict[str, Any]:
    row = msgspec.structs.asdict(membership)
    plan = row.pop("plan")
    return row | {"product_config_id": plan.product_config_id}


def _period(turn: Turn) -> dict[str, Any]:
    return {
        "membership_id": turn.before.id,
        "number": turn.period.number,
        "starts_at": turn.period.starts_at,
        "ends_at": turn.period.ends_at,
        "payment_id": turn.payment_id,
        "lot_id": None if turn.lot is None else turn.lot["id"],
    }


def _instalment(turn: Turn) -> dict[str, Any]:
    part = turn.instalment
    assert part is not None, "only turns of an instalment come here"
    return {
        "membership_id": turn.before.id,
        "period_number": turn.period.number,
        "number": part.number,
        "starts_at": part.starts_at,
        "ends_at": part.ends_at,
        "lot_id": None if turn.lot is None else turn.lot["id"],
    }


def _text(rows: Sequence[object]) -> str:
    return _encode(rows).decode()
