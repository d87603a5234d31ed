"""Products and their versions: an edit makes the next version and touches nobody (S9.8)."""

from __future__ import annotations

from datetime import datetime
from typing import Final, Literal, get_args

import msgspec
from msgspec import UNSET, Struct, UnsetType

from kotally.core.ids import public_id
from kotally.db import Database, Queries, Transaction
from kotally.products.coverage import Coverage, coverage_fault
from kotally.products.rules import Rules, read_rules, rules_fault, stored_rules
from kotally.workspaces import locations
from kotally.workspaces.locations import PUBLIC_ID, PUBLIC_ID_FORM
from kotally.workspaces.refusals import Refused, invalid, not_found, text_fault

ProductType = Literal["package", "membership"]
ProductStatus = Literal["active", "archived"]

PRODUCT_TYPES: Final[tuple[ProductType, ...]] = get_args(ProductType)
CREDITS_MAX: Final = 1_000_000
EXPIRY_DAYS_MAX: Final = 36_500


class Terms(Struct, frozen=True, kw_only=True):
    """
    What one version of a product says.

    `credits` is what a purchase, or each period of a membership, issues. `expiry_days` None means
    that a package's credits never expire; those of a membership end with their period (S6).
    """

    name: str
    credits: int
    expiry_days: int | None = None
    coverage: Coverage | None = None
    rules: Rules = Rules()


class Changes(Struct, frozen=True, kw_only=True):
    """What an edit changes; what is unset stays."""

    name: str | UnsetType = UNSET
    credits: int | UnsetType = UNSET
    expiry_days: int | UnsetType | None = UNSET
    coverage: Coverage | UnsetType | None = UNSET
    rules: Rules | UnsetType = UNSET


class Product(Struct, frozen=True, kw_only=True):
    """A product in one of its versions."""

    id: str
    type: ProductType
    status: ProductStatus
    version: int
    terms: Terms
    created_at: datetime


class _Row(Struct, frozen=True, kw_only=True):
    id: str
    type: ProductType
    status: ProductStatus
    version: int
    name: str
    credits: int
    expiry_days: int | None
    coverage: Coverage | None
    rules: dict[str, object]
    created_at: datetime


async def create(
    db: Queries,
    location_id: str,
    *,
    type: ProductType,  # noqa: A002 - the word of the table, the API and the command line
    terms: Terms,
    product_id: str | None = None,
) -> Product | Refused:
    """Create a product in its first version; without an id it gets one like `pc_7k2m9x4c1d0a`."""
    terms = msgspec.structs.replace(terms, name=terms.name.strip())
    if fault := terms_fault(type, terms):
        return fault
    if product_id is not None and not PUBLIC_ID.fullmatch(product_id):
        return invalid(f"{product_id!r} cannot be a product's id; {PUBLIC_ID_FORM}.")
    location = await locations.find(db, location_id)
    if isinstance(location, Refused):
        return location
    made = await db.fetchval(
        """
        with product as (
          insert into kotally.products (location_id, id, type, created_at)
          values ($1, $2, $3, $4)
          on conflict (location_id, id) do nothing
          returning location_id, id, version)
        insert into kotally.product_versions (
          location_id, product_id, version, name, credits, expiry_days, coverage, rules, created_at)
        select product.location_id, product.id, product.version, $5, $6, $7, $8, $9, $4
          from product
        returning product_id
        """,
        location_id,
        product_id or public_id("pc"),
        type,
        location.now,
        *_columns(terms),
    )
    if made is None:
        return Refused("TAKEN", f"There is a product {product_id} already; choose another id.")
    return await find(db, location_id, made)


async def find(
    db: Queries, location_id: str, product_id: str, *, version: int | None = None
) -> Product | Refused:
    """Find a product, archived or not, in its current version or the one named."""
    row = await db.one(
        _Row,
        """
        select p.id, p.type, p.status, v.version, v.name, v.credits, v.expiry_days, v.coverage,
               v.rules, p.created_at
          from kotally.products p
          join kotally.product_versions v
            on v.location_id = p.location_id and v.product_id = p.id
           and v.version = coalesce($3, p.version)
         where p.location_id = $1 and p.id = $2
        """,
        location_id,
        product_id,
        version,
    )
    if row is not None:
        return _product(row)
    newest = None if version is None else await find(db, location_id, product_id)
    if isinstance(newest, Product):
        return not_found(
            f"There is no version {version} of product {product_id!r}; "
            f"its newest is {newest.version}."
        )
    return _unknown(location_id, product_id)


async def listed(db: Queries, location_id: str, *, archived: bool = False) -> list[Product]:
    """List the products of a location in their current versions; with the archived ones on wish."""
    rows = await db.rows(
        _Row,
        """
        select p.id, p.type, p.status, v.version, v.name, v.credits, v.expiry_days, v.coverage,
               v.rules, p.created_at
          from kotally.products p
          join kotally.product_versions v
            on v.location_id = p.location_id and v.product_id = p.id and v.version = p.version
         where p.location_id = $1 and ($2 or p.status = 'active')
         order by p.created_at, p.id
        """,
        location_id,
        archived,
    )
    return [_product(row) for row in rows]


async def edit(
    db: Database, location_id: str, product_id: str, *, changes: Changes
) -> Product | Refused:
    """Make the next version; credits that were issued and running memberships stay as they are."""
    async with db.transaction() as tx:
        return await edit_in(tx, location_id, product_id, changes=changes)


async def edit_in(
    tx: Transaction, location_id: str, product_id: str, *, changes: Changes
) -> Product | Refused:
    """Make the next version as part of a larger act."""
    await tx.execute(
        "select from kotally.products where location_id = $1 and id = $2 for no key update",
        location_id,
        product_id,
    )
    product = await find(tx, location_id, product_id)
    if isinstance(product, Refused):
        return product
    terms = _changed(product.terms, changes)
    if terms == product.terms:
        return product
    return terms_fault(product.type, terms) or await _add_version(
        tx, location_id, product, terms=terms
    )


async def archive(db: Queries, location_id: str, product_id: str) -> Product | Refused:
    """Stop the sale of a product; its credits and running memberships live on. Safe to repeat."""
    await db.execute(
        "update kotally.products set status = 'archived' where location_id = $1 and id = $2",
        location_id,
        product_id,
    )
    return await find(db, location_id, product_id)


def terms_fault(type_: ProductType, terms: Terms) -> Refused | None:
    """Refuse terms that no product of this type can have."""
    least = 1 if type_ == "package" else 0
    if fault := text_fault("name", terms.name):
        return fault
    if not least <= terms.credits <= CREDITS_MAX:
        return invalid(f"A {type_} has {least} to {CREDITS_MAX} credits, not {terms.credits}.")
    if terms.expiry_days is not None:
        if type_ == "membership":
            return invalid(
                "A membership's credits expire with their period; leave the expiry days out."
            )
        if not 0 <= terms.expiry_days <= EXPIRY_DAYS_MAX:
            return invalid(
                f"Credits live 0 to {EXPIRY_DAYS_MAX} days after the day of purchase, "
                f"not {terms.expiry_days}; leave the days out for credits that never expire."
            )
    if fault := coverage_fault(terms.coverage) or rules_fault(terms.rules):
        return fault
    if type_ == "package" and terms.rules.period_months != 1:
        return invalid("A package has no periods; leave the months of a period out.")
    return None


async def _add_version(
    tx: Transaction, location_id: str, product: Product, *, terms: Terms
) -> Product | Refused:
    """Write the next version; the caller holds the product's row."""
    await tx.execute(
        """
        insert into kotally.product_versions (
          location_id, product_id, version, created_at, name, credits, expiry_days, coverage, rules)
        values ($1, $2, $3, kotally.location_now($1), $4, $5, $6, $7, $8)
        """,
        location_id,
        product.id,
        product.version + 1,
        *_columns(terms),
    )
    await tx.execute(
        "update kotally.products set version = $3 where location_id = $1 and id = $2",
        location_id,
        product.id,
        product.version + 1,
    )
    return await find(tx, location_id, product.id)


def _changed(terms: Terms, changes: Changes) -> Terms:
    return msgspec.structs.replace(
        terms,
        **{
            field: value
            for field in Changes.__struct_fields__
            if (value := getattr(changes, field)) is not UNSET
        },
    )


def _columns(terms: Terms) -> tuple[object, ...]:
    return (
        terms.name,
        terms.credits,
        terms.expiry_days,
        terms.coverage,
        stored_rules(terms.rules),
    )


def _product(row: _Row) -> Product:
    return Product(
        id=row.id,
        type=row.type,
        status=row.status,
        version=row.version,
        terms=Terms(
            name=row.name,
            credits=row.credits,
            expiry_days=row.expiry_days,
            coverage=row.coverage,
            rules=read_rules(row.rules),
        ),
        created_at=row.created_at,
    )


def _unknown(location_id: str, product_id: str) -> Refused:
    return not_found(
        f"There is no product {product_id!r} in {location_id}; "
        f"`kotally product list --location {location_id}` shows all of them."
    )
