"""Products made, edited and archived by request: once for its key, each with a preview."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final

import msgspec

from kotally.core.calendar import iso
from kotally.db import Database
from kotally.ledger.acts import Key, Outcome
from kotally.ledger.scenes import Declined, Done, Scene, play
from kotally.products import products
from kotally.products.products import Changes, Product, ProductType, Terms
from kotally.products.rules import stored_rules
from kotally.products.sentences import sentences
from kotally.workspaces import locations
from kotally.workspaces.refusals import Refused

_CODES: Final = {
    "INVALID": "PRODUCT_INVALID",
    "TAKEN": "PRODUCT_ID_TAKEN",
    "NOT_FOUND": "CONFIG_NOT_FOUND",
    "NOT_ALLOWED": "PRODUCT_INVALID",
}


async def create(
    db: Database,
    location_id: str,
    *,
    type: ProductType,  # noqa: A002 - the word of the table, the API and the command line
    terms: Terms,
    key: Key,
    product_id: str | None = None,
    preview: bool = False,
) -> Outcome:
    """Create a product. Codes: `product_created`, PRODUCT_INVALID, PRODUCT_ID_TAKEN."""

    async def make(scene: Scene) -> Product | Refused:
        return await products.create(
            scene.tx, location_id, type=type, terms=terms, product_id=product_id
        )

    return await _played(db, location_id, "product_created", make=make, key=key, preview=preview)


async def edit(
    db: Database,
    location_id: str,
    product_id: str,
    *,
    changes: Changes,
    key: Key,
    preview: bool = False,
) -> Outcome:
    """
    Make a product's next version; who has an earlier one keeps it (S9.8).

    Codes: `product_changed`, PRODUCT_INVALID, PRODUCT_ARCHIVED, CONFIG_NOT_FOUND.
    """

    async def make(scene: Scene) -> Product | Refused:
        found = await products.find(scene.tx, location_id, product_id)
        if isinstance(found, Product) and found.status == "archived":
            raise Declined("PRODUCT_ARCHIVED", product_config_id=product_id)
        return await products.edit_in(scene.tx, location_id, product_id, changes=changes)

    return await _played(db, location_id, "product_changed", make=make, key=key, preview=preview)


async def archive(
    db: Database, location_id: str, product_id: str, *, key: Key, preview: bool = False
) -> Outcome:
    """Stop the sale of a product. Codes: `product_archived`, CONFIG_NOT_FOUND."""

    async def make(scene: Scene) -> Product | Refused:
        return await products.archive(scene.tx, location_id, product_id)

    return await _played(db, location_id, "product_archived", make=make, key=key, preview=preview)


async def promises(db: Any, location_id: str, product: Product) -> list[str]:  # noqa: ANN401 - whatever can be asked
    """Return what a product promises there, a sentence a rule."""
    location = await locations.find(db, location_id)
    assert not isinstance(location, Refused), location
    return sentences(product, cancel_window_minutes=location.cancel_window_minutes)


def facts_of(product: Product) -> dict[str, Any]:
    """Return what an answer says of a product."""
    terms = product.terms
    return {
        "product_config_id": product.id,
        "name": terms.name,
        "type": product.type,
        "status": product.status,
        "version": product.version,
        "credits": terms.credits,
        "expiry_days": terms.expiry_days,
        "calendars": terms.coverage,
        "rules": stored_rules(terms.rules),
        "created_at": iso(product.created_at),
    }


async def _played(
    db: Database,
    location_id: str,
    code: str,
    *,
    make: Callable[[Scene], Awaitable[Product | Refused]],
    key: Key,
    preview: bool,
) -> Outcome:
    async def work(scene: Scene) -> Done:
        product = await make(scene)
        if isinstance(product, Refused):
            raise Declined(_CODES[product.code], detail=product.message)
        said = await promises(scene.tx, location_id, product)
        return Done(code, msgspec.to_builtins(facts_of(product)) | {"sentences": said})

    return await play(db, location_id, code, key=key, work=work, preview=preview)
