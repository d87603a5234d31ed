"""How fast the sweeps write down what is due: expiries and renewals with roll-over."""

from __future__ import annotations

import resource
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from bench import fill
from bench.rows import MIB, Row
from kotally.config import Settings
from kotally.db import Database, opened
from kotally.ledger.expiry import expire_due
from kotally.ledger.writer import Writer
from kotally.memberships.renewals import renew_due
from kotally.payments import grants
from kotally.payments.grants import Purchase
from kotally.products import products
from kotally.products.policies import Rollover
from kotally.products.rules import Rules
from kotally.workspaces import clocks, locations

LOTS: Final = 200_000
LOTS_EACH: Final = 10
MEMBERSHIPS: Final = 20_000
GRANTS_AT_ONCE: Final = 200
LIMIT: Final = 10_000_000
MORNING: Final = datetime(2026, 1, 10, 9, tzinfo=UTC)


async def measure(data: Path) -> list[Row]:
    """Expire lots and renew memberships of a sandbox, without and with nothing else running."""
    settings = Settings(data=data)
    async with opened(settings) as db, opened(settings, role=None) as owner:
        return [await _expire(db, owner), await _renew(db, owner)]


async def _expire(db: Database, owner: Database) -> Row:
    location_id = await _sandbox(db, "loc_expire")
    for _ in range(LOTS_EACH):
        ids = await fill.members(
            owner, location_id, LOTS // LOTS_EACH, name=f"e{time.monotonic_ns()}_"
        )
        del ids
    await owner.execute(
        "update kotally.lots set expires_at = $2 where location_id = $1",
        location_id,
        MORNING + timedelta(days=1),
    )
    await fill.settle(owner)
    await clocks.set_to(db, location_id, MORNING + timedelta(days=4))
    before, started = _resident(), time.monotonic_ns()
    done = await expire_due(db, location_id, limit=LIMIT)
    rate = done.count * 1_000_000_000 / (time.monotonic_ns() - started)
    return Row(
        what=f"expire {done.count} due lots, a second",
        figure=f"{rate:.0f}",
        base=f"memory {before} → {_resident()} MiB",
        ratio="",
        limit="≥ 8 000",
        met=rate >= 8_000 and done.count == LOTS,
    )


async def _renew(db: Database, owner: Database) -> Row:
    location_id = await _sandbox(db, "loc_renew")
    rules = Rules(renews="itself", rollover=Rollover(max_per_roll=4, max_bank=6, lives_months=2))
    await products.create(
        db,
        location_id,
        type="membership",
        terms=products.Terms(name="Eight", credits=8, rules=rules),
        product_id="pc_eight",
    )
    await _subscribe(db, location_id)
    await fill.settle(owner)
    await clocks.set_to(db, location_id, MORNING + timedelta(days=35))
    before, started = _resident(), time.monotonic_ns()
    done = await renew_due(db, location_id, limit=LIMIT)
    rate = done.count * 1_000_000_000 / (time.monotonic_ns() - started)
    return Row(
        what=f"renew {done.count} due memberships with roll-over, a second",
        figure=f"{rate:.0f}",
        base=f"memory {before} → {_resident()} MiB",
        ratio="",
        limit="≥ 2 000",
        met=rate >= 2_000 and done.count == MEMBERSHIPS,
    )


async def _subscribe(db: Database, location_id: str) -> None:
    """Let members buy the membership, as payments report it."""
    writer = Writer(db)
    await writer.start()
    try:
        for start in range(0, MEMBERSHIPS, GRANTS_AT_ONCE):
            acts = [
                await grants.plan(db, purchase, key=fill.key(purchase.external_payment_id))
                for purchase in _purchases(location_id, start)
            ]
            outcomes = await writer.submit_all(location_id, acts)
            assert {outcome.code for outcome in outcomes} == {"grant_applied"}, outcomes[0]
    finally:
        await writer.stop()


def _purchases(location_id: str, start: int) -> list[Purchase]:
    return [
        Purchase(
            location_id=location_id,
            external_contact_id=f"r{number}",
            product_config_id="pc_eight",
            external_payment_id=f"pay_{number}",
            provider="bench",
            event_type="payment_confirmed",
        )
        for number in range(start, start + GRANTS_AT_ONCE)
    ]


async def _sandbox(db: Database, location_id: str) -> str:
    workspace_id = await db.fetchval("select id from kotally.workspaces limit 1")
    made = await locations.create(
        db,
        workspace_id or await fill.workspace(db),
        name=location_id,
        timezone="UTC",
        location_id=location_id,
        sandbox=True,
        clock_at=MORNING,
    )
    assert isinstance(made, locations.Location), made
    return location_id


def _resident() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1_024 // MIB
