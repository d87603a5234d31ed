"""Who comes instead of the contact whose credits pay, and which lots pay, in a request."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from msgspec import UNSET, Meta, Struct, UnsetType

from kotally.api import fields
from kotally.api.call import Call, Invalid, Refusal, Request
from kotally.api.entitlements import NotEligible
from kotally.bookings import overdue
from kotally.bookings.company import Company
from kotally.bookings.meeting import Somebody

LOTS_MAX = 100
_CHOOSING = "adjust"  # the scope of staff that names lots (S1.6)

Phone = Annotated[
    str, Meta(min_length=3, max_length=40, description="Phone.", examples=["+1 555 0100"])
]
BookedBy = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=fields.ID_LENGTH_MAX,
        description="Who asked for it, in the caller's words; the client if left out.",
        examples=["ghl_contact_123"],
    ),
]

Lots = Annotated[
    list[UUID],
    Meta(
        min_length=1,
        max_length=LOTS_MAX,
        description="The lots that pay, in this order, and no others; needs the scope `adjust` "
        "and `lots_reason`.",
    ),
]
LotsReason = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=fields.TEXT_LENGTH_MAX,
        description="Why those lots; it is kept.",
    ),
]


class Guest(Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """A guest, known again by id, e-mail or phone; somebody new becomes a contact."""

    contact_id: fields.ContactKey | None = None
    email: fields.Email | None = None
    name: fields.Name | None = None
    phone: Phone | None = None


class CompanyRequest(Request, frozen=True, kw_only=True, omit_defaults=True):
    """Name who comes instead, and the lots that pay."""

    beneficiary_contact_id: Annotated[
        fields.ContactKey | None,
        Meta(description="Who comes instead; the contact must share credits with them."),
    ] = None
    guest: Annotated[
        Guest | None, Meta(description="Who comes instead as a guest of the contact.")
    ] = None
    booked_by: BookedBy | None = None
    lots: Lots | None = None
    lots_reason: LotsReason | None = None

    def __post_init__(self) -> None:
        """Ask for one person at most, for who a guest is, and for the reason of named lots."""
        super().__post_init__()
        if self.guest is not None and self.beneficiary_contact_id is not None:
            raise Invalid("guest", "cannot be sent together with beneficiary_contact_id")
        if self.guest is not None and not (
            self.guest.contact_id or self.guest.email or self.guest.phone
        ):
            raise Invalid("guest", "needs a contact_id, an email or a phone")
        if (self.lots is None) != (self.lots_reason is None):
            missing, sent = (
                ("lots", "lots_reason") if self.lots is None else ("lots_reason", "lots")
            )
            raise Invalid(missing, f"is required when {sent} is sent")
        if self.lots is not None and len(set(self.lots)) < len(self.lots):
            raise Invalid("lots", "must name each lot once")

    def company(self) -> Company:
        """Say it as the domain does."""
        guest = self.guest
        return Company(
            beneficiary=self.beneficiary_contact_id,
            guest=guest
            and Somebody(
                reference=guest.contact_id, email=guest.email, name=guest.name, phone=guest.phone
            ),
            booked_by=self.booked_by,
            lots=self.lots or [],
            lots_reason=self.lots_reason,
        )


class CompanyRefusal(NotEligible, frozen=True, kw_only=True):
    """Say who was not allowed, and what of."""

    contact: str | UnsetType = UNSET
    contact_id: fields.OtherRowId | UnsetType = UNSET
    owner_id: fields.OtherRowId | UnsetType = UNSET
    user_id: fields.OtherRowId | UnsetType = UNSET
    product_config_id: str | UnsetType | None = UNSET
    visits: Annotated[int | UnsetType, Meta(description="How often the guest has come.")] = UNSET
    allowed: int | UnsetType = UNSET
    lot_id: fields.RowId | UnsetType = UNSET


CODES = (
    "CONTACT_NOT_FOUND",
    "NOT_SHARED",
    "GUEST_IS_OWNER",
    "GUESTS_NOT_ALLOWED",
    "GUEST_NOT_NEW",
    "GUEST_VISITS_USED",
    "LOT_NOT_USABLE",
)
"""Why credits are not for whoever shall come, or not those lots."""


def may_not_choose(call: Call[Any]) -> Refusal | None:
    """Refuse lots that were named by a client without the scope for it (S1.6)."""
    if call.request.lots is None or _CHOOSING in call.client.scopes:
        return None
    return call.refuse(
        "INSUFFICIENT_SCOPE",
        message=f"To name lots needs the scope `{_CHOOSING}`, too; use a client that has it.",
    )


async def brought_up_to_date(call: Call[Any], contact: str) -> None:
    """Do what is due of everybody whose credits may pay, and of who comes."""
    company: Company = call.request.company()
    await overdue.bring_company_up_to_date(
        call.engine.db, call.request.location_id, contact, beneficiary=company.beneficiary
    )
