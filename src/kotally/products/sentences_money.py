"""Refunds, who may buy, and who may use it (S10, S12)."""

from __future__ import annotations

from kotally.products.policies import Intro, RefundPolicy, Sharing
from kotally.products.rules import Rules
from kotally.products.wording import counted, money


def money_sentences(rules: Rules) -> list[str]:
    """Say what differs from the house rules: refunds take back in proportion, nothing is shared."""
    return [*_intro(rules.intro), *_refund(rules.refund), *_sharing(rules.sharing)]


def _intro(policy: Intro) -> list[str]:
    said: list[str] = []
    if policy.new_members_only:
        said.append("Only new members can buy it.")
    if policy.max_per_contact is not None:
        said.append(f"Each member can buy it {counted(policy.max_per_contact, 'time')}.")
    if policy.once_per_days is not None:
        said.append(f"It can be bought once in {counted(policy.once_per_days, 'day')}.")
    return said


def _refund(policy: RefundPolicy) -> list[str]:
    said = {
        "proportional": [],
        "full_on_any_refund": ["Any refund takes all of its credits back."],
        "none": ["A refund leaves the credits."],
        "manual": ["After a refund the staff decides about the credits."],
    }[policy.revoke]
    said = (
        said
        + {
            "debt": [],
            "write_off": ["Credits that were used before a refund are written off."],
            "block": ["If credits were used before a refund, bookings wait for the staff."],
        }[policy.shortfall]
    )
    if policy.drop_in_cents is not None:
        said.append(f"A used credit counts {money(policy.drop_in_cents)} when it is refunded.")
    if policy.fee_cents:
        said.append(f"A refund costs {money(policy.fee_cents)}.")
    if policy.dispute_hold_days != RefundPolicy().dispute_hold_days:
        days = counted(policy.dispute_hold_days, "day")
        said.append(f"While a payment is disputed its bookings are kept for {days}.")
    return said


def _sharing(policy: Sharing) -> list[str]:
    said: list[str] = []
    if policy.shareable:
        who = (
            "Others" if policy.max_users is None else f"Up to {counted(policy.max_users, 'other')}"
        )
        said.append(f"{who} whom the member names can use it, too.")
    if not policy.transferable:
        said.append("The credits cannot be given away.")
    if policy.guests:
        who = "new guests" if policy.new_guests_only else "guests"
        said.append(f"The credits pay for {who}.")
        if policy.visits_per_guest is not None:
            said.append(f"Each guest can come {counted(policy.visits_per_guest, 'time')}.")
    return said
