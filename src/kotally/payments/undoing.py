"""Taking a transfer back within a day, while nothing of it was touched (S12.3)."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from msgspec import Struct

from kotally.core.calendar import iso
from kotally.db import Database
from kotally.ledger.acts import Key, Outcome
from kotally.ledger.plans import Entry
from kotally.ledger.scenes import Declined, Done, Scene, play
from kotally.payments.transfers import UNDO_HOURS


class _Transfer(Struct, frozen=True, kw_only=True):
    from_contact_id: UUID
    to_contact_id: UUID
    amount: int
    made_at: datetime
    undone_at: datetime | None


class _Moved(Struct, frozen=True, kw_only=True):
    lot_id: UUID
    child_id: UUID
    amount: int
    available: int
    expired: int

    @property
    def is_untouched(self) -> bool:
        """Be true while all of it is there; that time has run out for some is nobody's doing."""
        return self.available + self.expired >= self.amount


async def undo(
    db: Database, location_id: str, transfer_id: UUID, *, key: Key, preview: bool = False
) -> Outcome:
    """
    Give the credits of a transfer back to whoever gave them; what has expired comes back so.

    Codes: `transfer_undone`, TRANSFER_NOT_FOUND, TRANSFER_ALREADY_UNDONE, TRANSFER_TOO_OLD,
    TRANSFER_TOUCHED.
    """

    async def work(scene: Scene) -> Done:
        done = await _locked(scene, transfer_id)
        await _demand_young(scene, done)
        moved = await _moved(scene, transfer_id)
        if not all(each.is_untouched for each in moved):
            raise Declined(
                "TRANSFER_TOUCHED",
                transfer_id=transfer_id,
                available=sum(each.available for each in moved),
            )
        await _move_back(scene, transfer_id, done, moved=moved)
        return Done(
            "transfer_undone",
            {
                "transfer_id": transfer_id,
                "from_contact_id": done.from_contact_id,
                "to_contact_id": done.to_contact_id,
                "amount": done.amount,
                "from_balance_after": await scene.balance(done.from_contact_id),
                "to_balance_after": await scene.balance(done.to_contact_id),
            },
        )

    operation = f"undo transfer {transfer_id}"
    return await play(db, location_id, operation, key=key, work=work, preview=preview)


async def _locked(scene: Scene, transfer_id: UUID) -> _Transfer:
    seen = await _find(scene, transfer_id)
    if seen is None:
        raise Declined("TRANSFER_NOT_FOUND")
    await scene.lock([seen.from_contact_id, seen.to_contact_id])
    await scene.expire([seen.from_contact_id, seen.to_contact_id])
    found = await _find(scene, transfer_id)
    assert found is not None, "transfers are never removed"
    return found


async def _demand_young(scene: Scene, done: _Transfer) -> None:
    if done.undone_at is not None:
        raise Declined("TRANSFER_ALREADY_UNDONE", undone_at=iso(done.undone_at))
    until = done.made_at + timedelta(hours=UNDO_HOURS)
    if scene.now > until:
        raise Declined("TRANSFER_TOO_OLD", undo_until=iso(until))


async def _move_back(
    scene: Scene, transfer_id: UUID, done: _Transfer, *, moved: list[_Moved]
) -> None:
    facts = {"transfer_id": transfer_id}
    revived = [
        Entry(each.child_id, "expired", "available", each.expired) for each in moved if each.expired
    ]
    gone = [Entry(each.child_id, "available", "issued", each.amount) for each in moved]
    back = [Entry(each.lot_id, "transferred", "available", each.amount) for each in moved]
    await scene.post(
        [
            scene.posting(
                done.to_contact_id,
                "transfer",
                "transfer_undone",
                entries=[*revived, *gone],
                metadata=facts,
            ),
            scene.posting(
                done.from_contact_id, "transfer", "transfer_undone", entries=back, metadata=facts
            ),
        ]
    )
    await scene.expire([done.from_contact_id])
    await scene.tx.execute(
        "update kotally.transfers t set undone_at = $3 where t.location_id = $1 and t.id = $2",
        scene.location_id,
        transfer_id,
        scene.now,
    )
    await scene.tx.execute(
        """
        update kotally.entitlements e set ends_at = $3, end_reason = 'transfer_undone'
         where e.location_id = $1 and e.id in (
           select t.entitlement_id from kotally.transferred_lots t
            where t.location_id = $1 and t.transfer_id = $2)
        """,
        scene.location_id,
        transfer_id,
        scene.now,
    )


async def _find(scene: Scene, transfer_id: UUID) -> _Transfer | None:
    return await scene.tx.one(
        _Transfer,
        """
        select t.from_contact_id, t.to_contact_id, t.amount, t.made_at, t.undone_at
          from kotally.transfers t
         where t.location_id = $1 and t.id = $2
        """,
        scene.location_id,
        transfer_id,
    )


async def _moved(scene: Scene, transfer_id: UUID) -> list[_Moved]:
    return await scene.tx.rows(
        _Moved,
        """
        select t.lot_id, t.child_id, t.amount, l.available, l.expired
          from kotally.transferred_lots t
          join kotally.lots l on l.location_id = $1 and l.id = t.child_id
         where t.location_id = $1 and t.transfer_id = $2
         order by t.lot_id
        """,
        scene.location_id,
        transfer_id,
    )
