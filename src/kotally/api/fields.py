"""
Declare the field types that requests and answers share.

Optional fields accept null as if they were absent: `Email | None = None`.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from msgspec import Meta

ID_LENGTH_MAX = 255
TEXT_LENGTH_MAX = 1_000
AMOUNT_MAX = 1_000_000_000
CENTS_MAX = 1_000_000_000_000
PAGE_SIZE = 20
PAGE_SIZE_MAX = 100
CURSOR_LENGTH_MAX = 500

# Two names of one thing: the contact's id in the caller's system.
CONTACT = ("external_contact_id", "ghl_contact_id")

_UUID = "0199c0de-7a1e-7c3b-9f10-3b5e2d4c6a70"
_OTHER_UUID = "0199c0de-7a1e-7c3b-9f10-3b5e2d4c6a71"
_TIME = "2026-04-16T09:30:00.000Z"

LocationId = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=ID_LENGTH_MAX,
        description="The location; must be the one the token is bound to.",
        examples=["loc_1"],
    ),
]
RequestId = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=ID_LENGTH_MAX,
        description="Chosen by the caller; the same id always gets the same answer, once done.",
        examples=["req_1001"],
    ),
]
ContactKey = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=ID_LENGTH_MAX,
        description=(
            "The contact's id in the caller's system, unique in the location; never our uuid of "
            "another contact."
        ),
        examples=["ghl_contact_123"],
    ),
]
ProductConfigId = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=ID_LENGTH_MAX,
        description="The product config.",
        examples=["pc_package_1"],
    ),
]
CalendarId = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=ID_LENGTH_MAX,
        description="The calendar of the appointment.",
        examples=["cal_1"],
    ),
]
ExternalRef = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=ID_LENGTH_MAX,
        description="The booking's reference in the caller's system.",
        examples=["appt_789"],
    ),
]
PaymentReference = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=ID_LENGTH_MAX,
        description="The payment's reference; the same payment never grants twice.",
        examples=["pay_456"],
    ),
]
ShortText = Annotated[str, Meta(min_length=1, max_length=ID_LENGTH_MAX)]
Text = Annotated[str, Meta(max_length=TEXT_LENGTH_MAX)]
Email = Annotated[
    str, Meta(min_length=3, max_length=320, description="E-mail.", examples=["member@example.com"])
]
Name = Annotated[
    str,
    Meta(
        min_length=1, max_length=TEXT_LENGTH_MAX, description="Name.", examples=["Member Example"]
    ),
]
Currency = Annotated[
    str, Meta(pattern="^[A-Za-z]{3}$", description="ISO 4217, three letters.", examples=["USD"])
]
Amount = Annotated[
    int, Meta(ge=1, le=AMOUNT_MAX, description="Credits, a whole number.", examples=[1])
]
Credits = Annotated[int, Meta(description="Credits, a whole number.", examples=[9])]
LostCredits = Annotated[
    int,
    Meta(
        description="Credits that went back to a lot that has expired and has no days of grace.",
        examples=[0],
    ),
]
Cents = Annotated[
    int, Meta(ge=0, le=CENTS_MAX, description="Money in the smallest unit.", examples=[9900])
]
Time = Annotated[
    datetime,
    Meta(tz=True, description="ISO 8601 with an offset.", examples=[_TIME]),
]
Metadata = Annotated[
    dict[str, Any],
    Meta(
        description="Free JSON, at most 16 KiB; stored and returned.", examples=[{"source": "crm"}]
    ),
]
RowId = Annotated[UUID, Meta(examples=[_UUID])]
OtherRowId = Annotated[UUID, Meta(examples=[_OTHER_UUID])]
Limit = Annotated[
    int, Meta(ge=1, le=PAGE_SIZE_MAX, description="How many at most.", examples=[PAGE_SIZE])
]
Cursor = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=CURSOR_LENGTH_MAX,
        description="`next_cursor` of the page before.",
    ),
]
