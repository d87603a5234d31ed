"""A use of one contact's credits by another: who pays, for whom, and who booked (S12.4, S12.5)."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from msgspec import Struct

from kotally.core.ids import new_id
from kotally.ledger.acts import Act, Operation
from kotally.ledger.scenes import Scene


class Use(Struct, frozen=True, kw_only=True):
    """What is booked, for whom: `beneficiary` comes to the class, `booked_by` asked for it."""

    beneficiary: str
    booked_by: str
    amount: int = 1
    calendar_id: str | None = None
    external_ref: str | None = None
    appointment_at: datetime | None = None
    is_hold: bool = False


class Taken(Struct, frozen=True):
    """What the kernel said of it."""

    code: str
    answer: dict[str, Any]

    @property
    def done(self) -> bool:
        """Be true when the credits were taken."""
        return self.code in ("held", "deducted")


async def take(scene: Scene, owner_id: UUID, use: Use, *, product_config_id: str | None) -> Taken:
    """Take the credits of a use from their owner, of one product or of any; the owner is locked."""
    external_id: str = await scene.tx.fetchval(
        "select c.external_id from kotally.contacts c where c.location_id = $1 and c.id = $2",
        scene.location_id,
        owner_id,
    )
    operation: Operation = "hold" if use.is_hold else "deduct"
    key = scene.key
    act = Act(
        operation,
        new_id(),
        key.request_id or str(key.correlation_id),
        key.digest,
        key.body,
        key.correlation_id,
        key.source,
        key.actor,
        external_contact_id=external_id,
        product_config_id=product_config_id,
        calendar_id=use.calendar_id,
        amount=use.amount,
        appointment_at=use.appointment_at,
        external_ref=use.external_ref,
        args=msgspec.json.encode(
            {"metadata": {"beneficiary": use.beneficiary, "booked_by": use.booked_by}}
        ).decode(),
    )
    row = await scene.tx.fetchrow(
        "select o.code, o.answer from kotally.place_hold($1, $2::kotally.act, $3, $4, $5) o",
        scene.location_id,
        msgspec.structs.astuple(act),
        owner_id,
        scene.parts(),
        scene.now,
    )
    assert row is not None, "the kernel answers every act"
    return Taken(row["code"], msgspec.json.decode(row["answer"]))


async def record(
    scene: Scene,
    taken: Taken,
    use: Use,
    *,
    whose: tuple[UUID, UUID],
    is_guest: bool,
) -> None:
    """Note the owner and the beneficiary of a use."""
    await scene.tx.execute(
        """
        insert into kotally.shared_uses (
          location_id, hold_id, owner_id, beneficiary_id, booked_by, entitlement_id, is_guest,
          used_at)
        values ($1, $2, $3, $4, $5, $6, $7, $8)
        """,
        scene.location_id,
        UUID(taken.answer["hold_id"]),
        *whose,
        use.booked_by,
        UUID(taken.answer["entitlement_id"]),
        is_guest,
        scene.now,
    )
