"""
`kotally demo`: a believable agency with two studios and six months behind them.

Everything is made by the product's own functions on sandbox clocks; the same seed makes the same
studios, and a second run finds what the first one made.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from tqdm import tqdm

from kotally.cli.running import accepted
from kotally.cli.said import Said
from kotally.core.clock import now
from kotally.core.dice import Dice
from kotally.core.ids import new_secret
from kotally.db import Database
from kotally.demo.cast import AGENCY, OWNER_EMAIL, STUDIOS, Studio, members
from kotally.demo.season import Season
from kotally.ledger.writer import Writer
from kotally.products import products
from kotally.workspaces import api_clients, locations, workspaces
from kotally.workspaces.refusals import Refused

DAYS: Final = 182
SCOPES: Final = ["grant", "check", "deduct", "restore", "summary", "hold"]


async def build(db: Database, *, seed: int, quiet: bool = False) -> Said:
    """Build the demo, unless it is there already, and say where to look."""
    first_look = await locations.find(db, STUDIOS[0].id)
    password = None
    if isinstance(first_look, Refused):
        password = await _build(db, seed=seed, quiet=quiet)
    return await _where_to_look(db, password)


async def _build(db: Database, *, seed: int, quiet: bool) -> str:
    password = new_secret()
    workspace = await workspaces.create(db, name=AGENCY, owner_email=OWNER_EMAIL, password=password)
    workspace_id = accepted(workspace).id
    first = now() - timedelta(days=DAYS)
    writer = Writer(db)
    await writer.start()
    try:
        seasons: list[Season] = []
        for studio in STUDIOS:
            await _open(db, workspace_id, studio, first_day=first)
            dice = Dice(seed, studio.id)
            cast = members(studio, dice, days=DAYS)
            seasons.append(Season(db, writer, studio, members=cast, dice=dice))
        for day in tqdm(range(DAYS + 1), desc="Six months", unit="day", disable=quiet):
            for season in seasons:
                await season.live(first, day)
    finally:
        await writer.stop()
    return password


async def _open(db: Database, workspace_id: UUID, studio: Studio, *, first_day: datetime) -> None:
    """Open a studio and put its offers on sale."""
    made = await locations.create(
        db,
        workspace_id,
        name=studio.name,
        timezone=studio.timezone,
        location_id=studio.id,
        sandbox=True,
        clock_at=first_day,
    )
    accepted(made)
    for offer in studio.offers:
        accepted(
            await products.create(
                db, studio.id, type=offer.type, terms=offer.terms, product_id=offer.id
            )
        )


async def _where_to_look(db: Database, password: str | None) -> Said:
    studio = STUDIOS[0]
    issued = await api_clients.create(db, studio.id, name="Demo", scopes=SCOPES)
    token = accepted(issued).token
    contact = f"{studio.id[-2:]}_001"
    api = "http://127.0.0.1:8000/api/v2"
    auth = f"-H 'Authorization: Bearer {token}'"
    json = "-H 'Content-Type: application/json'"
    body = (
        f'{{"location_id": "{studio.id}", "external_contact_id": "{contact}", '
        f'"calendar_id": "{studio.calendars[0]}", "explain": true}}'
    )
    curls = [
        f"curl -s {auth} '{api}/contacts/{contact}/summary?location_id={studio.id}'",
        f"curl -s {auth} '{api}/contacts/{contact}/timeline?location_id={studio.id}'",
        f"curl -s {auth} {json} {api}/entitlements/check-eligibility -d '{body}'",
    ]
    sign_in = f"{OWNER_EMAIL} / {password}" if password else f"{OWNER_EMAIL} (as printed before)"
    facts = {
        "location_ids": [studio.id for studio in STUDIOS],
        "token": token,
        "owner_email": OWNER_EMAIL,
        "password": password,
        "curl": curls,
    }
    lines = [
        f"{AGENCY} is ready: {', '.join(studio.name for studio in STUDIOS)}.",
        f"Sign-in: {sign_in}",
        f"Token for {studio.id}, shown once: {token}",
        "With `kotally serve` running:",
        *(f"  {line}" for line in curls),
    ]
    return Said(facts, lines)
