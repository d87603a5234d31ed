"""GET /contacts, /products and /ledger: what there is in a location, and what moved."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from kotally.api import fields
from kotally.api.call import Answer, Call, Invalid, Reply
from kotally.api.contact_answers import NextCursor
from kotally.api.contact_shapes import Contact, LocationEntry
from kotally.api.listings import Listing, ListRequest
from kotally.api.routing import Route
from kotally.ledger import history
from kotally.products import catalogue
from kotally.workspaces import directory

_CONTACTS = Listing("contacts_loaded", "contacts", directory.After)
_PRODUCTS = Listing("products_loaded", "products", catalogue.After)
_LEDGER = Listing("ledger_loaded", "entries", history.Before)


class ContactsRequest(ListRequest, frozen=True, kw_only=True):
    """Ask for the contacts, all or those of an e-mail address or an id."""

    email: Annotated[
        fields.Email | None, Meta(description="Only contacts of this address, in any case.")
    ] = None
    external_contact_id: fields.ContactKey | None = None
    ghl_contact_id: fields.ContactKey | None = None

    def __post_init__(self) -> None:
        """Refuse two filters at once."""
        if self.email is not None and (self.external_contact_id or self.ghl_contact_id):
            raise Invalid("email", "cannot be sent together with a contact's id; send one of them")


class ProductsRequest(ListRequest, frozen=True, kw_only=True):
    """Ask for the products."""

    archived: Annotated[bool, Meta(description="Also those no longer sold.")] = False


class Product(Struct, frozen=True, kw_only=True):
    """A product config in its current version."""

    id: fields.ProductConfigId
    name: str
    type: Literal["package", "membership"]
    status: Literal["active", "archived"]
    version: int
    credits: fields.Credits
    expiry_days: Annotated[int | None, Meta(description="null: the credits never expire.")]
    calendars: Annotated[
        dict[str, int] | None,
        Meta(description="Credits asked by each calendar; null: one by every calendar."),
    ]
    rules: dict[str, Any]
    created_at: fields.Time
    changed_at: fields.Time


class ContactsLoaded(Answer, frozen=True, kw_only=True):
    """List contacts."""

    contacts: list[Contact]
    next_cursor: NextCursor


class ProductsLoaded(Answer, frozen=True, kw_only=True):
    """List product configs."""

    products: list[Product]
    next_cursor: NextCursor


class LocationLedgerLoaded(Answer, frozen=True, kw_only=True):
    """List what moved credits in a location."""

    entries: list[LocationEntry]
    next_cursor: NextCursor


async def contacts(call: Call[ContactsRequest]) -> Reply:
    """List the contacts of a location."""
    request = call.request
    external_id = request.external_contact_id or request.ghl_contact_id
    read = partial(
        directory.contacts,
        call.engine.db,
        request.location_id,
        email=request.email,
        external_id=external_id,
    )
    whose = f"{request.email} {external_id}"
    return await _CONTACTS.answer(call, read, whose) or _CONTACTS.nothing(call)


async def products(call: Call[ProductsRequest]) -> Reply:
    """List the product configs of a location."""
    request = call.request
    read = partial(
        catalogue.products, call.engine.db, request.location_id, archived=request.archived
    )
    return await _PRODUCTS.answer(call, read, "") or _PRODUCTS.nothing(call)


async def ledger(call: Call[ListRequest]) -> Reply:
    """List the ledger of a location."""
    read = partial(history.of_location, call.engine.db, call.request.location_id)
    return await _LEDGER.answer(call, read, "") or _LEDGER.nothing(call)


ROUTES = (
    Route(
        method="GET",
        path="/contacts",
        scope="summary",
        request=ContactsRequest,
        handler=contacts,
        answer=ContactsLoaded,
        codes=("contacts_loaded",),
        tag="Contacts",
        summary="List the contacts",
        description="The newest first; one filter at a time.",
    ),
    Route(
        method="GET",
        path="/products",
        scope="summary",
        request=ProductsRequest,
        handler=products,
        answer=ProductsLoaded,
        codes=("products_loaded",),
        tag="Products",
        summary="List the product configs",
        description="In the order of their ids, each in its current version.",
    ),
    Route(
        method="GET",
        path="/ledger",
        scope="summary",
        request=ListRequest,
        handler=ledger,
        answer=LocationLedgerLoaded,
        codes=("ledger_loaded",),
        tag="Ledger",
        summary="List the ledger of a location",
        description=(
            "Every movement of credits of every contact, the newest first by when it was recorded. "
            "Pages follow their cursor whatever is written meanwhile: nothing is left out or told "
            "twice."
        ),
    ),
)
