"""
Factories: plain functions that put rows into a test's database, and shorthand for acts.

They write as the owner or through the kernel's own functions, never past them: what a factory
makes keeps every rule of the books.
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import msgspec

from kotally.core.ids import new_id, public_id
from kotally.db import Queries

ACTOR = "tests"
_names = itertools.count(1)

_encode = msgspec.json.Encoder(order="deterministic").encode


class Act(NamedTuple):
    """The fields of `kotally.act`, in its order."""

    operation: str
    id: UUID
    request_id: str | None
    request_hash: bytes | None
    body: str | None
    correlation_id: UUID
    source: str
    actor: str
    external_contact_id: str | None
    product_config_id: str | None
    calendar_id: str | None
    amount: int | None
    appointment_at: datetime | None
    external_ref: str | None
    hold_id: UUID | None
    args: str | None


class Outcome(NamedTuple):
    """The fields of `kotally.outcome` but its place, and the answer's exact text."""

    code: str
    replayed: bool
    correlation_id: UUID
    answer: dict[str, Any]
    text: str


def name(prefix: str) -> str:
    """Return a name that no other test of this process uses."""
    return f"{prefix}-{next(_names)}"


async def location(
    owner: Queries,
    *,
    clock: datetime | None = None,
    timezone: str = "America/New_York",
    cancel_window_minutes: int = 720,
    billing_status: str = "active",
) -> str:
    """Make a location in a workspace of its own; with a clock it is a sandbox."""
    workspace_id, location_id = new_id(), public_id("loc")
    await owner.execute(
        "insert into kotally.workspaces (id, name, billing_status) values ($1, 'Studio', $2)",
        workspace_id,
        billing_status,
    )
    await owner.execute(
        """
        insert into kotally.locations
          (id, workspace_id, name, timezone, is_sandbox, clock_at, cancel_window_minutes)
        values ($1, $2, 'Studio', $3, $4, $5, $6)
        """,
        location_id,
        workspace_id,
        timezone,
        clock is not None,
        clock,
        cancel_window_minutes,
    )
    return location_id


async def product(
    db: Queries,
    location_id: str,
    product_id: str = "pc_1",
    *,
    kind: str = "package",
    credits_: int = 10,
    coverage: Mapping[str, int] | None = None,
    rules: Mapping[str, Any] | None = None,
) -> str:
    """Make a product with one version."""
    await db.execute(
        """
        insert into kotally.products (location_id, id, type, created_at)
        values ($1, $2, $3, kotally.location_now($1))
        """,
        location_id,
        product_id,
        kind,
    )
    await db.execute(
        """
        insert into kotally.product_versions
          (location_id, product_id, version, name, credits, coverage, rules, created_at)
        values ($1, $2, 1, 'Product', $3, $4, $5, kotally.location_now($1))
        """,
        location_id,
        product_id,
        credits_,
        coverage,
        dict(rules or {}),
    )
    return product_id


async def contact(owner: Queries, location_id: str, external_id: str = "ana") -> UUID:
    """Make a contact with an empty balance, or return the one of that name."""
    await owner.execute(
        """
        insert into kotally.contacts (location_id, id, external_id, created_at)
        values ($1, $2, $3, kotally.location_now($1)) on conflict do nothing
        """,
        location_id,
        new_id(),
        external_id,
    )
    contact_id = await owner.fetchval(
        "select id from kotally.contacts where location_id = $1 and external_id = $2",
        location_id,
        external_id,
    )
    await owner.execute(
        "insert into kotally.balances (location_id, contact_id) values ($1, $2)"
        " on conflict do nothing",
        location_id,
        contact_id,
    )
    return contact_id


async def lot(
    owner: Queries, location_id: str, credits_: int, *, contact: UUID, **columns: Any
) -> UUID:
    """Issue a lot to a contact; `columns` are those of `kotally.lots`."""
    lot_id = columns.setdefault("id", new_id())
    columns = {
        "entitlement_id": new_id(),
        "product_config_id": "pc_1",
        "product_version": 1,
        **columns,
    }
    await owner.execute(
        """
        select kotally.post($1, kotally.location_now($1),
          array[row($2::uuid, $3::uuid, 'grant', 'purchase', 'import', $4::text, $3::uuid::text,
                    0::smallint, $3::uuid, null, null, null, null, null,
                    array[row($5::uuid, 'issued', 'available', $6::bigint)::kotally.new_entry]
                   )::kotally.new_posting],
          array[jsonb_populate_record(
            kotally.empty_lot($1, $2::uuid, kotally.location_now($1)), $7::jsonb)])
        """,
        location_id,
        contact,
        new_id(),
        ACTOR,
        lot_id,
        credits_,
        columns,
    )
    return lot_id


async def contact_with_lot(
    owner: Queries, location_id: str, external_id: str = "ana", credits_: int = 10, **columns: Any
) -> UUID:
    """Make a contact that holds one lot, and return the contact."""
    contact_id = await contact(owner, location_id, external_id)
    await lot(owner, location_id, credits_, contact=contact_id, **columns)
    return contact_id


def act(operation: str, external_contact_id: str | None = "ana", **fields: Any) -> Act:
    """
    Make an act; `fields` are those of Act.

    The body is what was asked for, so the same call with the same `request_id` is a repetition;
    `request_id` None makes an act that is not remembered. `args` is a mapping.
    """
    request_id = fields.pop("request_id", name("request"))
    made: dict[str, Any] = {
        "id": new_id(),
        "correlation_id": new_id(),
        "source": "api",
        "actor": ACTOR,
        "product_config_id": None,
        "calendar_id": None,
        "amount": None,
        "appointment_at": None,
        "external_ref": None,
        "hold_id": None,
        "args": None,
    } | fields
    asked = {"operation": operation, "contact": external_contact_id} | {
        key: value for key, value in made.items() if key not in {"id", "correlation_id"}
    }
    body = _encode(asked)
    if made["args"] is not None:
        made["args"] = _encode(made["args"]).decode()
    return Act(
        operation=operation,
        request_id=request_id,
        request_hash=hashlib.sha256(body).digest(),
        body=body.decode(),
        external_contact_id=external_contact_id,
        **made,
    )


def deduct(amount: int = 1, external_contact_id: str = "ana", **fields: Any) -> Act:
    """Take credits; for the default product unless a product or a calendar is named."""
    if "calendar_id" not in fields:
        fields.setdefault("product_config_id", "pc_1")
    return act("deduct", external_contact_id, amount=amount, **fields)


def check(amount: int = 1, external_contact_id: str = "ana", **fields: Any) -> Act:
    """Ask what a deduction would come to."""
    return deduct(amount, external_contact_id, request_id=None, **fields)._replace(
        operation="check"
    )


def hold(amount: int = 1, external_contact_id: str = "ana", **fields: Any) -> Act:
    """Reserve credits."""
    if "calendar_id" not in fields:
        fields.setdefault("product_config_id", "pc_1")
    return act("hold", external_contact_id, amount=amount, **fields)


def restore(amount: int = 1, external_contact_id: str = "ana", **fields: Any) -> Act:
    """Give back a deduction."""
    return act("restore", external_contact_id, amount=amount, **fields)


def grant(
    credits_: int = 10,
    external_contact_id: str = "ana",
    *,
    payment: str | None = None,
    lot: Mapping[str, Any] | None = None,
    membership: Mapping[str, Any] | None = None,
    **fields: Any,
) -> Act:
    """Pay for version 1 of a product (`pc_1` unless named); `lot` holds columns of the lot."""
    paid_at = fields.pop("paid_at", "2026-01-01T00:00:00Z")
    payment = payment or name("payment")
    entitlement_id, payment_id = new_id(), new_id()
    args: dict[str, Any] = {
        "contact_id": new_id(),
        "provider": "stripe",
        "external_payment_id": payment,
        "version": 1,
        "type": "membership" if membership else "package",
        "credits": credits_,
        "entitlement_id": entitlement_id,
        "payment_id": payment_id,
        "event_type": "payment_confirmed",
        "paid_at": paid_at,
        "starts_at": paid_at,
        **({"membership": membership} if membership else {}),
    }
    if credits_:
        args["lot"] = {"id": new_id(), "product_version": 1, "payment_id": payment_id} | dict(
            lot or {}
        )
    fields.setdefault("product_config_id", "pc_1")
    made = act("grant", external_contact_id, **fields)
    body = _encode([payment, external_contact_id, credits_])
    return made._replace(
        args=_encode(args).decode(),
        body=body.decode(),
        request_hash=hashlib.sha256(body).digest(),
    )


async def applied(
    db: Queries, location_id: str, acts: Sequence[Act], *, atomic: bool = False
) -> list[Outcome]:
    """Carry out acts in one batch; the outcomes stand in the acts' order."""
    rows = await db.fetch(
        "select ord, code, replayed, correlation_id, answer"
        "  from kotally.apply($1, $2::kotally.act[], $3) order by ord",
        location_id,
        list(acts),
        atomic,
    )
    assert [row["ord"] for row in rows] == list(range(1, len(acts) + 1))
    return [
        Outcome(
            row["code"],
            row["replayed"],
            row["correlation_id"],
            msgspec.json.decode(row["answer"]),
            row["answer"],
        )
        for row in rows
    ]


def decoded(text: str | None) -> Any:
    """Read JSON."""
    return msgspec.json.decode(text or "null")
