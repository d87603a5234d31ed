"""
What the kernel should do, in plain Python: a model small enough to be checked by reading.

One contact, no calendars, credits counted one by one. It knows nothing of postings or SQL.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

ZONE = ZoneInfo("America/New_York")


@dataclass(eq=False)
class Lot:
    number: int
    priority: int
    effective_at: datetime
    expires_at: datetime | None
    grace_days: int
    available: int
    expired: int = 0

    def is_expired(self, now: datetime) -> bool:
        return self.expires_at is not None and self.expires_at <= now  # S6.1

    def rank(self) -> tuple[int, float, datetime, int]:
        expires = self.expires_at.timestamp() if self.expires_at else float("inf")
        return (self.priority, expires, self.effective_at, self.number)  # S1.3


@dataclass(eq=False)
class Hold:
    amount: int
    reference: str | None = None
    appointment_at: datetime | None = None
    lapses_at: datetime | None = None
    held: list[Lot] = field(default_factory=list)  # a lot for each credit, in order
    used: list[Lot] = field(default_factory=list)


class Member:
    def __init__(self, window: timedelta) -> None:
        self.lots: list[Lot] = []
        self.holds: list[Hold] = []
        self.window = window

    def issue(self, lot: Lot) -> None:
        self.lots.append(replace(lot, number=len(self.lots)))

    def visible(self, now: datetime) -> int:
        return sum(lot.available for lot in self.lots if not lot.is_expired(now))

    def plan(self, hold: Hold, amount: int, now: datetime) -> list[Lot] | None:
        at = max(hold.appointment_at or now, now)
        usable = [
            lot
            for lot in sorted(self.lots, key=Lot.rank)
            if not lot.is_expired(at) and lot.effective_at <= at  # S1.1
        ]
        credits_ = [lot for lot in usable for _ in range(lot.available)][:amount]
        return credits_ if len(credits_) == amount else None  # S1.5

    def take(self, hold: Hold, now: datetime, *, is_hold: bool) -> str:
        if self.living(hold.reference):
            return "DUPLICATE_EVENT"  # S15.3
        credits_ = self.plan(hold, hold.amount, now)
        if credits_ is None:
            return "REFUSED"
        self.spend(credits_, hold.held if is_hold else hold.used)
        self.holds.append(hold)
        return "held" if is_hold else "deducted"

    def spend(self, credits_: list[Lot], into: list[Lot]) -> None:
        for lot in credits_:
            lot.available -= 1
        into.extend(credits_)

    def living(self, reference: str | None) -> Hold | None:
        named = [h for h in self.holds if reference and h.reference == reference]
        return next((h for h in named if h.held or h.used), None)

    def lapse(self, now: datetime) -> None:
        due = [h for h in self.holds if h.held and h.lapses_at and h.lapses_at <= now]
        for hold in sorted(due, key=lambda h: h.lapses_at or now):
            self.give_back(hold.held, hold.amount, hold.lapses_at or now)  # S2.5

    def release(self, hold: Hold, now: datetime) -> str:
        if not hold.held:
            return "HOLD_ALREADY_CLOSED"  # S2.2
        self.give_back(hold.held, hold.amount, now)
        return "released"

    def capture(self, hold: Hold, amount: int, now: datetime) -> str:
        if not hold.held:
            return "HOLD_ALREADY_CLOSED"
        extra = self.plan(hold, max(amount - hold.amount, 0), now)  # S2.3
        if extra is None:
            return "REFUSED"
        self.spend(extra, hold.used)
        self.give_back(hold.held, max(hold.amount - amount, 0), now)
        both = hold.held + hold.used
        # What one lot gave twice is one slice, at its first place.
        hold.used = [lot for lot in dict.fromkeys(both) for _ in range(both.count(lot))]
        hold.held = []
        return "captured"

    def restore(
        self, amount: int, reference: str | None, at: datetime | None, now: datetime
    ) -> str:
        if reference:
            named = [hold for hold in self.holds if hold.reference == reference]
            hold = self.living(reference) or (named[-1] if named else None)
        else:
            fit = [h for h in self.holds if not h.held and len(h.used) >= amount]
            hold = fit[-1] if fit else None  # S4.3
        if hold is None:
            return "NOTHING_TO_RESTORE"
        if not hold.held and not hold.used:
            return "ALREADY_RESTORED"
        appointment_at = at or hold.appointment_at
        if appointment_at and now > appointment_at - self.window:
            return "CANCELLATION_WINDOW_EXPIRED"  # S4.1
        self.give_back(hold.held or hold.used, amount, now)
        hold.used, hold.held = hold.held or hold.used, []
        return "restored"

    def sweep(self, now: datetime) -> None:
        for lot in self.lots:
            if lot.is_expired(now):  # S6.5
                lot.expired, lot.available = lot.expired + lot.available, 0

    def give_back(self, credits_: list[Lot], amount: int, now: datetime) -> None:
        back = [credits_.pop() for _ in range(min(amount, len(credits_)))]
        for lot in dict.fromkeys(back):
            count = back.count(lot)
            if not lot.is_expired(now):
                lot.available += count
            elif not lot.grace_days:
                lot.expired += count
            else:  # S4.4
                until = midnight(max(lot.expires_at or now, now)) + timedelta(days=lot.grace_days)
                self.issue(
                    replace(lot, available=count, expired=0, effective_at=now, expires_at=until)
                )


def midnight(at: datetime) -> datetime:
    """Round up to a local midnight; days are then added to the clock on the wall."""
    local = at.astimezone(ZONE)
    start = local.replace(hour=0, minute=0, second=0, microsecond=0)
    return start if start == local else start + timedelta(days=1)
