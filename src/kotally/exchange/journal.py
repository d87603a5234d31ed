"""
Write postings as a beancount journal.

A location has one commodity and each bucket of each member one account. Seen from the studio:

- `Liabilities:Available`, `:Held`, `:Suspended`: credits that the studio still owes its member.
- `Assets:Issued`: what has been issued against payment; `Assets:Owed`: what the member owes.
- `Income:Consumed`, `:Penalty`, `:Expired`, `:Forfeited`: what the studio has earned.
- `Equity:Revoked`, `:Transferred`: what was taken back or moved to another lot.

A posting is a transaction on the local date on which it was recorded; each of its entries puts the
amount into the account of its first bucket and takes it out of that of its second. At the start
of each month in which a member did something, and on the day after the last posting, `balance`
says what the ledger holds to be true then.
"""

from __future__ import annotations

import hashlib
import re
from datetime import date, datetime, timedelta
from typing import Final
from uuid import UUID

from msgspec import Struct

LIVE: Final = {"available": -1, "held": -1, "suspended": -1, "owed": 1}
ACCOUNTS: Final = {
    "issued": "Assets:Issued",
    "owed": "Assets:Owed",
    "available": "Liabilities:Available",
    "held": "Liabilities:Held",
    "suspended": "Liabilities:Suspended",
    "consumed": "Income:Consumed",
    "penalty": "Income:Penalty",
    "expired": "Income:Expired",
    "forfeited": "Income:Forfeited",
    "revoked": "Equity:Revoked",
    "transferred": "Equity:Transferred",
}
COMMODITY_DIGITS: Final = 12  # with its prefix as long as every version of beancount allows

_ESCAPES: Final = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r"}
_SPECIAL: Final = re.compile(r'["\\\x00-\x1f\x7f]')


class Member(Struct, frozen=True, kw_only=True):
    """A contact and what the ledger says it has."""

    contact_id: UUID
    external_id: str
    available: int
    held: int
    suspended: int
    owed: int


class Row(Member, frozen=True, kw_only=True):
    """An entry, with its posting and its contact."""

    seq: int
    id: UUID
    kind: str
    reason: str
    source: str
    actor: str
    request_id: str
    external_ref: str | None
    recorded_at: datetime
    recorded_on: date
    available_after: int
    lot_id: UUID
    from_bucket: str
    to_bucket: str
    amount: int


def commodity(location_id: str) -> str:
    """Name the credits of a location; the names of two locations are never the same."""
    digest = hashlib.sha256(location_id.encode()).hexdigest()
    return f"CREDIT-{digest[:COMMODITY_DIGITS].upper()}"


def quoted(text: str) -> str:
    """Write a text as a beancount string; a control sign it cannot hold becomes U+FFFD."""
    escaped = _SPECIAL.sub(lambda found: _ESCAPES.get(found[0], "\N{REPLACEMENT CHARACTER}"), text)
    return f'"{escaped}"'


class Journal:
    """Takes rows of entries in order of contact, posting and line; gives text from time to time."""

    def __init__(self, location_id: str, *, name: str, opened_on: date) -> None:
        self.rows: int = 0
        self._commodity: str = commodity(location_id)
        self._text: list[str] = [
            f"option {quoted('title')} {quoted(f'{name} ({location_id})')}\n",
            f"option {quoted('operating_currency')} {quoted(self._commodity)}\n\n",
            f"{opened_on} commodity {self._commodity}\n  location: {quoted(location_id)}\n",
        ]
        self._member: Member | None = None  # the one at hand
        self._last: Row | None = None  # its last entry
        self._on: date = opened_on  # the date that its journal has come to
        self._accounts: dict[str, str] = {}  # the member's accounts that are open
        self._posting: list[str] = []  # the transaction at hand; its accounts are opened above it

    def add(self, row: Row) -> None:
        """Take the next entry."""
        self.rows += 1
        if self._member is None or row.contact_id != self._member.contact_id:
            self.close()
            self._on = row.recorded_on
            self._last = None
        self._member = row
        if self._last is None or row.seq != self._last.seq:
            self._finish()
            self._turn(row)
            self._begin(row)
        self._move(row)
        self._last = row

    def claim(self, member: Member) -> None:
        """Take a member without entries, who is said to have something: nobody can accept that."""
        self.close()
        self._member = member

    def close(self) -> None:
        """State what the member at hand has in the end."""
        self._finish()
        if self._member is None:
            return
        on = self._on + timedelta(days=1)
        for bucket, sign in LIVE.items():
            self._assert(on, bucket, sign * getattr(self._member, bucket))
        self._member = None
        self._accounts = {}

    def take(self) -> str:
        """Return what was written since the last time; never half a transaction."""
        text = "".join(self._text)
        self._text.clear()
        self.rows = 0
        return text

    def _turn(self, row: Row) -> None:
        """Move on to the posting's date, and state what a new month begins with."""
        # A clock set back over midnight repeats a date; a journal's dates only go forward.
        on = max(self._on, row.recorded_on)
        month = on.replace(day=1)
        if self._last is not None and self._on < month:
            self._assert(month, "available", -self._last.available_after)
        self._on = on

    def _begin(self, row: Row) -> None:
        at = row.recorded_at.isoformat().replace("+00:00", "Z")
        self._posting = [
            f"\n{self._on} * {quoted(row.kind)} {quoted(row.reason)}\n",
            f'  id: "{row.id}"\n  seq: {row.seq}\n  at: "{at}"\n',
            f"  reason: {quoted(row.reason)}\n  source: {quoted(row.source)}\n",
            f"  actor: {quoted(row.actor)}\n  request: {quoted(row.request_id)}\n",
        ]
        if row.external_ref is not None:
            self._posting.append(f"  reference: {quoted(row.external_ref)}\n")

    def _move(self, row: Row) -> None:
        """Put the amount of an entry into one account and take it out of another."""
        first, second = self._account(row.from_bucket), self._account(row.to_bucket)
        self._posting += (
            f'  {first}  {row.amount} {self._commodity}\n    lot: "{row.lot_id}"\n',
            f"  {second}  {-row.amount} {self._commodity}\n",
        )

    def _finish(self) -> None:
        self._text += self._posting
        self._posting = []

    def _assert(self, on: date, bucket: str, amount: int) -> None:
        if amount or bucket in self._accounts:
            account = self._account(bucket)
            self._text.append(f"\n{on} balance {account}  {amount} {self._commodity}\n")

    def _account(self, bucket: str) -> str:
        """Name the member's account for a bucket; open it if it is new."""
        account = self._accounts.get(bucket)
        if account is None:
            assert self._member is not None
            account = f"{ACCOUNTS[bucket]}:M-{self._member.contact_id}"
            self._accounts[bucket] = account
            self._text.append(
                f"\n{self._on} open {account} {self._commodity}\n"
                f"  member: {quoted(self._member.external_id)}\n"
            )
        return account
