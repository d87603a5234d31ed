"""Products: versions that never change, archived ones that strand nobody."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from kotally.db import Database
from kotally.products import products
from kotally.products.products import Changes, Product, Terms
from kotally.products.rules import Rules
from kotally.workspaces.locations import Location
from kotally.workspaces.refusals import Refused

PACK = Terms(name="10 Pack", credits=10, expiry_days=90, coverage={"cal_1": 1, "cal_2": 2})


async def made(db: Database, **changes: Any) -> Product:
    fields: dict[str, Any] = {"type": "package", "terms": PACK, "product_id": "pc_1"}
    product = await products.create(db, "loc_1", **(fields | changes))
    assert isinstance(product, Product)
    return product


async def test_a_product_is_what_it_was_made(db: Database, location: Location) -> None:
    product = await made(db)

    assert (product.id, product.type, product.status, product.version) == (
        "pc_1",
        "package",
        "active",
        1,
    )
    assert product.terms == PACK
    assert await products.find(db, "loc_1", "pc_1") == product


async def test_a_product_without_an_id_gets_one(db: Database, location: Location) -> None:
    product = await made(db, product_id=None)

    assert product.id.startswith("pc_")


async def test_rules_are_stored_without_their_defaults(db: Database, location: Location) -> None:
    rules = Rules(period_months=3, cancel_window_minutes=0)
    terms = Terms(name="Gold", credits=0, rules=rules)

    product = await made(db, type="membership", terms=terms)

    assert product.terms.rules == rules
    assert await db.fetchval(
        "select rules from kotally.product_versions where location_id = 'loc_1'"
    ) == {"period_months": 3, "cancel_window_minutes": 0}


async def test_an_id_is_unique_in_its_location_only(db: Database, location: Location) -> None:
    await made(db)

    again = await products.create(db, "loc_1", type="package", terms=PACK, product_id="pc_1")
    other = await products.create(db, "loc_2", type="package", terms=PACK, product_id="pc_1")

    assert isinstance(again, Refused)
    assert again.code == "TAKEN"
    assert isinstance(other, Product)
    assert len(await products.listed(db, "loc_2")) == 1


@pytest.mark.parametrize(
    ("type_", "changes", "says"),
    [
        ("package", {"name": ""}, "name"),
        ("package", {"credits": 0}, "1 to 1000000"),
        ("package", {"credits": -1}, "-1"),
        ("package", {"credits": 1_000_001}, "1000001"),
        ("membership", {"credits": -1}, "0 to 1000000"),
        ("membership", {"expiry_days": 1}, "period"),
        ("package", {"expiry_days": -1}, "-1"),
        ("package", {"expiry_days": 36_501}, "36501"),
        ("package", {"coverage": {}}, "calendars"),
        ("package", {"rules": Rules(period_months=0)}, "period_months"),
        ("package", {"rules": Rules(restore_grace_days=-1)}, "restore_grace_days"),
    ],
)
async def test_impossible_terms_are_refused(
    db: Database, location: Location, type_: Any, changes: dict[str, Any], says: str
) -> None:
    fields: dict[str, Any] = {"name": "Pack", "credits": 10}
    terms = Terms(**(fields | changes))

    refused = await products.create(db, "loc_1", type=type_, terms=terms)

    assert isinstance(refused, Refused)
    assert says in refused.message
    assert await products.listed(db, "loc_1") == []


async def test_a_product_needs_a_location_and_a_plain_id(db: Database, location: Location) -> None:
    nowhere = await products.create(db, "loc_none", type="package", terms=PACK)
    odd = await products.create(db, "loc_1", type="package", terms=PACK, product_id="pc 1")

    assert isinstance(nowhere, Refused)
    assert isinstance(odd, Refused)
    assert isinstance(await products.find(db, "loc_1", "pc_1"), Refused)


async def test_an_edit_makes_a_version_and_keeps_the_old_one(
    db: Database, location: Location
) -> None:
    """S9.8: an edit touches nobody."""
    first = await made(db)

    edited = await products.edit(db, "loc_1", "pc_1", changes=Changes(credits=12, expiry_days=None))

    assert isinstance(edited, Product)
    assert (edited.version, edited.terms.credits, edited.terms.expiry_days) == (2, 12, None)
    assert edited.terms.coverage == PACK.coverage
    assert await products.find(db, "loc_1", "pc_1", version=1) == first


async def test_an_edit_that_changes_nothing_makes_no_version(
    db: Database, location: Location
) -> None:
    first = await made(db)

    assert await products.edit(db, "loc_1", "pc_1", changes=Changes(credits=10)) == first


async def test_a_wrong_edit_is_refused(db: Database, location: Location) -> None:
    await made(db)

    assert isinstance(await products.edit(db, "loc_1", "pc_1", changes=Changes(credits=0)), Refused)
    assert isinstance(await products.edit(db, "loc_1", "pc_2", changes=Changes()), Refused)


async def test_edits_at_the_same_time_follow_each_other(db: Database, location: Location) -> None:
    await made(db)

    await asyncio.gather(
        *(
            products.edit(db, "loc_1", "pc_1", changes=Changes(credits=20 + number))
            for number in range(5)
        )
    )

    product = await products.find(db, "loc_1", "pc_1")
    assert isinstance(product, Product)
    assert product.version == 6


async def test_an_archived_product_can_still_be_read(db: Database, location: Location) -> None:
    await made(db)

    archived = await products.archive(db, "loc_1", "pc_1")

    assert isinstance(archived, Product)
    assert archived.status == "archived"
    assert await products.listed(db, "loc_1") == []
    assert await products.listed(db, "loc_1", archived=True) == [archived]
    assert isinstance(await products.archive(db, "loc_2", "pc_1"), Refused)
