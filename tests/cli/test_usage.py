"""What is not a command, and how fast help is."""

from __future__ import annotations

import subprocess
import sys

import msgspec
import pytest

from kotally import __version__
from kotally.cli import export, locations, main, products, serve, workspaces
from kotally.config import PORT_MAX, PROCESSES_MAX
from kotally.products.products import PRODUCT_TYPES
from kotally.products.rules import Rules
from kotally.workspaces.locations import LOCATION_STATUSES
from kotally.workspaces.workspaces import BILLING_STATUSES


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("bogus", "'bogus'"),
        ("workspace create --name N --owner-email a@b.de", "--password-stdin"),
        ("workspace set-billing --workspace W --status free", "past_due"),
        ("product create --location L --name N --type pack --credits 1", "membership"),
        ("product create --location L --name N --type package --credits 1.5", "whole number"),
        ("product create --location L --name N --type package --credits " + "9" * 19, "18 digits"),
        ("client rotate --client 7", "uuid"),
        ("client rotate --client 7 --overlap-hours 1 --overlap-days 1", "'7' is not a uuid"),
        ("client create --location L --name N --expires-at 2027-01-01", "no offset"),
        ("clock advance --location L", "--days"),
        ("clock advance --location L --to soon", "ISO 8601"),
        ("clock advance --location L --days 1 --to 2027-01-01", "not allowed with"),
        ("export --location L --format xml", "beancount"),
        ("serve --por 1", "--por"),
    ],
)
def test_what_is_not_understood_ends_in_2(
    words: str, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words.split()) == 2
    told = capsys.readouterr()
    assert main([*words.split(), "--json"]) == 2
    as_json = capsys.readouterr()

    assert told.out == ""
    assert says in told.err
    assert "--help" in told.err
    assert msgspec.json.decode(as_json.out) == {"ok": False, "error": told.err.rstrip("\n")}
    assert as_json.err == ""


@pytest.mark.parametrize(
    ("words", "shown"), [("", "serve"), ("workspace", "set-billing"), ("product", "archive")]
)
def test_without_a_command_help_is_shown(
    words: str, shown: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """It ends in 2 all the same: a script that lost its words must not go on."""
    assert main(words.split()) == 2
    told = capsys.readouterr()
    assert main([*words.split(), "--json"]) == 2
    as_json = capsys.readouterr()
    with pytest.raises(SystemExit) as asked:
        main([*words.split(), "--help"])
    asked_for = capsys.readouterr()

    assert told.out == ""
    assert told.err.rstrip("\n") == asked_for.out.rstrip("\n")
    assert f"    {shown}" in told.err
    assert asked.value.code == 0
    assert as_json.out.count("\n") == 1
    assert msgspec.json.decode(as_json.out)["error"].startswith("A command is missing. `kotally")


@pytest.mark.parametrize("words", ["serve --port 70000", "serve --processes 0"])
def test_settings_have_limits(words: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words.split()) == 1

    assert "must be from" in capsys.readouterr().err


def test_every_fault_of_the_environment_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("KOTALLY_PORT", "x")
    monkeypatch.setenv("KOTALLY_POOL_SIZE", "0")

    assert main(["prove"]) == 1
    told = capsys.readouterr()

    assert "KOTALLY_PORT" in told.err
    assert "KOTALLY_POOL_SIZE" in told.err


def test_a_database_that_is_away_is_a_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("KOTALLY_DATABASE_URL", "postgresql://u:hush@127.0.0.1:1/none")

    assert main(["workspace", "list"]) == 1
    told = capsys.readouterr()

    assert told.err.count("\n") == 1
    assert "hush" not in told.err


def test_a_fault_of_ours_shows_where(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail() -> None:
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr("kotally.cli.running.settings", fail)

    assert main(["prove", "--json"]) == 1
    told = capsys.readouterr()

    assert "Traceback" in told.err
    assert msgspec.json.decode(told.out)["ok"] is False


def test_help_needs_no_driver() -> None:
    """Help answers at once, so it loads neither the driver nor the server."""
    code = (
        "import sys, kotally.cli as c\n"
        "try: c.main(['product', 'create', '--help'])\n"
        "except SystemExit: pass\n"
        "print(sorted({'asyncpg', 'msgspec', 'uvicorn', 'asyncio'} & set(sys.modules)))"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.endswith("\n[]\n")
    assert "--calendar" in done.stdout


def test_the_version_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--version"])

    assert ended.value.code == 0
    assert capsys.readouterr().out == f"kotally {__version__}\n"


def test_the_choices_are_those_of_the_domain() -> None:
    """They are written twice, so that help need not load the domain."""
    assert workspaces.STATUSES == BILLING_STATUSES
    assert locations.STATUSES == LOCATION_STATUSES
    assert products.TYPES == PRODUCT_TYPES
    assert export.FORMATS == ("csv", "beancount")
    assert (serve.PORT_MAX, serve.PROCESSES_MAX) == (PORT_MAX, PROCESSES_MAX)
    rules = {name.removeprefix("--").replace("-", "_") for name in products.RULES}
    assert rules <= set(Rules.__struct_fields__)
