"""Workspaces: the customers, each with an owner, locations and a billing status."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Final, Literal, get_args
from uuid import UUID

from msgspec import Struct

from kotally.core.ids import new_id
from kotally.db import Queries
from kotally.workspaces.passwords import hashed, password_fault
from kotally.workspaces.refusals import Refused, invalid, not_found, text_fault

BillingStatus = Literal["active", "trialing", "past_due", "suspended"]

EMAIL_LENGTH_MAX: Final = 320
BILLING_STATUSES: Final[tuple[BillingStatus, ...]] = get_args(BillingStatus)
_EMAIL: Final = re.compile(r"[^@\s]+@[^@\s.]+(\.[^@\s.]+)*")


class Workspace(Struct, frozen=True, kw_only=True):
    """One paying customer."""

    id: UUID
    name: str
    billing_status: BillingStatus
    created_at: datetime


async def create(db: Queries, *, name: str, owner_email: str, password: str) -> Workspace | Refused:
    """Create a billing-active workspace and its owner, who signs in with the password."""
    name, owner_email = name.strip(), owner_email.strip()
    fault = text_fault("name", name) or email_fault(owner_email) or password_fault(password)
    if fault:
        return fault
    # One statement makes both or none; the keys are checked when it ends.
    made = await db.one(
        Workspace,
        """
        with owner as (
          insert into kotally.users (id, workspace_id, email, password_hash, role)
          values ($3, $1, $4, $5, 'owner')
          on conflict do nothing
          returning workspace_id)
        insert into kotally.workspaces (id, name)
        select owner.workspace_id, $2 from owner
        returning id, name, billing_status, created_at
        """,
        new_id(),
        name,
        new_id(),
        owner_email,
        await hashed(password),
    )
    return made or Refused(
        "TAKEN", f"{owner_email} belongs to a user already; choose another owner email."
    )


async def set_billing(
    db: Queries, workspace_id: UUID, status: BillingStatus
) -> Workspace | Refused:
    """Say how the workspace stands with us; `suspended` stops new movements, not reads."""
    changed = await db.one(
        Workspace,
        """
        update kotally.workspaces set billing_status = $2 where id = $1
        returning id, name, billing_status, created_at
        """,
        workspace_id,
        status,
    )
    return changed or _unknown(str(workspace_id))


async def find(db: Queries, reference: str) -> Workspace | Refused:
    """Find a workspace by its id, or by its exact name if only one has it."""
    found = await db.rows(
        Workspace,
        """
        select id, name, billing_status, created_at from kotally.workspaces
         where id = $1 or name = $2
         order by id = $1 desc nulls last, id limit 2
        """,
        as_uuid(reference),
        reference,
    )
    if not found:
        return _unknown(reference)
    if len(found) > 1 and str(found[0].id) != reference.lower():
        return invalid(f"More than one workspace is named {reference!r}; name it by its id.")
    return found[0]


async def listed(db: Queries) -> list[Workspace]:
    """List every workspace, the oldest first."""
    return await db.rows(
        Workspace,
        "select id, name, billing_status, created_at from kotally.workspaces order by id",
    )


def email_fault(email: str) -> Refused | None:
    """Refuse what cannot be an email address; whether it is one, only a mail can tell."""
    if fault := text_fault("email", email, longest=EMAIL_LENGTH_MAX):
        return fault
    if not _EMAIL.fullmatch(email):
        return invalid(f"{email!r} is no email address; write it like name@example.com.")
    return None


def as_uuid(text: str) -> UUID | None:
    """Read a uuid, or None when the text is none."""
    try:
        return UUID(text)
    except ValueError:
        return None


def _unknown(reference: str) -> Refused:
    return not_found(
        f"There is no workspace {reference!r}; `kotally workspace list` shows all of them."
    )
