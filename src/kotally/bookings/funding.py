"""The kernel's part in bookings: what would pay, the hold, and how it ends."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final, Literal
from uuid import UUID

import msgspec
from msgspec import Struct

from kotally.bookings import lending
from kotally.bookings.records import Booking
from kotally.core.ids import new_id
from kotally.ledger.acts import Act, Operation
from kotally.ledger.plans import Bucket, Kind
from kotally.ledger.scenes import Scene
from kotally.products.policies import Attendance

HoldStatus = Literal["captured", "penalised", "released", "replaced"]
_encode = msgspec.json.Encoder().encode

_KINDS: Final[dict[str, Kind]] = {
    "captured": "capture",
    "penalised": "penalty",
    "released": "release",
    "replaced": "release",
}


class Funding(Struct, frozen=True):
    """How a booking would be, or was, paid for: the kernel's code and answer."""

    code: str
    answer: dict[str, Any]

    @property
    def entitlement_id(self) -> UUID | None:
        """Be the plan that pays first."""
        slices = self.answer.get("funding") or self.answer.get("slices")
        found = slices[0]["entitlement_id"] if slices else self.answer.get("entitlement_id")
        return UUID(found) if found else None


class Slice(Struct, frozen=True):
    """Credits of one lot that went back, and what they had been."""

    lot_id: UUID
    bucket: Bucket
    amount: int


class Settled(Struct, frozen=True, kw_only=True):
    """
    What settling a hold came to.

    Those expired went back and are lost (S4.4); those taken were taken anew, those short were not
    to be found. `was_live`: some of it had not been given back; `slices` is what goes back now.
    """

    credits_captured: int = 0
    credits_penalised: int = 0
    credits_returned: int = 0
    credits_expired: int = 0
    credits_taken: int = 0
    credits_short: int = 0
    balance_after: int = 0
    was_live: bool = False
    slices: list[Slice] = []


class Terms(Struct, frozen=True):
    """The rules of the plan that pays: attendance, and its own cancellation window."""

    attendance: dict[str, Any]
    cancel_window_minutes: int | None

    @property
    def rules(self) -> Attendance:
        """Be the attendance rules."""
        return msgspec.convert(self.attendance, Attendance)


async def would_fund(scene: Scene, booking: Booking, *, at: datetime | None = None) -> Funding:
    """Ask how a booking would be paid for now, or then; the same decision as the hold's (S1.7)."""
    row = await scene.tx.fetchrow(
        """
        select o.code, o.answer
          from kotally.check_eligibility(
            $1, $2::kotally.act, $3, kotally.spending_of($1, $3, $4), $4) o
        """,
        scene.location_id,
        _act(scene, booking, "check"),
        booking.contact_id,
        at or scene.now,
    )
    assert row is not None, "the kernel answers every check"
    return Funding(row["code"], msgspec.json.decode(row["answer"]))


async def place_hold(
    scene: Scene, booking: Booking, operation: Literal["hold", "deduct"]
) -> Funding:
    """Take the credits of a booking: set aside, or used up at once (S2.6)."""
    row = await scene.tx.fetchrow(
        "select o.code, o.answer from kotally.place_hold($1, $2::kotally.act, $3, $4, $5) o",
        scene.location_id,
        _act(scene, booking, operation),
        booking.contact_id,
        scene.parts(),
        scene.now,
    )
    assert row is not None, "the kernel answers every act"
    taken = Funding(row["code"], msgspec.json.decode(row["answer"]))
    if taken.code in {"held", "deducted"}:
        await lending.record(
            scene,
            booking.made_for,
            hold_id=UUID(taken.answer["hold_id"]),
            owner_id=booking.contact_id,
            entitlement_id=UUID(taken.answer["entitlement_id"]),
        )
    return taken


async def conclude(
    scene: Scene,
    booking: Booking,
    *,
    status: HoldStatus,
    reason: str,
    captured: int = 0,
    penalised: int = 0,
    by_studio: bool = False,
    effective_at: datetime | None = None,
) -> Settled:
    """
    Settle a booking's hold, or settle it anew: so much used up, so much forfeited, the rest back.

    What had gone back and is wanted again is taken as far as there is (S5.7). Without a hold
    nothing moves.
    """
    if booking.hold_id is None:
        return Settled(balance_after=await scene.balance(booking.contact_id))
    posting = scene.posting(
        booking.contact_id,
        _KINDS[status],
        reason,
        entries=[],
        effective_at=effective_at or scene.now,
    )
    found = await scene.tx.fetchval(
        "select kotally.conclude_hold($1, $2, $3, $4, $5, $6, $7, $8)",
        scene.location_id,
        booking.hold_id,
        _encode(posting).decode(),
        captured,
        penalised,
        status,
        by_studio,
        scene.now,
    )
    return msgspec.convert(found, Settled)


async def take_back(scene: Scene, booking: Booking, slices: list[Slice]) -> bool:
    """
    Give a booking's hold the very credits again that went back; tell whether they are still there.

    It had its place before, so nothing is asked but that nothing else has taken it, and that what
    they belong to is not paused then.
    """
    if not await scene.tx.fetchval(
        _STILL_THERE,
        scene.location_id,
        booking.contact_id,
        booking.hold_id,
        [each.lot_id for each in slices],
        [each.amount for each in slices],
        scene.now,
    ):
        return False
    buckets = {each.bucket for each in slices}
    kind: Kind = (
        "capture" if "consumed" in buckets else "penalty" if "penalty" in buckets else "hold"
    )
    posting = scene.posting(booking.contact_id, kind, "reversal", entries=[])
    await scene.tx.execute(
        "select kotally.hold_again($1, $2, $3, $4, $5)",
        scene.location_id,
        booking.hold_id,
        _encode(posting).decode(),
        _encode(slices).decode(),
        scene.now,
    )
    return True


_STILL_THERE: Final = """
    select (
      select coalesce(bool_and(
               coalesce(l.available, 0) >= s.amount
               and (not kotally.is_expired(l, $6) or kotally.awaits_roll(l))
               and not exists (
                 select from kotally.blockers b
                  where b.location_id = $1 and b.contact_id = $2
                    and (b.lot_id = l.id
                         or b.lot_id is null and b.entitlement_id = l.entitlement_id)
                    and b.starts_at <= h.appointment_at
                    and coalesce(b.ends_at > h.appointment_at, true))), true)
        from (
          select u.lot_id, sum(u.amount) as amount
            from unnest($4::uuid[], $5::bigint[]) u (lot_id, amount) group by u.lot_id) s
        left join kotally.lots l on l.location_id = $1 and l.id = s.lot_id)
       and not exists (
         select from kotally.holds o
          where o.location_id = $1 and o.contact_id = $2 and o.external_ref = h.external_ref
            and o.is_live)
      from kotally.holds h
     where h.location_id = $1 and h.contact_id = $2 and h.id = $3
"""


async def terms_of(scene: Scene, entitlement_id: UUID | None) -> Terms:
    """Read the rules of a plan's version; those of the house without one."""
    row = await scene.tx.fetchrow(
        """
        select v.rules
          from kotally.entitlements e
          join kotally.product_versions v
            on v.location_id = e.location_id and v.product_id = e.product_config_id
           and v.version = e.product_version
         where e.location_id = $1 and e.id = $2
        """,
        scene.location_id,
        entitlement_id,
    )
    return terms_in(row["rules"] if row else {})


def terms_in(rules: dict[str, Any]) -> Terms:
    """Read the rules of a version."""
    return Terms(rules.get("attendance", {}), rules.get("cancel_window_minutes"))


def _act(scene: Scene, booking: Booking, operation: Operation) -> tuple[Any, ...]:
    key = scene.key
    return msgspec.structs.astuple(
        Act(
            operation,
            new_id(),
            key.request_id or str(key.correlation_id),
            key.digest,
            key.body,
            key.correlation_id,
            key.source,
            key.actor,
            external_contact_id=booking.external_contact_id,
            product_config_id=booking.product_config_id,
            calendar_id=booking.calendar_id,
            amount=booking.units,
            appointment_at=booking.starts_at,
            external_ref=booking.external_ref,
            args=booking.made_for.args(),
        )
    )
