"""`kotally product`: what a location sells."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kotally.cli import screen
from kotally.cli.arguments import (
    Arguments,
    Commands,
    Parser,
    choice_option,
    command,
    location_option,
    noun,
    whole,
)
from kotally.cli.running import accepted, on_database
from kotally.cli.said import Said

if TYPE_CHECKING:
    from kotally.db import Database
    from kotally.products.products import Product
    from kotally.products.rules import Rules

TYPES = ("package", "membership")
RULES = {
    "--period-months": "months in a period of a membership (1)",
    "--cancel-window-minutes": "a booking is cancelled for free until so long before its start "
    "(the location's own)",
    "--restore-grace-days": "days that credits live which come back expired (7)",
}


def declare(commands: Commands) -> None:
    """Declare the commands."""
    verbs = noun(commands, "product", "Products: packages and memberships.")
    _declare_create(verbs)
    found = command(verbs, "list", on_database(_list), about="List the products of a location.")
    location_option(found)
    found.add_argument("--archived", action="store_true", help="with the archived ones")
    show = command(verbs, "show", on_database(_show), about="Say what a product promises.")
    archive = command(
        verbs, "archive", on_database(_archive), about="Stop selling; what was sold lives on."
    )
    for parser in (show, archive):
        location_option(parser)
        _product_option(parser)
    show.add_argument("--version", metavar="N", type=whole, help="an earlier version of it")


def _declare_create(verbs: Commands) -> None:
    create = command(verbs, "create", on_database(_create), about="Create a product.")
    location_option(create)
    create.add_argument("--name", metavar="N", required=True, help="what it is called")
    choice_option(create, "--type", TYPES)
    create.add_argument(
        "--credits",
        metavar="N",
        type=whole,
        required=True,
        help="credits of a package, or of each period of a membership",
    )
    create.add_argument(
        "--expiry-days", metavar="N", type=whole, help="days a package is good for; else for ever"
    )
    create.add_argument(
        "--calendar",
        metavar="cal_1[:2]",
        action="append",
        default=[],
        help="a calendar it pays for, and the credits a place costs there; repeat for more, "
        "leave out for all",
    )
    create.add_argument("--id", metavar="pc_1", help="an id of your own; made up without it")
    for name, about in RULES.items():
        create.add_argument(name, metavar="N", type=whole, help=about)


def _product_option(parser: Parser) -> None:
    parser.add_argument("--product", metavar="P", required=True, help="the product's id")


async def _create(db: Database, arguments: Arguments) -> Said:
    from kotally.products import products
    from kotally.products.coverage import parse_coverage
    from kotally.products.products import Terms

    terms = Terms(
        name=arguments.name,
        credits=arguments.credits,
        expiry_days=arguments.expiry_days,
        coverage=accepted(parse_coverage(arguments.calendar)),
        rules=_rules(arguments),
    )
    made = accepted(
        await products.create(
            db, arguments.location, type=arguments.type, terms=terms, product_id=arguments.id
        )
    )
    said = await _said(db, arguments.location, made)
    first = f"Product {made.terms.name} is made: {made.id}"
    return said._replace(
        lines=[
            first,
            *said.lines[1:],
            (
                f'Next: kotally client create --location {arguments.location} --name "My program" '
                "--scope grant --scope check --scope deduct --scope restore --scope summary"
            ),
        ]
    )


async def _list(db: Database, arguments: Arguments) -> Said:
    from kotally.products import products
    from kotally.workspaces import locations

    location = accepted(await locations.find(db, arguments.location))
    found = await products.listed(db, location.id, archived=arguments.archived)
    rows = [
        (each.id, each.terms.name, each.type, each.terms.credits, each.version, each.status)
        for each in found
    ]
    return Said(
        {"location_id": location.id, "products": [_facts(each) for each in found]},
        screen.table(("PRODUCT", "NAME", "TYPE", "CREDITS", "VERSION", "STATUS"), rows)
        if rows
        else [f"There is no product in {location.id} yet."],
    )


async def _show(db: Database, arguments: Arguments) -> Said:
    from kotally.products import products

    found = accepted(
        await products.find(db, arguments.location, arguments.product, version=arguments.version)
    )
    return await _said(db, arguments.location, found)


async def _archive(db: Database, arguments: Arguments) -> Said:
    from kotally.products import products

    archived = accepted(await products.archive(db, arguments.location, arguments.product))
    return Said(
        {"location_id": arguments.location, **_facts(archived)},
        [f"Product {archived.id} is archived: nobody can buy it, and what was bought stays."],
    )


async def _said(db: Database, location_id: str, product: Product) -> Said:
    from kotally.products.sentences import sentences
    from kotally.workspaces import locations

    location = accepted(await locations.find(db, location_id))
    promises = sentences(product, cancel_window_minutes=location.cancel_window_minutes)
    return Said(
        {"location_id": location_id, **_facts(product), "sentences": promises},
        [
            (
                f"{product.terms.name} ({product.id}), {product.type}, version {product.version}, "
                f"{product.status}"
            ),
            *(f"  {promise}" for promise in promises),
        ],
    )


def _rules(arguments: Arguments) -> Rules:
    from kotally.products.rules import Rules

    names = [option.removeprefix("--").replace("-", "_") for option in RULES]
    given: dict[str, Any] = {
        name: value for name in names if (value := getattr(arguments, name)) is not None
    }
    return Rules(**given)


def _facts(product: Product) -> dict[str, object]:
    return {
        "product_config_id": product.id,
        "name": product.terms.name,
        "type": product.type,
        "status": product.status,
        "version": product.version,
        "credits": product.terms.credits,
        "expiry_days": product.terms.expiry_days,
        "coverage": product.terms.coverage,
    }
