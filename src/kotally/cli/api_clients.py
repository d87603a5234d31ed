"""`kotally client`: the programs that may call the API."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from kotally.cli import screen
from kotally.cli.arguments import (
    Arguments,
    Commands,
    command,
    instant,
    location_option,
    noun,
    uuid,
    whole,
)
from kotally.cli.running import accepted, on_database
from kotally.cli.said import Failure, Said

if TYPE_CHECKING:
    from kotally.db import Database
    from kotally.workspaces.api_clients import ApiClient, Issued

HOURS_OF_DAY = 24
LIFE_DAYS_MAX = 36_500


def declare(commands: Commands) -> None:
    """Declare the commands."""
    verbs = noun(commands, "client", "API clients: programs with a token and its scopes.")
    _declare_create(verbs)
    found = command(verbs, "list", on_database(_list), about="List the clients.")
    location_option(found, required=False)
    rotate = command(verbs, "rotate", on_database(_rotate), about="Give a client a new token.")
    deactivate = command(
        verbs, "deactivate", on_database(_deactivate), about="Shut a client out for good."
    )
    for parser in (rotate, deactivate):
        parser.add_argument(
            "--client", metavar="C", type=uuid, required=True, help="the client's id"
        )
    overlap = rotate.add_mutually_exclusive_group()
    overlap.add_argument(
        "--overlap-hours", metavar="N", type=whole, help="the old token works on for so long (0)"
    )
    overlap.add_argument("--overlap-days", metavar="N", type=whole, help="the same in days, to 7")


def _declare_create(verbs: Commands) -> None:
    create = command(
        verbs, "create", on_database(_create), about="Create a client; prints its token once."
    )
    location_option(create)
    create.add_argument("--name", metavar="N", required=True, help="which program it is")
    create.add_argument(
        "--scope",
        metavar="S",
        action="append",
        default=[],
        help="what it may do: grant, check, deduct, restore, summary, …; repeat for more",
    )
    create.add_argument(
        "--rate", metavar="N", type=whole, help="requests a second it may send (1000)"
    )
    expiry = create.add_mutually_exclusive_group()
    expiry.add_argument("--expires-at", metavar="ISO", type=instant, help="when it ends by itself")
    expiry.add_argument(
        "--expires-days", metavar="N", type=whole, help="in how many days it ends by itself"
    )


async def _create(db: Database, arguments: Arguments) -> Said:
    from kotally.workspaces import api_clients

    issued = accepted(
        await api_clients.create(
            db,
            arguments.location,
            name=arguments.name,
            scopes=arguments.scope,
            rate=api_clients.RATE_DEFAULT if arguments.rate is None else arguments.rate,
            expires_at=_expiry(arguments),
        )
    )
    return _issued(issued, f"Client {issued.client.name} is made: {issued.client.id}")


async def _list(db: Database, arguments: Arguments) -> Said:
    from kotally.core.clock import now
    from kotally.workspaces import api_clients, locations

    if arguments.location is not None:
        accepted(await locations.find(db, arguments.location))
    found = await api_clients.listed(db, arguments.location)
    at = now()
    rows = [
        (
            each.id,
            each.location_id,
            each.name,
            _status(each, at),
            screen.time(each.last_used_at) or "never used",
            " ".join(each.scopes),
        )
        for each in found
    ]
    return Said(
        {"clients": [_facts(each, at) for each in found]},
        screen.table(("CLIENT", "LOCATION", "NAME", "STATUS", "LAST USED", "SCOPES"), rows)
        if rows
        else ["There is no client yet."],
    )


async def _rotate(db: Database, arguments: Arguments) -> Said:
    from kotally.workspaces import api_clients

    hours = (arguments.overlap_hours or 0) + (arguments.overlap_days or 0) * HOURS_OF_DAY
    issued = accepted(await api_clients.rotate(db, arguments.client, overlap_hours=hours))
    until = screen.time(issued.client.previous_valid_until)
    return _issued(
        issued,
        f"Client {issued.client.name} has a new token, which works at once; the old one "
        + (f"works until {until}." if until else "opens nothing any more within two seconds."),
    )


async def _deactivate(db: Database, arguments: Arguments) -> Said:
    from kotally.core.clock import now
    from kotally.workspaces import api_clients

    client = accepted(await api_clients.deactivate(db, arguments.client))
    return Said(
        _facts(client, now()),
        [f"Client {client.name} is out: within two seconds its token opens nothing any more."],
    )


def _issued(issued: Issued, first: str) -> Said:
    from kotally.core.clock import now

    facts = _facts(issued.client, now())
    client_id = facts.pop("client_id")
    return Said(
        {"client_id": client_id, "token": issued.token, **facts},
        [first, f"Token, shown only now: {issued.token}"],
    )


def _expiry(arguments: Arguments) -> datetime | None:
    from kotally.core.clock import now

    days = arguments.expires_days
    at: datetime | None = arguments.expires_at
    if days is None:
        if at is not None and at.tzinfo is not None and at <= now():
            raise Failure(f"A client cannot end in the past: {screen.time(at)} is over.")
        return at
    if not 1 <= days <= LIFE_DAYS_MAX:
        raise Failure(f"A client can live 1 to {LIFE_DAYS_MAX} days, not {days}.")
    return now() + timedelta(days=days)


def _status(client: ApiClient, at: datetime) -> str:
    if client.deactivated_at is not None:
        return "deactivated"
    if client.expires_at is not None and client.expires_at <= at:
        return "expired"
    return "active"


def _facts(client: ApiClient, at: datetime) -> dict[str, object]:
    return {
        "client_id": client.id,
        "location_id": client.location_id,
        "name": client.name,
        "status": _status(client, at),
        "scopes": client.scopes,
        "requests_per_second": client.requests_per_second,
        "expires_at": client.expires_at,
        "previous_valid_until": client.previous_valid_until,
        "deactivated_at": client.deactivated_at,
        "last_used_at": client.last_used_at,
    }
