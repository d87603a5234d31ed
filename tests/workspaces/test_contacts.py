"""Contacts: found by the caller's id or ours, in their own location only."""

from __future__ import annotations

from kotally.core.ids import new_id
from kotally.db import Database
from kotally.db.connections import Target
from kotally.workspaces import contacts
from kotally.workspaces.locations import Location
from tests import make


async def test_a_contact_is_found_by_both_ids_and_by_no_stranger(
    db: Database, target: Target, location: Location, sandbox: Location
) -> None:
    owner = Database(target, role=None)
    made = await make.contact(owner, location.id, "c1")
    await owner.close()

    by_name = await contacts.find(db, location.id, "c1")

    assert by_name is not None
    assert (by_name.id, by_name.external_id) == (made, "c1")
    assert await contacts.find(db, location.id, str(made)) == by_name
    for reference in ("c2", str(new_id())):
        assert await contacts.find(db, location.id, reference) is None
    for reference in ("c1", str(made)):
        assert await contacts.find(db, sandbox.id, reference) is None
