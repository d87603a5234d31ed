"""Record a past class against credits that were good at its time (S6.7)."""

from __future__ import annotations

from datetime import datetime
from typing import Final
from uuid import UUID

import msgspec
from msgspec import Struct

from kotally.core.calendar import iso
from kotally.core.ids import new_id
from kotally.db import Database
from kotally.ledger.acts import Act, Key, Outcome
from kotally.ledger.scenes import Declined, Done, Scene, play

_PARTS: Final = 2  # what comes back, and what is used


class Past(Struct, frozen=True, kw_only=True):
    """A class that has been: whose, when, what of, how many places, and why it is recorded now."""

    external_contact_id: str
    appointment_at: datetime
    reason: str
    units: int = 1
    product_config_id: str | None = None
    calendar_id: str | None = None
    external_ref: str | None = None


async def record(
    db: Database, location_id: str, *, past: Past, key: Key, preview: bool = False
) -> Outcome:
    """
    Use credits as of a past class; those that have expired since come back for that amount.

    Codes: `past_class_recorded`, CLASS_NOT_PAST, BILLING_SUSPENDED, DUPLICATE_EVENT, and the
    refusals of a deduction.
    """

    async def work(scene: Scene) -> Done:
        if past.appointment_at > scene.now:
            raise Declined("CLASS_NOT_PAST", allowed={"latest": iso(scene.now)})
        contact_id = await _locked(scene, past)
        row = await scene.tx.fetchrow(
            "select o.code, o.answer from kotally.use_past($1, $2::kotally.act, $3, $4, $5) o",
            scene.location_id,
            msgspec.structs.astuple(_act(scene, past)),
            contact_id,
            scene.parts(_PARTS),
            scene.now,
        )
        assert row is not None, "the kernel answers every act"
        answer = msgspec.json.decode(row["answer"])
        if row["code"] != "deducted":
            raise Declined(row["code"], **{k: v for k, v in answer.items() if v is not None})
        await scene.happened(
            contact_id,
            "past_class_recorded",
            hold_id=answer["hold_id"],
            appointment_at=past.appointment_at,
            reason=past.reason,
        )
        answer.pop("short_by")
        return Done("past_class_recorded", answer)

    return await play(db, location_id, "past class", key=key, work=work, preview=preview)


async def _locked(scene: Scene, past: Past) -> UUID:
    row = await scene.tx.fetchrow(
        """
        select c.id, o.is_suspended
          from kotally.location_of($1) o
          left join kotally.contacts c on c.location_id = $1 and c.external_id = $2
        """,
        scene.location_id,
        past.external_contact_id,
    )
    if row is None or row["id"] is None:
        raise Declined("NO_ENTITLEMENT")
    if row["is_suspended"]:
        raise Declined("BILLING_SUSPENDED")
    await scene.lock([row["id"]])
    await scene.expire([row["id"]])
    return row["id"]


def _act(scene: Scene, past: Past) -> Act:
    key = scene.key
    return Act(
        "deduct",
        new_id(),
        key.request_id or str(key.correlation_id),
        key.digest,
        key.body,
        key.correlation_id,
        key.source,
        key.actor,
        external_contact_id=past.external_contact_id,
        product_config_id=past.product_config_id,
        calendar_id=past.calendar_id,
        amount=past.units,
        appointment_at=past.appointment_at,
        external_ref=past.external_ref,
    )
