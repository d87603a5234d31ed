"""`kotally product --rules`: all the rules of a product, from the line, a file or a pipe."""

from __future__ import annotations

from pathlib import Path

from tests.cli.conftest import Kotally
from tests.cli.test_commands import made_location

RULES = '{"rollover": {"max_per_roll": 4, "lives_months": 2}, "cancel_window_minutes": 720}'
GOLD = ("--location", "loc_1", "--name", "Gold", "--type", "membership", "--credits", "8")


async def test_rules_come_from_the_line_a_file_or_a_pipe(kotally: Kotally, tmp_path: Path) -> None:
    await made_location(kotally)
    file = tmp_path / "rules.json"
    file.write_text(RULES)

    line = await kotally("product", "create", *GOLD, "--id", "a", "--rules", RULES, "--json")
    read = await kotally("product", "create", *GOLD, "--id", "b", "--rules", str(file), "--json")
    piped = await kotally(
        *("product", "create", *GOLD, "--id", "c", "--rules", "-", "--json"), stdin=RULES.encode()
    )

    assert line.json["rules"] == read.json["rules"] == piped.json["rules"]
    assert "8 credits every month." in line.json["sentences"]
    assert "Cancelling is free until 12 hours before the start." in line.json["sentences"]


async def test_an_edit_replaces_the_rules_or_changes_one(kotally: Kotally) -> None:
    await made_location(kotally)
    await kotally("product", "create", *GOLD, "--id", "a", "--rules", RULES)
    edit = ("product", "edit", "--location", "loc_1", "--product", "a", "--json")

    one = await kotally(*edit, "--cancel-window-minutes", "60")
    assert one.json["rules"]["cancel_window_minutes"] == 60
    assert one.json["rules"]["rollover"] == {"max_per_roll": 4, "lives_months": 2}
    all_ = await kotally(*edit, "--rules", "{}")
    assert (all_.json["rules"], all_.json["version"]) == ({}, 3)


async def test_rules_that_cannot_be_read_are_told(kotally: Kotally) -> None:
    await made_location(kotally)
    create = ("product", "create", *GOLD, "--rules")

    for given, says in (
        ('{"unknown": 1}', "unknown"),
        ('{"rollover": {"percent": 101}}', "percent"),
        ("{", "Cannot read the rules"),
        ("/nowhere/rules.json", "No such file"),
        ('{"validity": {"starts": "fixed"}}', "fixed date"),
    ):
        ran = await kotally(*create, given)
        assert (ran.code, says in ran.err) == (1, True), ran
