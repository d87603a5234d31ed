"""`kotally queue`, as a person runs it."""

from __future__ import annotations

from kotally.core.ids import new_id
from kotally.db import Database
from tests import make
from tests.cli.conftest import Kotally
from tests.cli.test_commands import made_location


async def test_what_waits_is_listed_and_settled(kotally: Kotally, db: Database) -> None:
    await made_location(kotally)
    await make.product(db, "loc_1")
    await make.applied(db, "loc_1", [make.grant(10, "ana")])
    item = new_id()
    await db.execute(
        """
        insert into kotally.work_items (location_id, id, contact_id, kind, raised_at)
        select 'loc_1', $1, c.id, 'billing_drift', kotally.location_now('loc_1')
          from kotally.contacts c where c.location_id = 'loc_1' and c.external_id = 'ana'
        """,
        item,
    )
    where = ("--location", "loc_1")
    listed = await kotally("queue", "list", *where)
    words = ("--item", str(item), "--note", "Called her.", *where)
    done = await kotally("queue", "dismiss", *words, "--json")
    again = await kotally("queue", "resolve", *words)

    assert ("billing_drift" in listed.out, "ana" in listed.out) == (True, True)
    assert (done.json["code"], done.json["status"]) == ("work_item_settled", "dismissed")
    assert (again.code, "WORK_ITEM_ALREADY_SETTLED" in again.err) == (1, True)
    assert (await kotally("queue", "list", *where)).out == "Nothing waits for anybody.\n"
    settled = await kotally("queue", "list", *where, "--status", "settled", "--json")
    assert settled.json["work_items"][0]["note"] == "Called her."
