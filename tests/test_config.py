"""Settings: read once, checked as a whole, with nothing to see of secrets."""

from __future__ import annotations

from pathlib import Path

import pytest

from kotally.config import ConfigError, Settings


def test_nothing_set_serves_from_a_clone() -> None:
    settings = Settings.from_env({})

    assert settings.data == Path.cwd() / ".kotally"
    assert (settings.host, settings.port, settings.processes) == ("127.0.0.1", 8000, 1)
    assert settings.database_url is None


def test_every_variable_is_read(tmp_path: Path) -> None:
    (tmp_path / "postgres").touch()
    settings = Settings.from_env(
        {
            "KOTALLY_DATA": str(tmp_path),
            "KOTALLY_DATABASE_URL": "postgresql://u:hush@db/kotally",
            "KOTALLY_PG_BIN": str(tmp_path),
            "KOTALLY_POOL_SIZE": "5",
            "KOTALLY_HOST": "::1",
            "KOTALLY_PORT": "9000",
            "KOTALLY_PROCESSES": "2",
            "KOTALLY_LOG_LEVEL": "DEBUG",
            "KOTALLY_LOG_FORMAT": "json",
        }
    )

    assert settings.data == settings.pg_bin == tmp_path
    assert (settings.pool_size, settings.port, settings.processes) == (5, 9000, 2)
    assert (settings.host, settings.log_level, settings.log_format) == ("::1", "debug", "json")
    assert settings.database_url is not None
    assert settings.database_url.reveal() == "postgresql://u:hush@db/kotally"


def test_a_secret_does_not_show_itself() -> None:
    settings = Settings.from_env({"KOTALLY_DATABASE_URL": "postgresql://u:hush@db/kotally"})

    assert "hush" not in f"{settings!r} {settings} {settings.database_url}"


def test_all_faults_are_told_at_once_without_secrets(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError) as caught:
        Settings.from_env(
            {
                "KOTALLY_DATA": str(tmp_path / "file"),
                "KOTALLY_DATABASE_URL": "mysql://u:hush@db",
                "KOTALLY_PG_BIN": str(tmp_path),
                "KOTALLY_PORT": "70000",
                "KOTALLY_PROCESSES": "many",
                "KOTALLY_LOG_LEVEL": "loud",
            }
        )

    assert [fault.split(":")[0] for fault in caught.value.faults] == [
        "KOTALLY_DATA",
        "KOTALLY_DATABASE_URL",
        "KOTALLY_PG_BIN",
        "KOTALLY_PORT",
        "KOTALLY_PROCESSES",
        "KOTALLY_LOG_LEVEL",
    ]
    assert "hush" not in str(caught.value)


def test_an_empty_variable_counts_as_unset() -> None:
    assert Settings.from_env({"KOTALLY_PORT": " "}).port == 8000
