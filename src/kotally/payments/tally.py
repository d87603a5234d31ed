"""The tally of a payment: how many of its credits a refund takes back (S10.1, S10.2). Pure."""

from __future__ import annotations

from typing import Literal
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

Revoke = Literal["proportional", "full_on_any_refund", "none", "manual"]
Shortfall = Literal["debt", "write_off", "block"]


class Payment(Struct, frozen=True, kw_only=True):
    """A payment with its tally and the rules of what it bought."""

    id: UUID
    contact_id: UUID
    entitlement_id: UUID
    product_config_id: str
    amount_cents: int | None
    currency: str | None
    credits_granted: int
    credits_revoked: int
    credits_uncollected: int
    refunded_cents: int
    is_disputed: bool
    is_undone: bool
    is_lost: bool
    is_membership: bool
    revoke: Revoke
    shortfall: Shortfall
    drop_in_cents: int | None
    fee_cents: int
    dispute_hold_days: int = 7

    @property
    def price(self) -> int:
        """Be what was paid; a payment without a figure counts as nothing."""
        return self.amount_cents or 0

    @property
    def is_returned(self) -> bool:
        """Be true when all the money went back: a lost dispute is a full refund (S10.6)."""
        return (
            self.is_lost
            or self.is_undone
            or (self.refunded_cents > 0 and self.refunded_cents >= self.price)
        )

    @property
    def refundable(self) -> int:
        """Be how much can still be refunded."""
        return max(0, self.price - self.refunded_cents)


def target(payment: Payment, *, chosen: int | None = None) -> int:
    """
    Return how many credits shall have been taken back in all (S10.2).

    `chosen` is what staff decided; under the policy `manual` nothing is taken without it. It never
    goes back: what was revoked stays so.
    """
    granted = payment.credits_granted
    if chosen is not None:
        return min(granted, max(payment.credits_revoked, chosen))
    return max(payment.credits_revoked, min(granted, _by_policy(payment)))


def of_instalment(payment: Payment, issued: int) -> int:
    """
    Return how many of the credits that an instalment has just issued are taken back at once.

    The tally counts them as granted already. The rule decides as it did before them; where staff
    decided otherwise, the share that was taken so far goes on.
    """
    before = replace(payment, credits_granted=payment.credits_granted - issued)
    revoked = payment.credits_revoked
    if revoked == min(before.credits_granted, _by_policy(before)):
        return target(payment) - revoked
    return payment.credits_granted * revoked // before.credits_granted - revoked


def _by_policy(payment: Payment) -> int:
    is_touched = payment.refunded_cents > 0 or payment.is_lost
    match payment.revoke:
        case "none" | "manual":
            return 0
        case "full_on_any_refund":
            return payment.credits_granted if is_touched else 0
        case "proportional":
            if payment.is_returned or (is_touched and not payment.price):
                return payment.credits_granted
            return payment.credits_granted * payment.refunded_cents // max(payment.price, 1)


def pro_rata(price: int, *, unused: int, total: int, fee: int) -> int:
    """Quote by what is left: price times unused over total, less a fee (S10.5)."""
    return max(0, price * unused // max(total, 1) - fee)


def at_drop_in_rate(price: int, *, used: int, drop_in: int, fee: int) -> int:
    """Quote by what the used classes would have cost one by one, less a fee (S10.5)."""
    return max(0, price - used * drop_in - fee)
