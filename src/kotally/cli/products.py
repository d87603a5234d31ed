"""`kotally product`: what a location sells."""

from __future__ import annotations

import sys
from pathlib import Path
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
from kotally.cli.said import Failure, Said

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
    edit = command(
        verbs, "edit", on_database(_edit), about="Make the next version; what was sold stays."
    )
    for parser in (show, archive, edit):
        location_option(parser)
        _product_option(parser)
    show.add_argument("--version", metavar="N", type=whole, help="an earlier version of it")
    _terms_options(edit, required=False)
    edit.add_argument("--never-expires", action="store_true", help="instead of --expiry-days")
    edit.add_argument("--all-calendars", action="store_true", help="instead of --calendar")


def _declare_create(verbs: Commands) -> None:
    create = command(verbs, "create", on_database(_create), about="Create a product.")
    location_option(create)
    choice_option(create, "--type", TYPES)
    create.add_argument("--id", metavar="pc_1", help="an id of your own; made up without it")
    _terms_options(create, required=True)


def _terms_options(parser: Parser, *, required: bool) -> None:
    """Take what a version says."""
    parser.add_argument("--name", metavar="N", required=required, help="what it is called")
    parser.add_argument(
        "--credits",
        metavar="N",
        type=whole,
        required=required,
        help="credits of a package, or of each period of a membership",
    )
    parser.add_argument(
        "--expiry-days", metavar="N", type=whole, help="days a package is good for; else for ever"
    )
    parser.add_argument(
        "--calendar",
        metavar="cal_1[:2]",
        action="append",
        default=[],
        help="a calendar it pays for, and the whole credits a place costs there (1); repeat for "
        "more, leave out for all; an id that holds a colon needs its number: a:b:1",
    )
    for name, about in RULES.items():
        parser.add_argument(name, metavar="N", type=whole, help=about)
    parser.add_argument(
        "--rules",
        metavar="JSON|FILE",
        help="all its rules as one JSON object, or a file with it; - reads standard input",
    )


def _product_option(parser: Parser) -> None:
    parser.add_argument("--product", metavar="P", required=True, help="the product's id")


async def _create(db: Database, arguments: Arguments) -> Said:
    from kotally.products import products
    from kotally.products.coverage import parse_coverage
    from kotally.products.products import Terms
    from kotally.products.rules import Rules

    terms = Terms(
        name=arguments.name,
        credits=arguments.credits,
        expiry_days=arguments.expiry_days,
        coverage=accepted(parse_coverage(arguments.calendar)),
        rules=_rules(arguments, Rules()),
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


async def _edit(db: Database, arguments: Arguments) -> Said:
    from kotally.products import products

    found = accepted(await products.find(db, arguments.location, arguments.product))
    rules = _rules(arguments, found.terms.rules)
    changes = products.Changes(**_given_terms(arguments), rules=rules)
    edited = accepted(
        await products.edit(db, arguments.location, arguments.product, changes=changes)
    )
    return await _said(db, arguments.location, edited)


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


def _given_terms(arguments: Arguments) -> dict[str, Any]:
    """Return the terms that an edit names."""
    from kotally.products.coverage import parse_coverage

    given: dict[str, Any] = {
        name: value
        for name in ("name", "credits", "expiry_days")
        if (value := getattr(arguments, name)) is not None
    }
    if arguments.never_expires:
        given["expiry_days"] = None
    if arguments.calendar or arguments.all_calendars:
        given["coverage"] = accepted(parse_coverage(arguments.calendar))
    return given


def _rules(arguments: Arguments, before: Rules) -> Rules:
    """Return the rules that the command line names: all anew by `--rules`, or one by one."""
    import msgspec

    from kotally.products.rules import Rules

    if arguments.rules is not None:
        try:
            before = msgspec.json.decode(_rules_text(arguments.rules), type=Rules)
        except msgspec.MsgspecError as fault:
            raise Failure(f"Cannot read the rules: {fault}.") from fault
    return msgspec.structs.replace(before, **_given_rules(arguments))


def _rules_text(given: str) -> bytes:
    if given.lstrip().startswith("{"):
        return given.encode()
    try:
        return sys.stdin.buffer.read() if given == "-" else Path(given).read_bytes()
    except OSError as fault:
        raise Failure(f"Cannot read the rules: {fault}.") from fault


def _given_rules(arguments: Arguments) -> dict[str, Any]:
    """Return the rules that the command line names one by one."""
    names = [option.removeprefix("--").replace("-", "_") for option in RULES]
    return {name: value for name in names if (value := getattr(arguments, name)) is not None}


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
        "rules": _stored(product),
    }


def _stored(product: Product) -> dict[str, Any]:
    from kotally.products.rules import stored_rules

    return stored_rules(product.terms.rules)
