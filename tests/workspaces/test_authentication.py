"""Who may come in: one answer for every wrong token, and no look-up per request."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from kotally.core.ids import new_id, secret_uuid
from kotally.db import Database, DatabaseUnavailable
from kotally.workspaces import api_clients, authentication, locations
from kotally.workspaces.api_clients import Issued
from kotally.workspaces.authentication import DOUBTED_EVERY_NS, KEPT_NS, Authenticator
from kotally.workspaces.locations import Location

Move = Callable[[int], None]


def halves(issued: Issued) -> tuple[str, str]:
    _, client_id, secret = issued.token.split("_")
    return client_id, secret


@pytest.fixture
def pass_time(monkeypatch: pytest.MonkeyPatch) -> Move:
    """Move the clock that the authenticator's memory goes by."""
    at = [1_000_000_000_000]
    monkeypatch.setattr(authentication, "monotonic_ns", lambda: at[0])

    def move(nanoseconds: int) -> None:
        at[0] += nanoseconds

    return move


class Counting(Database):
    """Counts how often somebody is looked up."""

    def __init__(self, db: Database) -> None:
        super().__init__(db.target)
        self.reads = 0

    async def fetchrow(self, sql: Any, *args: Any) -> Any:
        self.reads += 1
        return await super().fetchrow(sql, *args)


async def test_a_token_opens_its_location(db: Database, issued: Issued) -> None:
    client = await Authenticator(db)(*halves(issued))

    assert client is not None
    assert (client.id, client.location_id) == (issued.client.id, "loc_1")
    assert client.scopes == {"grant", "summary"}
    assert (client.location_active, client.rate) == (True, 1_000)


async def test_wrong_tokens_are_all_alike(db: Database, issued: Issued) -> None:
    client_id, secret = halves(issued)
    authenticate = Authenticator(db)

    assert await authenticate(client_id, str(secret_uuid())) is None
    assert await authenticate(str(new_id()), secret) is None
    assert await authenticate("no uuid", secret) is None


async def test_an_expired_client_is_out(db: Database, location: Location) -> None:
    made = await api_clients.create(
        db,
        location.id,
        name="Old",
        scopes=["grant"],
        expires_at=datetime.now(UTC) - timedelta(seconds=1),
    )
    assert isinstance(made, Issued)

    assert await Authenticator(db)(*halves(made)) is None


async def test_a_deactivated_client_is_out_after_two_seconds(
    db: Database, issued: Issued, pass_time: Move
) -> None:
    authenticate = Authenticator(db)
    assert await authenticate(*halves(issued))
    await api_clients.deactivate(db, issued.client.id)

    assert await authenticate(*halves(issued))
    pass_time(KEPT_NS)
    assert await authenticate(*halves(issued)) is None


async def test_an_old_secret_works_for_the_overlap_only(
    db: Database, issued: Issued, pass_time: Move
) -> None:
    authenticate = Authenticator(db)
    rotated = await api_clients.rotate(db, issued.client.id, overlap_hours=1)
    assert isinstance(rotated, Issued)

    assert await authenticate(*halves(issued))
    assert await authenticate(*halves(rotated))
    await db.execute(
        "update kotally.api_clients set previous_valid_until = now() where id = $1",
        issued.client.id,
    )
    pass_time(KEPT_NS)
    assert await authenticate(*halves(issued)) is None
    assert await authenticate(*halves(rotated))


async def test_a_new_secret_opens_at_once(db: Database, issued: Issued, pass_time: Move) -> None:
    """What was read just before the rotation is kept, and shuts nobody out."""
    authenticate = Authenticator(db)
    for _ in range(2):
        assert await authenticate(*halves(issued))
        rotated = await api_clients.rotate(db, issued.client.id)
        assert isinstance(rotated, Issued)

        assert await authenticate(*halves(rotated))
        assert await authenticate(*halves(issued)) is None
        issued = rotated
        pass_time(DOUBTED_EVERY_NS)


async def test_guessing_secrets_of_a_client_costs_ten_look_ups_a_second_at_most(
    db: Database, issued: Issued, pass_time: Move
) -> None:
    counting = Counting(db)
    authenticate = Authenticator(counting)
    assert await authenticate(*halves(issued))

    for _ in range(3):
        for _ in range(20):
            assert await authenticate(halves(issued)[0], str(secret_uuid())) is None
        pass_time(DOUBTED_EVERY_NS)
    assert await authenticate(*halves(issued))
    await counting.close()

    assert counting.reads == 1 + 3


async def test_a_disconnected_location_is_told_apart(db: Database, issued: Issued) -> None:
    await locations.set_status(db, issued.client.location_id, "disconnected")

    client = await Authenticator(db)(*halves(issued))

    assert client is not None
    assert not client.location_active


async def test_many_callers_cost_one_look_up(db: Database, issued: Issued, pass_time: Move) -> None:
    counting = Counting(db)
    authenticate = Authenticator(counting)

    await asyncio.gather(*(authenticate(*halves(issued)) for _ in range(50)))
    await authenticate(*halves(issued))
    assert counting.reads == 1
    pass_time(KEPT_NS)
    await authenticate(*halves(issued))
    await counting.close()

    assert counting.reads == 2


async def test_strangers_are_remembered_too_but_not_all(
    db: Database, issued: Issued, pass_time: Move, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(authentication, "STRANGERS_MAX", 2)
    counting = Counting(db)
    authenticate = Authenticator(counting)
    await authenticate(*halves(issued))
    strangers = [str(new_id()) for _ in range(3)]

    for stranger in strangers * 2:
        await authenticate(stranger, "x")
    await authenticate(*halves(issued))
    await counting.close()

    assert len(authenticate._strangers) == 2
    assert counting.reads == 1 + 6  # three in turn push each other out; the client stays


async def test_a_stranger_is_looked_up_once_in_two_seconds(db: Database, pass_time: Move) -> None:
    counting = Counting(db)
    authenticate = Authenticator(counting)
    stranger = str(new_id())

    for _ in range(5):
        assert await authenticate(stranger, "x") is None
    await counting.close()

    assert counting.reads == 1


async def test_the_last_use_is_noted_once_a_minute(
    db: Database, issued: Issued, pass_time: Move
) -> None:
    authenticate = Authenticator(db)

    await authenticate(*halves(issued))
    await asyncio.gather(*authenticate._notes)
    first = await db.fetchval("select last_used_at from kotally.api_clients")
    await authenticate(*halves(issued))
    assert not authenticate._notes
    pass_time(60_000_000_000)
    await authenticate(*halves(issued))
    assert len(authenticate._notes) == 1
    await asyncio.gather(*authenticate._notes)

    assert first is not None
    # Another process noted it less than a minute ago: nothing is written.
    assert await db.fetchval("select last_used_at from kotally.api_clients") == first


async def test_a_wrong_secret_leaves_no_trace(db: Database, issued: Issued) -> None:
    authenticate = Authenticator(db)

    await authenticate(halves(issued)[0], str(secret_uuid()))

    assert not authenticate._notes
    assert await db.fetchval("select last_used_at from kotally.api_clients") is None


async def test_a_lost_note_harms_nobody(
    db: Database, issued: Issued, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*args: object) -> str:
        raise DatabaseUnavailable("away")

    authenticate = Authenticator(db)
    monkeypatch.setattr(db, "execute", fail)

    assert await authenticate(*halves(issued))
    await asyncio.gather(*authenticate._notes)
