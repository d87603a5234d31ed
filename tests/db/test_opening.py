"""From settings to a database that is ready."""

from __future__ import annotations

from pathlib import Path

import asyncpg
import pytest

from kotally.config import Settings
from kotally.db import Database, opened
from kotally.db.migrator import SchemaError
from kotally.db.opening import reached
from tests.db.machine import Machine


async def test_a_new_directory_becomes_a_database_of_the_application(new: Machine) -> None:
    settings = Settings(data=new.directory, pool_size=2)
    with pytest.raises(SchemaError, match="kotally migrate"):
        async with opened(settings, migrate=False):
            pass

    async with opened(settings) as db:
        assert await db.fetchval("select current_user") == "kotally_app"
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await db.execute("delete from kotally.migrations")
    async with opened(settings, migrate=False) as db:
        assert await db.fetchval("select max(version) from kotally.migrations") > 0
    new.stop()


async def test_a_data_directory_of_a_test_is_usable(data_directory: Path) -> None:
    async with reached(Settings(data=data_directory)) as target:
        db = Database(target, role=None)
        assert await db.fetchval("select current_setting('fsync')") == "off"
        await db.close()
