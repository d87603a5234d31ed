"""Who shares, uses, brings and books at the till, in short words."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from kotally.bookings import (
    placing,
    wishes,
)
from kotally.bookings.company import Company
from kotally.bookings.meeting import Somebody
from kotally.payments import sharing, using
from kotally.payments.using import Use
from tests import make
from tests.payments.till import NOON, Said, Till


async def shares(till: Till, user: str, **fields: Any) -> Said:
    who = Somebody(reference=user, name=fields.pop("name", None))
    return Said.of(
        await sharing.share(
            till.db, till.location, till.contact, user=who, key=till.key(), **fields
        )
    )


async def unshares(till: Till, user: str, **fields: Any) -> Said:
    return Said.of(
        await sharing.unshare(
            till.db, till.location, till.contact, user=user, key=till.key(), **fields
        )
    )


async def uses(till: Till, contact: str, *, preview: bool = False, **fields: Any) -> Said:
    names = ("beneficiary", "guest", "booked_by", "lots", "lots_reason")
    company = Company(**{name: fields.pop(name) for name in names if name in fields})
    wanted = Use(contact=contact, company=company, **fields)
    return Said.of(await using.use(till.db, till.location, wanted, key=till.key(), preview=preview))


async def brings(till: Till, **guest: Any) -> Said:
    return await uses(till, till.contact, guest=Somebody(**guest))


async def books(
    till: Till, contact: str, *, days: int = 1, ref: str | None = None, **company: Any
) -> Said:
    start = NOON + timedelta(days=days)
    wish = wishes.Wish(
        external_contact_id=contact,
        external_ref=ref or make.name("booking"),
        starts_at=start,
        ends_at=start + timedelta(hours=1),
        company=Company(**company),
    )
    return Said.of(await placing.place(till.db, till.location, wish, key=till.key()))


async def ends(till: Till, booking: Said, act: Any, **how: Any) -> Said:
    id_ = UUID(booking["booking_id"])
    return Said.of(await act(till.db, till.location, id_, key=till.key(), **how))


async def lots_of(till: Till) -> list[UUID]:
    rows = await till.db.fetch(
        "select l.id from kotally.lots l where l.location_id = $1 and l.contact_id = $2"
        " order by l.issued_at, l.id",
        till.location,
        await till.contact_id(),
    )
    return [row["id"] for row in rows]


async def family(till: Till, *users: str, **rules: Any) -> Said:
    """Let Ana buy what can be shared, and share all of it."""
    shared = {"shareable": True} | rules.pop("sharing", {})
    await till.sells(credits_=rules.pop("credits_", 10), sharing=shared, **rules)
    bought = await till.buys()
    for user in users:
        assert (await shares(till, user, name=user.title())).code == "shared"
    return bought
