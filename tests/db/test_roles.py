"""The roles that the database knows us by, on a server of the test's own: roles are a server's."""

from __future__ import annotations

import msgspec
import pytest

from kotally.config import Secret
from kotally.db.connections import Target, connect
from kotally.db.embedded.attach import attached
from kotally.db.embedded.layout import USER
from kotally.db.roles import RoleError, ensure_roles
from tests.db.machine import Machine

pytestmark = pytest.mark.crash


@pytest.mark.parametrize(
    ("done", "left"),
    [
        (
            "",
            [
                "create role kotally_ledger nologin;",
                "create role kotally_app nologin;",
                "grant kotally_ledger, kotally_app to guest;",
            ],
        ),
        (
            "create role kotally_ledger nologin",
            [
                "create role kotally_app nologin;",
                "grant kotally_ledger, kotally_app to guest;",
            ],
        ),
        (
            (
                "create role kotally_ledger nologin; create role kotally_app nologin;"
                "grant kotally_ledger to guest"
            ),
            ["grant kotally_app to guest;"],
        ),
    ],
    ids=["none", "one", "ungranted"],
)
async def test_only_what_is_missing_is_asked_for(
    machine: Machine, done: str, left: list[str]
) -> None:
    """An administrator can run the statements as they are printed, and they are enough."""
    async with attached(machine.directory) as server:
        target = Target(
            host=str(server.sockets),
            user=USER,
            password=Secret(server.password),
            database="postgres",
        )
        administrator = await connect(target, role=None)
        await administrator.execute(f"create role guest login password 'guest'; {done}")
        login = msgspec.structs.replace(target, user="guest", password=Secret("guest"))
        guest = await connect(login, role=None)

        with pytest.raises(RoleError) as refused:
            await ensure_roles(guest)
        _, _, statements = str(refused.value).partition("run:\n")

        assert [line.strip() for line in statements.splitlines()] == left
        await administrator.execute(statements)
        await ensure_roles(guest)
        await guest.close()
        await administrator.close()
