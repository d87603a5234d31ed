"""Fill a sandbox with what will be due: lots that expire and memberships that renew."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

from bench import fill
from kotally.db import Database
from kotally.ledger.writer import Writer
from kotally.payments import grants
from kotally.payments.grants import Purchase
from kotally.products import products
from kotally.products.policies import Rollover
from kotally.products.rules import Rules
from kotally.workspaces import clocks, locations

CONTACTS_AT_ONCE: Final = 20_000
GRANTS_AT_ONCE: Final = 200
PRODUCT: Final = "pc_eight"
MORNING: Final = datetime(2026, 1, 10, 9, tzinfo=UTC)
LATER: Final = MORNING + timedelta(days=35)


async def sandbox(db: Database, location_id: str, *, workspace_id: UUID) -> None:
    """Make a location whose clock stands still in the morning."""
    made = await locations.create(
        db,
        workspace_id,
        name=location_id,
        timezone="UTC",
        location_id=location_id,
        sandbox=True,
        clock_at=MORNING,
    )
    assert isinstance(made, locations.Location), made


async def lots(owner: Database, location_id: str, count: int) -> None:
    """Give as many contacts a lot each, which expires the next morning."""
    for start in range(0, count, CONTACTS_AT_ONCE):
        size = min(CONTACTS_AT_ONCE, count - start)
        await fill.members(owner, location_id, size, name=f"e{start}_")
        await owner.execute(
            """
            update kotally.lots l set expires_at = $2
             where l.location_id = $1 and l.expires_at is null
            """,
            location_id,
            MORNING + timedelta(days=1),
        )
    await fill.settle(owner)


async def memberships(db: Database, owner: Database, location_id: str, *, count: int) -> None:
    """Let as many contacts buy a membership that renews and rolls over, as payments report it."""
    rules = Rules(renews="itself", rollover=Rollover(max_per_roll=4, max_bank=6, lives_months=2))
    terms = products.Terms(name="Eight", credits=8, rules=rules)
    await products.create(db, location_id, type="membership", terms=terms, product_id=PRODUCT)
    writer = Writer(db)
    await writer.start()
    try:
        for start in range(0, count, GRANTS_AT_ONCE):
            acts = [
                await grants.plan(db, purchase, key=fill.key(purchase.external_payment_id))
                for purchase in _purchases(location_id, range(start, start + GRANTS_AT_ONCE))
            ]
            outcomes = await writer.submit_all(location_id, acts)
            assert {outcome.code for outcome in outcomes} == {"grant_applied"}, outcomes[0]
    finally:
        await writer.stop()
    await fill.settle(owner)


async def make_due(db: Database, location_id: str) -> None:
    """Set the clock on, so that all lots have expired and each membership has one period due."""
    await clocks.set_to(db, location_id, LATER)


def _purchases(location_id: str, numbers: range) -> list[Purchase]:
    return [
        Purchase(
            location_id=location_id,
            external_contact_id=f"r{number}",
            product_config_id=PRODUCT,
            external_payment_id=f"pay_{number}",
            provider="bench",
            event_type="payment_confirmed",
        )
        for number in numbers
    ]
