"""
What the rules say of what must stand in the tables, in plain Python, small enough to be read.

It hears what was asked and answered, and knows nothing of postings or SQL functions: it counts
what was issued, keeps each payment's tally, and works out what can be seen, lot by lot.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from tests.lifecycle.seen import Row, Seen
from tests.lifecycle.studio import PRICE, ZONE

CREDITS = {"ten": 10, "eight": 8, "twelve": 12, "four": 4, "open": 0}
KEPT = ("available", "held", "consumed", "penalty", "expired", "forfeited", "revoked", "suspended")
# What was settled before it was waived keeps how it ended, and has gone back (S2.2, S5.7).
HOLDS_OF = {
    "booked": {"held"},
    "attended": {"captured"},
    "cancelled": {"released", "captured", "penalised"},
    "studio_cancelled": {"released", "captured", "penalised"},
}


@dataclass
class Payment:
    """S10.1: one tally a payment."""

    granted: int | None
    refunded: int = 0
    dispute: str = ""

    def revoked(self) -> int:
        assert self.granted is not None, "it is known as soon as it is seen"
        if self.dispute == "lost" or self.refunded >= PRICE:  # S10.2, S10.6
            return self.granted
        return self.granted * self.refunded // PRICE


@dataclass
class Model:
    payments: list[Payment] = field(default_factory=list)
    packs: int = 0
    goodwill: int = 0
    waiting: list[int] = field(default_factory=list)  # what was asked of another person (S12.2)
    seqs: Counter[str] = field(default_factory=Counter)
    said: tuple[str, int] | None = None  # whose balance an answer has just told

    def heard(self, act: str, said: dict[str, Any], code: str, answer: dict[str, Any]) -> None:
        """Learn what was done."""
        # Of what another person lends, it is that person's balance (S12.4).
        is_own = "balance_after" in answer and "beneficiary_id" not in answer
        if code.islower() and is_own and act in ("pay", "adjust", "book"):
            self.said = said["member"], answer["balance_after"]
        if hear := getattr(self, f"_{act}", None):
            hear(said, code, answer)

    def _pay(self, said: dict[str, Any], code: str, answer: dict[str, Any]) -> None:
        if code != "grant_applied":
            return
        granted = answer["credits_granted"]
        # Where the staff had confirmed the period before, its credits become the payment's.
        self.payments.append(Payment(None if "notice" in answer and not granted else granted))
        if said["product"] == "ten":
            same("a pack", granted, 10)
            self.packs += 1

    def _refund(self, said: dict[str, Any], code: str, _: dict[str, Any]) -> None:
        if said["payment"] >= len(self.payments):
            same("a refund", code, "PAYMENT_NOT_FOUND")
            return
        payment = self.payments[said["payment"]]
        fits = payment.refunded + said["cents"] <= PRICE
        same("a refund", code, "refunded" if fits else "REFUND_EXCEEDS_PAYMENT")
        payment.refunded += said["cents"] * fits

    def _dispute(self, said: dict[str, Any], code: str, _: dict[str, Any]) -> None:
        if code.islower():
            payment = self.payments[said["payment"]]
            if payment.dispute not in ("won", "lost"):  # the first decision stands
                payment.dispute = said["event"]

    def _adjust(self, said: dict[str, Any], code: str, _: dict[str, Any]) -> None:
        if code == "adjusted":
            self.goodwill += max(said["amount"], 0)
        elif code == "approval_requested":
            same("who must ask", said["role"], "viewer")
            self.waiting.append(said["amount"])

    def _decide(self, said: dict[str, Any], code: str, _: dict[str, Any]) -> None:
        if code == "adjusted":
            self.goodwill += max(self.waiting[said["approval"]], 0)

    def agree(self, seen: Seen) -> None:
        """Demand that what is there is what the rules say."""
        self._of_payments(seen)
        self._of_lots(seen)
        _of_periods(seen)
        _of_bookings(seen)
        for member, (seq, visible) in seen.balances.items():
            same(f"the history of {member} goes on", seq >= self.seqs[member], expected=True)
            self.seqs[member] = seq
            same(f"what {member} sees: {told(member, seen)}", visible, seen_by(member, seen))
        if self.said is not None:
            member, balance = self.said
            same(f"what {member} was told", balance, seen.balances[member][1])
            self.said = None

    def _of_payments(self, seen: Seen) -> None:
        for payment, row in zip(self.payments, seen.payments, strict=True):
            if payment.granted is None:
                granted: int = row["credits_granted"]
                payment.granted = granted
                is_part = seen.prorated and 0 < granted < max(CREDITS.values())
                is_whole = granted in CREDITS.values()
                same("a period's credits", is_whole or is_part, expected=True)
        names = ("credits_granted", "credits_revoked", "refunded_cents")
        tallies = [tuple(payment[name] for name in names) for payment in seen.payments]
        same("tallies", tallies, [(p.granted, p.revoked(), p.refunded) for p in self.payments])
        disputed = [payment["is_disputed"] for payment in seen.payments]
        same("disputed", disputed, [p.dispute == "opened" for p in self.payments])

    def _of_lots(self, seen: Seen) -> None:
        """S0: credits are issued once, and are somewhere; what moved on is a lot of its own."""
        issued: Counter[str] = Counter()
        for lot in seen.lots:
            kept = [lot[name] for name in (*KEPT, "transferred")]
            same("less than nothing", min(kept) >= 0, expected=True)
            same("a lot", sum(kept), lot["issued"] + lot["owed"])
            issued[lot["class"]] += lot["issued"]
        same("issued", (issued["paid"], issued["goodwill"]), (10 * self.packs, self.goodwill))
        roots = issued["paid"] + issued["goodwill"] + issued["included"]
        owed = sum(lot["owed"] for lot in seen.lots)
        same("credits", sum(lot[name] for lot in seen.lots for name in KEPT), roots + owed)


def _of_periods(seen: Seen) -> None:
    """S9.1: a lot a period, a period a lot; S9.2: each begins where the last one ended."""
    lots = {lot["id"]: lot for lot in seen.lots}
    granted = [period["lot_id"] for period in seen.periods if period["lot_id"]]
    same("lots of periods", len(granted), len(set(granted)))
    for lot_id in granted:
        lot = lots[lot_id]
        same("the class of a period's lot", lot["class"], "included")
        full = CREDITS[lot["product_config_id"]]
        if not (seen.prorated and 0 < lot["issued"] < full):
            same("a period's credits", lot["issued"], full)
    included = {lot["id"] for lot in seen.lots if lot["class"] == "included"}
    same("an upgrade a lot", len(included - set(granted)) <= seen.upgrades, expected=True)
    for before, after in zip(seen.periods, seen.periods[1:], strict=False):
        if before["membership_id"] == after["membership_id"]:
            same("a period's number", after["number"], before["number"] + 1)
            same("a period's start", after["starts_at"], before["ends_at"])
    for period in seen.periods:
        _of_period(period, seen)


def _of_period(period: Row, seen: Seen) -> None:
    """S8.5, S9.2: a month from its start, the anchor day if there is one, and frozen days."""
    first, last = (on(period[name]) for name in ("starts_at", "ends_at"))
    mine = [f for f in seen.freezes if f["membership_id"] == period["membership_id"]]
    most = 31 + sum(freeze["shifted_days"] for freeze in mine)
    same(f"{first} to {last} is a period", 28 <= (last - first).days <= most, expected=True)
    same("a period's end", period["ends_at"], midnight(last))


def _of_bookings(seen: Seen) -> None:
    """S2.2, S5.4: a booking's hold ends as the booking does; an absence is one strike."""
    for booking in seen.bookings:
        allowed = HOLDS_OF.get(booking["status"])
        if booking["hold_status"] and allowed:
            same(f"the hold of {booking}", booking["hold_status"] in allowed, expected=True)
        if "cancelled" in booking["status"] and booking["status"] != "late_cancelled":
            same(f"what {booking} keeps", booking["kept"] or 0, 0)
        same(f"strikes of {booking}", booking["no_shows"], booking["status"] == "no_show")


def same(what: str, found: object, expected: object) -> None:
    assert found == expected, f"{what}: {found}, by the rules {expected}"


def on(at: datetime) -> date:
    return at.astimezone(ZONE).date()


def midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=ZONE)


def seen_by(member: str, seen: Seen) -> int:
    """S6.1, S8.2, S8.4: what is neither expired nor paused, lapsed holds included (S2.5)."""
    blockers = [blocker for blocker in seen.blockers if blocker["member"] == member]
    total = 0
    for lot in seen.lots:
        is_blocked = any(
            (b["entitlement_id"] or lot["entitlement_id"]) == lot["entitlement_id"]
            and (b["lot_id"] or lot["id"]) == lot["id"]
            for b in blockers
        )
        end = lives_until(lot, seen)
        if lot["member"] == member and not is_blocked and (end is None or end > seen.now):
            # What was owed in advance was never there (S11.5).
            total += lot["available"] + (lot["class"] != "advance" and seen.lapsed[lot["id"]])
    return total


def told(member: str, seen: Seen) -> list[str]:
    return [
        f"{lot['class']} {lot['available']} of {lot['product_config_id']} until"
        f" {lives_until(lot, seen)}, lapsed {seen.lapsed[lot['id']]}"
        for lot in seen.lots
        if lot["member"] == member
    ]


def lives_until(lot: Row, seen: Seen) -> datetime | None:
    """S8.4: its end, moved by the days of each freeze that begins before; no day counts twice."""
    end = lot["expires_at"]
    if end is None:
        return None
    mine = [
        freeze
        for freeze in seen.freezes
        if freeze["member"] == lot["member"]
        and (freeze["membership_id"] == lot["entitlement_id"] or freeze["covers_packs"])
    ]
    frozen = {day for freeze in mine if freeze["status"] == "ended" for day in days_of(freeze)}
    for freeze in mine:
        if freeze["status"] in ("planned", "running") and freeze["starts_at"] < end:
            days = {day for day in days_of(freeze) if day >= on(lot["effective_at"])} - frozen
            end, frozen = midnight(on(end) + timedelta(days=len(days))), frozen | days
    return end


def days_of(freeze: Row) -> set[date]:
    days = (freeze["resumes_on"] - freeze["starts_on"]).days
    return {freeze["starts_on"] + timedelta(days=each) for each in range(days)}
