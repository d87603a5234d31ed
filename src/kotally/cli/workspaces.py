"""`kotally workspace`: the customers and how their own billing stands."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from kotally.cli import screen
from kotally.cli.arguments import Arguments, Commands, choice_option, command, noun
from kotally.cli.running import accepted, on_database
from kotally.cli.said import Failure, Said

if TYPE_CHECKING:
    from kotally.db import Database
    from kotally.workspaces.workspaces import Workspace

STATUSES = ("active", "trialing", "past_due", "suspended")
PASSWORD_BYTES_MAX = 8_192


def declare(commands: Commands) -> None:
    """Declare the commands."""
    verbs = noun(commands, "workspace", "Workspaces: the paying customers.")
    create = command(
        verbs, "create", on_database(_create), about="Create a workspace and its owner."
    )
    create.add_argument("--name", metavar="N", required=True, help="what the customer is called")
    create.add_argument("--owner-email", metavar="E", required=True, help="who signs in first")
    create.add_argument(
        "--password-stdin",
        action="store_true",
        required=True,
        help="read the owner's password, at least 8 characters, from standard input",
    )
    command(verbs, "list", on_database(_list), about="List the workspaces.")
    billing = command(
        verbs, "set-billing", on_database(_set_billing), about="Say how a workspace's bill stands."
    )
    billing.add_argument("--workspace", metavar="W", required=True, help="its id or its name")
    choice_option(billing, "--status", STATUSES)


async def _create(db: Database, arguments: Arguments) -> Said:
    from kotally.workspaces import workspaces

    made = accepted(
        await workspaces.create(
            db,
            name=arguments.name,
            owner_email=arguments.owner_email,
            password=_read_password(),
        )
    )
    return Said(
        {**_facts(made), "owner_email": arguments.owner_email.strip()},
        [
            f"Workspace {made.name} is made: {made.id}",
            (
                f"Next: kotally location create --workspace {made.id} "
                "--name Main --timezone America/New_York"
            ),
        ],
    )


async def _list(db: Database, _: Arguments) -> Said:
    from kotally.workspaces import workspaces

    found = await workspaces.listed(db)
    rows = [(each.id, each.name, each.billing_status) for each in found]
    return Said(
        {"workspaces": [_facts(each) for each in found]},
        screen.table(("WORKSPACE", "NAME", "BILLING"), rows)
        if rows
        else ["There is no workspace yet."],
    )


async def _set_billing(db: Database, arguments: Arguments) -> Said:
    from kotally.workspaces import workspaces

    found = accepted(await workspaces.find(db, arguments.workspace))
    changed = accepted(await workspaces.set_billing(db, found.id, arguments.status))
    return Said(_facts(changed), [f"Workspace {changed.name} is {changed.billing_status} now."])


def _facts(workspace: Workspace) -> dict[str, object]:
    return {
        "workspace_id": workspace.id,
        "name": workspace.name,
        "billing_status": workspace.billing_status,
        "created_at": workspace.created_at,
    }


def _read_password() -> str:
    """Read one line; the line's end is no part of the password."""
    try:
        text = sys.stdin.buffer.readline(PASSWORD_BYTES_MAX).decode()
    except UnicodeDecodeError:
        raise Failure("The password on standard input is not UTF-8 text.") from None
    return text.rstrip("\r\n")
