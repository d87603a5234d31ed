"""Each command with and without --json, and what it says when it cannot."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from kotally.db import Database
from tests.cli.conftest import Kotally, Ran

UUID_LENGTH = 36


def words(line: str) -> list[str]:
    """Part a command line of plain words."""
    return line.split()


async def made_workspace(kotally: Kotally, name: str = "Studio") -> str:
    made = await kotally(
        *("workspace", "create", "--name", name, "--owner-email", f"{name}@example.com"),
        *("--password-stdin", "--json"),
        stdin=b"correct horse\n",
    )
    assert made.code == 0, made
    return made.json["workspace_id"]


async def made_location(kotally: Kotally, *more: str) -> Ran:
    await made_workspace(kotally)
    made = await kotally(
        *("location", "create", "--workspace", "Studio", "--name", "Main"),
        *("--timezone", "America/New_York", "--id", "loc_1", "--json", *more),
    )
    assert made.code == 0, made
    return made


async def made_product(kotally: Kotally) -> Ran:
    made = await kotally(
        *("product", "create", "--location", "loc_1", "--name", "10 Pack", "--type", "package"),
        *("--credits", "10", "--expiry-days", "90", "--calendar", "cal_1"),
        *("--calendar", "cal_2:2", "--id", "pc_1", "--json"),
    )
    assert made.code == 0, made
    return made


async def test_a_studio_is_set_up(kotally: Kotally, db: Database) -> None:
    """The commands of the first five minutes; the keys of their JSON are promised."""
    location = await made_location(kotally)
    product = await made_product(kotally)
    client = await kotally(
        *("client", "create", "--location", "loc_1", "--name", "Shop"),
        *("--scope", "grant", "--scope", "check", "--json"),
    )

    assert len(location.json["workspace_id"]) == UUID_LENGTH
    assert (location.json["ok"], location.json["location_id"]) == (True, "loc_1")
    assert location.json["is_sandbox"] is False
    assert product.json["product_config_id"] == "pc_1"
    assert product.json["coverage"] == {"cal_1": 1, "cal_2": 2}
    assert client.json["token"].startswith(f"ktly_{client.json['client_id']}_")
    assert client.json["scopes"] == ["grant", "check"]
    assert await db.fetchval("select billing_status from kotally.workspaces") == "active"


async def test_people_are_told_what_comes_next(kotally: Kotally) -> None:
    made = await kotally(
        *("workspace", "create", "--name", "Studio", "--owner-email", "a@b.de"),
        "--password-stdin",
        stdin=b"correct horse",
    )

    assert made.code == 0
    assert "Workspace Studio is made" in made.out
    assert "kotally location create --workspace" in made.out
    assert made.err == ""


@pytest.mark.parametrize("status", ["trialing", "past_due", "suspended", "active"])
async def test_billing_is_set_by_name(kotally: Kotally, status: str) -> None:
    await made_workspace(kotally)

    changed = await kotally(
        "workspace", "set-billing", "--workspace", "Studio", "--status", status, "--json"
    )

    assert changed.json["billing_status"] == status


async def test_what_is_there_is_listed(kotally: Kotally) -> None:
    await made_location(kotally)
    await made_product(kotally)
    client = await kotally("client", "create", *words("--location loc_1 --name Shop --scope hold"))

    workspaces = await kotally("workspace", "list", "--json")
    locations = await kotally("location", "list", "--workspace", "Studio", "--json")
    products = await kotally("product", "list", "--location", "loc_1", "--json")
    clients = await kotally("client", "list", "--location", "loc_1", "--json")
    table = await kotally("client", "list")

    assert [each["name"] for each in workspaces.json["workspaces"]] == ["Studio"]
    assert [each["location_id"] for each in locations.json["locations"]] == ["loc_1"]
    assert [each["product_config_id"] for each in products.json["products"]] == ["pc_1"]
    assert [each["status"] for each in clients.json["clients"]] == ["active"]
    assert table.out.splitlines()[0].split()[:2] == ["CLIENT", "LOCATION"]
    token = client.out.rpartition(" ")[2].strip()
    secret = token.rpartition("_")[2]
    assert secret not in clients.out + table.out


async def test_empty_lists_say_so(kotally: Kotally) -> None:
    assert "no workspace yet" in (await kotally("workspace", "list")).out
    assert "no location yet" in (await kotally("location", "list")).out
    assert "no client yet" in (await kotally("client", "list")).out


async def test_a_product_is_shown_edited_and_archived(kotally: Kotally) -> None:
    await made_location(kotally)
    await made_product(kotally)
    here = ("--location", "loc_1", "--product", "pc_1")

    edited = await kotally("product", "edit", *here, "--credits", "12", "--never-expires", "--json")
    shown = await kotally("product", "show", *here)
    first = await kotally("product", "show", *here, "--version", "1", "--json")
    archived = await kotally("product", "archive", *here, "--json")

    assert (edited.json["version"], edited.json["credits"]) == (2, 12)
    assert edited.json["expiry_days"] is None
    assert "12 credits." in shown.out
    assert "never expire" in shown.out
    assert first.json["credits"] == 10
    assert first.json["sentences"][0] == "10 credits."
    assert archived.json["status"] == "archived"


async def test_a_membership_takes_its_rules(kotally: Kotally) -> None:
    await made_location(kotally)

    made = await kotally(
        *words("product create --location loc_1 --name Gold --type membership --credits 8"),
        *words("--period-months 3 --cancel-window-minutes 60 --restore-grace-days 0 --json"),
    )

    assert made.json["sentences"][0] == "8 credits every 3 months."
    assert made.json["product_config_id"].startswith("pc_")


async def test_a_token_is_rotated_and_deactivated(kotally: Kotally) -> None:
    await made_location(kotally)
    client = await kotally(
        *words("client create --location loc_1 --name Shop --scope grant --expires-days 30"),
        *("--rate", "5", "--json"),
    )
    client_id = client.json["client_id"]

    rotated = await kotally(
        "client", "rotate", "--client", client_id, "--overlap-days", "7", "--json"
    )
    again = await kotally("client", "rotate", "--client", client_id)
    out = await kotally("client", "deactivate", "--client", client_id, "--json")
    late = await kotally("client", "rotate", "--client", client_id, "--json")

    assert (client.json["requests_per_second"], client.json["expires_at"][-1]) == (5, "Z")
    assert rotated.json["token"] != client.json["token"]
    assert rotated.json["previous_valid_until"] is not None
    assert "within two seconds" in again.out
    assert out.json["status"] == "deactivated"
    assert (late.code, late.json["ok"]) == (1, False)


async def test_a_sandboxs_clock_is_advanced(kotally: Kotally) -> None:
    """Every time shown carries the zone of the location (S14.6)."""
    location = await made_location(kotally, "--sandbox")

    shown = await kotally("clock", "show", "--location", "loc_1", "--json")
    moved = await kotally("clock", "advance", "--location", "loc_1", "--days", "400", "--json")
    told = await kotally("clock", "advance", "--location", "loc_1", "--to", "2100-07-01T08:00")
    back = await kotally("clock", "advance", "--location", "loc_1", "--to", "2026-01-01", "--json")

    assert shown.json["now"] == moved.json["before"] == location.json["now"]
    assert moved.json["now"] > moved.json["before"]
    assert "2100 08:00:00 EDT America/New_York" in told.out
    assert (back.code, "forward" in back.json["error"]) == (1, True)


async def test_a_location_is_closed(kotally: Kotally) -> None:
    await made_location(kotally)

    closed = await kotally(
        *words("location set-status --location loc_1 --status disconnected --json")
    )

    assert closed.json["status"] == "disconnected"


async def test_the_books_are_proved_and_sealed(kotally: Kotally, tmp_path: Path) -> None:
    await made_location(kotally)
    kept = tmp_path / "seal.json"

    proof = await kotally("prove", "--json")
    here = await kotally("prove", "--location", "loc_1")
    sealed = await kotally("seal", "--location", "loc_1", "--output", str(kept), "--json")
    printed = await kotally("seal", "--location", "loc_1")
    compared = await kotally("prove", "--seal", str(kept), "--json")

    assert set(proof.json) == {"ok", "checked", "differences"}
    assert (proof.json["ok"], proof.json["differences"]) == (True, [])
    assert proof.json["checked"]["locations"] == 1
    assert "The books are right." in here.out
    assert sealed.json["number"] == 1
    assert '"number":2' in printed.out
    assert compared.json["ok"] is True


async def test_wrong_books_end_in_1(kotally: Kotally, owner_db: Database) -> None:
    await made_location(kotally)
    await owner_db.execute(
        """
        insert into kotally.contacts (location_id, id, external_id, created_at)
        values ('loc_1', gen_random_uuid(), 'c1', now())
        """
    )
    await owner_db.execute(
        """
        insert into kotally.balances (location_id, contact_id, available)
        select c.location_id, c.id, 7 from kotally.contacts c where c.location_id = 'loc_1'
        """
    )

    as_json = await kotally("prove", "--json")
    told = await kotally("prove")

    assert (as_json.code, as_json.json["ok"]) == (1, False)
    assert as_json.json["differences"][0]["location_id"] == "loc_1"
    assert told.code == 1
    assert "WRONG" in told.out


NOBODYS = "0199c0de-7a1e-7c3b-9f10-3b5e2d4c6a70"
PLAN = "product create --location loc_1 --name N --type membership --credits 5"
PACK = "product create --location loc_1 --name N --type package --credits 5"
REFUSED = [
    ("location create --workspace Nobody --name N --timezone UTC", "no workspace 'Nobody'"),
    ("location create --workspace Studio --name N --timezone Berlin", "mean Europe/Berlin"),
    ("location create --workspace Studio --name N --timezone UTC --id loc_1", "already"),
    ("location list --workspace Nobody", "no workspace"),
    ("location set-status --location loc_9 --status active", "no location 'loc_9'"),
    ("product create --location loc_9 --name N --type package --credits 1", "loc_9"),
    ("product create --location loc_1 --name N --type package --credits 0", "1 to 1000000"),
    ("product create --location loc_1 --name N --type package --credits -5", "-5"),
    (f"{PACK} --calendar cal:x", "write cal:2 for two credits, or cal:x:1"),
    (f"{PACK} --calendar cal_1:0", "cal_1 costs 1 to 1000 credits, not 0"),
    (f"{PACK} --calendar cal_1:-2", "cal_1 costs 1 to 1000 credits, not -2"),
    (f"{PACK} --calendar :2", "write cal_1, or cal_1:2"),
    ("product show --location loc_1 --product pc_9", "no product 'pc_9'"),
    ("product list --location loc_9", "loc_9"),
    ("client create --location loc_1 --name N", "at least one scope"),
    ("client create --location loc_1 --name N --scope all", "no scope 'all'"),
    ("client create --location loc_1 --name N --scope grant --expires-days 0", "not 0"),
    (
        "client create --location loc_1 --name N --scope grant --expires-at 2020-01-01T00:00:00Z",
        "cannot end in the past: 2020-01-01T00:00:00.000Z is over",
    ),
    (f"{PACK} --period-months 2", "A package has no periods"),
    (f"{PLAN} --period-months 0", "The product's rule period_months must be 1 or more."),
    ("client list --location loc_9", "loc_9"),
    ("clock advance --location loc_1 --days 1", "--sandbox"),
    ("clock show --location loc_9", "loc_9"),
    (f"membership renew --location loc_1 --membership {NOBODYS}", "There is no such membership"),
    (f"membership renew --location loc_1 --membership {NOBODYS}", "with MEMBERSHIP_NOT_FOUND."),
    ("prove --location loc_9", "loc_9"),
    ("prove --seal /nowhere/at/all", "/nowhere/at/all"),
    ("seal --location loc_9", "loc_9"),
    ("export --location loc_9 --format csv", "loc_9"),
]


async def test_a_refusal_is_one_sentence(kotally: Kotally) -> None:
    await made_location(kotally)

    for line, says in REFUSED:
        refused = await kotally(*words(line), "--json")

        assert (refused.code, refused.err, list(refused.json)) == (1, "", ["ok", "error"]), line
        assert refused.json["ok"] is False
        assert says in refused.json["error"]
    for line, says in REFUSED[:2]:
        told = await kotally(*words(line))

        assert (told.code, told.out, told.err.count("\n")) == (1, "", 1)
        assert says in told.err


async def test_the_ledger_is_exported(kotally: Kotally, tmp_path: Path) -> None:
    await made_location(kotally)
    here = ("export", "--location", "loc_1")
    file = tmp_path / "books.csv"

    table = await kotally(*here, "--format", "csv")
    journal = await kotally(*here, "--format", "beancount")
    as_json = await kotally(*here, "--format", "csv", "--json")
    kept = await kotally(*here, "--format", "csv", "--output", str(file), "--json")
    lost = await kotally(*here, "--format", "csv", "--output", str(tmp_path), "--json")

    assert table.out.startswith("id,")
    assert "loc_1" in journal.out
    assert as_json.json["content"].splitlines() == table.out.splitlines()
    assert kept.json["file"] == str(file)
    assert file.read_text().splitlines() == table.out.splitlines()
    assert (lost.code, "Cannot write" in lost.json["error"]) == (1, True)


@pytest.mark.parametrize(
    ("stdin", "says"), [(b"short\n", "at least 8"), (b"\xff" * 20, "UTF-8"), (b"", "at least 8")]
)
async def test_a_wrong_password_makes_nothing(
    kotally: Kotally, db: Database, stdin: bytes, says: str
) -> None:
    refused = await kotally(
        *words("workspace create --name N --owner-email a@b.de --password-stdin"), stdin=stdin
    )

    assert refused.code == 1
    assert says in refused.err
    assert await db.fetchval("select count(*) from kotally.workspaces") == 0


async def test_bytes_that_are_no_text_are_refused(kotally: Kotally, db: Database) -> None:
    name: Any = b"Stu\xffdio"

    refused = await kotally(
        *("workspace", "create", "--owner-email", "a@b.de", "--password-stdin", "--name", name),
        stdin=b"correct horse",
    )

    assert refused.code == 1
    assert "printed" in refused.err
