"""The lists of a location: its contacts, its product configs and its ledger."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from kotally.api import directory
from kotally.api.routing import Route
from kotally.core.ids import new_id
from kotally.ledger import history
from tests import make
from tests.api.conftest import refused
from tests.api.studio import Studio

PATHS = [route.path for route in directory.ROUTES]


@pytest.mark.parametrize("path", PATHS)
async def test_without_a_token_nothing_is_told(studio: Studio, path: str) -> None:
    refused(await studio.anonymous(path), 401, "UNAUTHORIZED")


@pytest.mark.parametrize("path", PATHS)
async def test_a_stranger_sees_only_what_is_their_own(studio: Studio, path: str) -> None:
    await studio.sell()
    await make.product(studio.front.owner, studio.id, "pc_ours")
    other = await Studio.opened(studio.front)

    refused(await studio.get(path, token=other.token), 403, "LOCATION_MISMATCH")
    theirs = await other.read(path)

    assert theirs.get("contacts", []) == theirs.get("entries", []) == []
    assert "pc_ours" not in [product["id"] for product in theirs.get("products", [])]


@pytest.mark.parametrize("path", PATHS)
async def test_the_scope_is_summary(studio: Studio, path: str) -> None:
    token = await studio.client("grant", "deduct")

    refused(await studio.get(path, token=token), 403, "INSUFFICIENT_SCOPE")


@pytest.mark.parametrize("route", directory.ROUTES, ids=lambda route: route.path)
async def test_what_is_answered_is_what_is_published(studio: Studio, route: Route) -> None:
    await studio.sell(email="ana@example.com")
    assert route.answer is not None

    response = await studio.get(route.path)
    read = msgspec.to_builtins(msgspec.json.decode(response.content, type=route.answer))

    assert list(read) == list(response.json())
    for shown, published in zip(
        *(list(a.values())[3] for a in (response.json(), read)), strict=True
    ):
        assert list(shown) == list(published)


async def test_contacts_are_listed_the_newest_first_page_by_page(studio: Studio) -> None:
    for name in "abcde":
        await studio.sell(external_contact_id=name)

    first = await studio.read("/contacts", limit=2)
    await studio.sell(external_contact_id="f")
    second = await studio.read("/contacts", limit=2, cursor=first["next_cursor"])
    third = await studio.read("/contacts", limit=2, cursor=second["next_cursor"])

    found = [[c["external_contact_id"] for c in a["contacts"]] for a in (first, second, third)]
    assert found == [["e", "d"], ["c", "b"], ["a"]]
    assert third["next_cursor"] is None


async def test_contacts_are_found_by_address_and_by_id(studio: Studio) -> None:
    await studio.sell(email="Ana@Example.com")
    await studio.sell(external_contact_id="ben", email="ben@example.com")
    await studio.sell(external_contact_id="ana-2", email="ana@example.COM")

    by_address = (await studio.read("/contacts", email="ana@example.com"))["contacts"]
    by_id = (await studio.read("/contacts", ghl_contact_id="ben"))["contacts"]
    nobody = await studio.read("/contacts", external_contact_id="nobody")

    assert [c["external_contact_id"] for c in by_address] == ["ana-2", "ana"]
    assert [c["email"] for c in by_id] == ["ben@example.com"]
    assert (nobody["contacts"], nobody["next_cursor"]) == ([], None)


async def test_two_filters_at_once_are_refused(studio: Studio) -> None:
    answer = await studio.get("/contacts", email="ana@example.com", external_contact_id="ana")

    refused(answer, 400, "VALIDATION_ERROR")


async def test_a_cursor_is_good_for_the_same_filter_only(studio: Studio) -> None:
    await studio.sell()
    await studio.sell(external_contact_id="ben")
    cursor = (await studio.read("/contacts", limit=1))["next_cursor"]

    answer = await studio.get("/contacts", email="ana@example.com", cursor=cursor)

    refused(answer, 400, "VALIDATION_ERROR")


async def test_products_are_listed_by_id_and_the_archived_ones_on_wish(studio: Studio) -> None:
    await make.product(studio.front.owner, studio.id, "pc_a", coverage={"cal_1": 2})
    await studio.front.owner.execute(
        "update kotally.products set status = 'archived' where location_id = $1 and id = 'pc_1'",
        studio.id,
    )

    first = await studio.read("/products", limit=1)
    rest = await studio.read("/products", cursor=first["next_cursor"])
    everything = await studio.read("/products", archived="true")

    assert [p["calendars"] for p in first["products"]] == [{"cal_1": 2}]
    assert [p["id"] for p in first["products"] + rest["products"]] == ["pc_a", "pc_m"]
    assert [p["id"] for p in everything["products"]] == ["pc_1", "pc_a", "pc_m"]


async def _ledger(studio: Studio, limit: int) -> AsyncIterator[list[dict[str, Any]]]:
    """Read the location's ledger page by page."""
    query: dict[str, Any] = {}
    while True:
        answer = await studio.read("/ledger", limit=limit, **query)
        yield answer["entries"]
        if answer["next_cursor"] is None:
            return
        query = {"cursor": answer["next_cursor"]}


async def test_the_ledger_of_a_location_has_every_movement_once_while_others_write(
    studio: Studio,
) -> None:
    """At one instant of a clock that stands, and at several: newest first, no gap, no double."""
    names = ["ana", "ben", 'c"é\\']
    for _ in range(2):
        for name in names:
            await studio.sell(external_contact_id=name)
            await studio.take(external_contact_id=name)
        await studio.move(minutes=1)
    before = await studio.front.db.fetch(
        "select p.id, c.external_id, p.recorded_at, p.seq from kotally.postings p"
        "  join kotally.contacts c on c.location_id = p.location_id and c.id = p.contact_id"
        " where p.location_id = $1 order by p.recorded_at desc, p.contact_id desc, p.seq desc",
        studio.id,
    )

    found = list[dict[str, Any]]()
    async for entries in _ledger(studio, 5):
        found += entries
        for name in [*names, f"new-{len(found)}"]:  # at the instant that is being read, too
            await studio.sell(external_contact_id=name)

    assert len(before) == 12
    assert [(entry["id"], entry["external_contact_id"]) for entry in found] == [
        (str(row["id"]), row["external_id"]) for row in before
    ]


async def test_the_ledger_of_a_location_is_that_of_its_contacts(studio: Studio) -> None:
    sold = await studio.sell()
    await studio.take()
    await studio.sell(external_contact_id="ben")

    entries = (await studio.read("/ledger"))["entries"]
    of_ana = (await studio.read("/contacts/ana/ledger"))["entries"]

    whose = {"contact_id": sold["contact_id"], "external_contact_id": "ana"}
    assert [entry for entry in entries if entry["contact_id"] == sold["contact_id"]] == [
        entry | whose for entry in of_ana
    ]
    assert len(entries) == 3


async def test_a_cursor_of_another_list_is_refused_by_the_ledger(studio: Studio) -> None:
    for _ in range(2):
        await studio.sell()
    other = await Studio.opened(studio.front)
    own = (await studio.read("/ledger", limit=1))["next_cursor"]
    of_ana = (await studio.read("/contacts/ana/ledger", limit=1))["next_cursor"]

    for where, cursor in ((studio, of_ana), (studio, own[:-2] + "__"), (other, own)):
        answer = refused(await where.get("/ledger", cursor=cursor), 400, "VALIDATION_ERROR")
        assert answer["errors"][0]["field"] == "cursor"
    for limit in (0, 101):
        refused(await studio.get("/ledger", limit=limit), 400, "VALIDATION_ERROR")


async def test_a_page_of_the_ledger_is_read_in_the_order_of_its_index(studio: Studio) -> None:
    """However long the ledger is: the index gives the order, from the cursor on."""
    place = (studio.id, datetime.now(UTC), new_id(), 1, 20)
    async with studio.front.owner.transaction() as tx:
        await tx.execute("set local enable_seqscan = off")
        rows = await tx.fetch(f"explain {history.OF_LOCATION}", *place)
    plan = "\n".join(row[0] for row in rows)

    assert "Index Scan Backward using postings_recorded_idx" in plan
    assert "(recorded_at <= '" in plan
    assert "Presorted Key: p_1.recorded_at" in plan
    assert plan.count("postings_recorded_idx") == 1, "it serves nothing else"
