"""Every sweep, in the order in which they run when several are due at the same instant."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Final, Protocol

from msgspec import Struct

from kotally.bookings import sweeps as bookings
from kotally.db import Database
from kotally.ledger import expiry, holds
from kotally.ledger.swept import Swept
from kotally.memberships import arrears, cancellations, freezes_turning, renewals
from kotally.payments import dispute_grace
from kotally.workspaces import approvals


class Pass(Protocol):
    """One pass over the due rows of a location; correct if late, twice, or beside another."""

    def __call__(self, db: Database, location_id: str, *, limit: int) -> Awaitable[Swept]:
        """Do at most `limit` rows."""
        ...


class Sweep(Struct, frozen=True):
    """
    A named pass; `due` is the name in `kotally.due_after` that calls for it.

    What a sweep does that is not `timed` is counted by every read without it, so it comes last.
    """

    name: str
    due: str
    run: Pass
    timed: bool = True


# Freezes first, for what they move; what ends before what renews; expiry last, because credits
# that roll over or are renewed at an instant must not have expired at it.
SWEEPS: Final = (
    Sweep("turn_freezes", "turn_freezes", freezes_turning.turn_due),
    Sweep("apply_changes", "apply_changes", cancellations.apply_due),
    Sweep("renew_memberships", "renew_memberships", renewals.renew_due),
    Sweep("advance_arrears", "renew_memberships", arrears.advance_due),
    Sweep("release_disputed", "release_disputed", dispute_grace.release_due),
    Sweep("post_no_shows", "close_bookings", bookings.post_no_shows_due),
    Sweep("close_bookings", "close_bookings", bookings.close_due),
    Sweep("lapse_holds", "lapse_holds", holds.lapse_due, timed=False),
    Sweep("expire_lots", "expire_lots", expiry.expire_due, timed=False),
    Sweep("lapse_approvals", "lapse_approvals", approvals.lapse_due, timed=False),
)
