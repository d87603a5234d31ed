"""Short words for freezes of a club's memberships."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from kotally.memberships import freezes, freezes_turning
from kotally.memberships.freezes import Wish
from tests import make
from tests.memberships.club import Club, Said, on, said


class Pausing:
    """Freezes in a club."""

    def __init__(self, club: Club) -> None:
        self.club = club

    async def freeze(
        self, membership: Any, starts: str | None, resumes: str, *, preview: bool = False, **w: Any
    ) -> Said:
        wish = Wish(starts_on=on(starts) if starts else None, resumes_on=on(resumes), **w)
        return said(
            await freezes.freeze(
                self.club.db,
                self.club.location,
                UUID(str(membership)),
                wish=wish,
                key=self.club.key("freeze", {}, w.pop("request_id", None)),
                preview=preview,
            )
        )

    async def resume(self, membership: Any, day: str | None = None, **fields: Any) -> Said:
        done = await freezes.resume(
            self.club.db,
            self.club.location,
            UUID(str(membership)),
            on=on(day) if day else None,
            key=self.club.key("resume", {}),
            **fields,
        )
        return said(done)

    async def extend(self, membership: Any, resumes: str, **fields: Any) -> Said:
        done = await freezes.extend(
            self.club.db,
            self.club.location,
            UUID(str(membership)),
            resumes_on=on(resumes),
            key=self.club.key("freeze-extend", {}),
            **fields,
        )
        return said(done)

    async def cancel(self, membership: Any, **fields: Any) -> Said:
        done = await freezes.cancel(
            self.club.db,
            self.club.location,
            UUID(str(membership)),
            key=self.club.key("freeze-cancel", {}),
            **fields,
        )
        return said(done)

    async def moves_to(self, to: str) -> list[str]:
        """Set the clock, and let the sweeps pass; that of the freezes first."""
        await self.club.moves_to(to, sweep=False)
        return await self.sweep() + await self.club.sweeps()

    async def sweep(self) -> list[str]:
        done = await freezes_turning.turn_due(self.club.db, self.club.location, limit=100)
        return done.events

    async def pack(
        self, expires_at: datetime | None = None, contact: str = "ana", credits_: int = 5
    ) -> UUID:
        """Give the contact a pack."""
        contact_id = await make.contact(self.club.owner, self.club.location, contact)
        columns = {} if expires_at is None else {"expires_at": expires_at}
        return await make.lot(
            self.club.owner, self.club.location, credits_, contact=contact_id, **columns
        )

    async def expiry(self, lot_id: Any) -> tuple[datetime | None, datetime | None]:
        """Return when a lot expires, and when it will after the freezes."""
        row = await self.club.db.fetchrow(
            "select expires_at, projected_expires_at from kotally.lots"
            " where location_id = $1 and id = $2",
            self.club.location,
            UUID(str(lot_id)),
        )
        assert row is not None
        return row["expires_at"], row["projected_expires_at"]

    async def freezes(self) -> list[dict[str, Any]]:
        rows = await self.club.db.fetch(
            "select * from kotally.freezes where location_id = $1 order by starts_on",
            self.club.location,
        )
        return [dict(row) for row in rows]
