"""Contacts: found by the caller's id or ours; hints overwrite nothing."""

from __future__ import annotations

from kotally.core.ids import new_id
from kotally.db import Database
from kotally.workspaces import contacts
from kotally.workspaces.contacts import Hints
from kotally.workspaces.locations import Location


async def test_a_contact_is_found_by_both_ids(db: Database, location: Location) -> None:
    made = await contacts.ensure(db, location.id, "c1", hints=Hints(email="a@b.de"))

    assert await contacts.find(db, location.id, "c1") == made
    assert await contacts.find(db, location.id, str(made.id)) == made
    assert await contacts.find(db, location.id, "c2") is None
    assert await contacts.find(db, location.id, str(new_id())) is None


async def test_a_stranger_finds_nobody(db: Database, location: Location, sandbox: Location) -> None:
    made = await contacts.ensure(db, location.id, "c1")

    assert await contacts.find(db, sandbox.id, "c1") is None
    assert await contacts.find(db, sandbox.id, str(made.id)) is None


async def test_the_callers_id_goes_before_ours(db: Database, location: Location) -> None:
    """Whoever uses our uuid as their own id for somebody else means somebody else."""
    first = await contacts.ensure(db, location.id, "c1")
    second = await contacts.ensure(db, location.id, str(first.id))

    assert await contacts.find(db, location.id, str(first.id)) == second


async def test_hints_fill_what_is_empty(db: Database, location: Location) -> None:
    made = await contacts.ensure(db, location.id, "c1", hints=Hints(name="Ann"))
    again = await contacts.ensure(db, location.id, "c1", hints=Hints(name="Bob", phone="1"))

    assert (again.id, again.name, again.phone, again.email) == (made.id, "Ann", "1", None)
