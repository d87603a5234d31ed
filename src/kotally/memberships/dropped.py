"""The change that a cancellation drops, and what becomes of it when that is taken back (S9.7)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, LiteralString
from uuid import UUID

from msgspec import Struct

from kotally.core.calendar import iso
from kotally.ledger.scenes import Scene
from kotally.memberships.bounds import State
from kotally.memberships.memberships import ChangeKind
from kotally.memberships.periods import Period

KEPT_AS: Final = "dropped_change_id"  # in the details of the cancellation

_DROPPED: Final[LiteralString] = """
    select c.id, c.kind, c.to_product_config_id as product_config_id, c.to_version as version,
           c.effective_at, c.strategy,
           exists (
             select from kotally.memberships m
              where m.location_id = $1 and m.contact_id = c.contact_id and m.id <> c.membership_id
                and m.product_config_id = c.to_product_config_id and m.status <> 'ended')
             as is_taken
      from kotally.membership_changes c
     where c.location_id = $1 and c.id = $2
"""
_BRING_BACK: Final[LiteralString] = """
    update kotally.membership_changes c
       set status = $3, effective_at = $4, decided_at = null
     where c.location_id = $1 and c.id = $2
"""


class Dropped(Struct, frozen=True, kw_only=True):
    """A change that waited when its membership was cancelled."""

    id: UUID
    kind: ChangeKind
    product_config_id: str
    version: int
    effective_at: datetime
    strategy: str | None
    is_taken: bool  # the member has another membership of that product by now

    def answer(self) -> dict[str, Any]:
        """Say which change it is."""
        return {
            "change_id": self.id,
            "kind": self.kind,
            "product_config_id": self.product_config_id,
            "version": self.version,
            "effective_at": iso(self.effective_at),
        }


async def dropped(scene: Scene, state: State) -> Dropped | None:
    """Return the change that a cancellation drops, or that the one before it has dropped."""
    change = state.change
    if change is None:
        return None
    change_id = change.details.get(KEPT_AS) if change.kind == "cancel" else change.id
    if change_id is None:
        return None
    found = await scene.tx.rows(Dropped, _DROPPED, scene.location_id, UUID(str(change_id)))
    return found[0]


async def brought_back(scene: Scene, state: State, ahead: Sequence[Period]) -> dict[str, Any]:
    """
    Let the change that a cancellation dropped wait again, and say so; or say that it is gone.

    It is gone when its time has come meanwhile: the next period was confirmed without it. The
    cancellation itself must be closed before, for only one change waits.
    """
    change = await dropped(scene, state)
    if change is None:
        return {}
    # One with a strategy waits for its payment, and not for a time.
    waits_for_payment = change.strategy is not None
    is_past = not waits_for_payment and change.effective_at <= state.membership.period_starts_at
    if change.is_taken or is_past:
        return {"change_dropped": change.answer()}
    bound = ahead[-1].ends_at if ahead else state.membership.period_ends_at
    effective_at = change.effective_at if waits_for_payment else bound
    await scene.tx.execute(
        _BRING_BACK,
        scene.location_id,
        change.id,
        "pending_payment" if waits_for_payment else "pending",
        effective_at,
    )
    return {"change_restored": change.answer() | {"effective_at": iso(effective_at)}}
