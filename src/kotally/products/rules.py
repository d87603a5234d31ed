"""The rules of a product beside its credits; a lot copies those it needs when it is issued."""

from __future__ import annotations

import re
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta, Struct

from kotally.products.policies import (
    Arrears,
    Attendance,
    Cap,
    Ending,
    FreezePolicy,
    Intro,
    RefundPolicy,
    Rollover,
    Sharing,
    Validity,
)
from kotally.workspaces.refusals import Refused, invalid

WINDOW_MINUTES_MAX: Final = 525_600  # a year
GRACE_DAYS_MAX: Final = 3_650
PERIOD_MONTHS_MAX: Final = 120
YEAR_MIN: Final = 1970
YEAR_MAX: Final = 2199

_BEYOND = re.compile(r"Expected `int` (>=|<=) (-?[0-9]+) - at `\$\.([^`]+)`")


class Rules(Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """
    How a product behaves where the default does not suit; stored without the defaults.

    `period_months` is the length of a membership's paid period and `grant_months` how often its
    credits come, when that is not once a period (S9.2). With `renews` `itself` the next period
    needs no payment. `unlimited` credits are limited by `caps` alone (S1.2, S3.3).
    `cancel_window_minutes` is how long before its start a booking is cancelled for free; None is
    the location's own (S4.1). `restore_grace_days` is how long credits live that come back
    expired; 0 forfeits them (S4.4). `period_grace_days` lets a period's credits outlive it (S6.3).
    """

    period_months: Annotated[int, Meta(ge=1, le=PERIOD_MONTHS_MAX)] = 1
    grant_months: Annotated[int, Meta(ge=1, le=PERIOD_MONTHS_MAX)] | None = None
    renews: Literal["payment", "itself"] = "payment"
    unlimited: bool = False
    caps: list[Cap] = []
    cancel_window_minutes: Annotated[int, Meta(ge=0, le=WINDOW_MINUTES_MAX)] | None = None
    restore_grace_days: Annotated[int, Meta(ge=0, le=GRACE_DAYS_MAX)] = 7
    studio_restore_grace_days: Annotated[int, Meta(ge=0, le=GRACE_DAYS_MAX)] = 14
    period_grace_days: Annotated[int, Meta(ge=0, le=GRACE_DAYS_MAX)] = 0
    validity: Validity = Validity()
    rollover: Rollover | None = None
    freeze: FreezePolicy = FreezePolicy()
    attendance: Attendance = Attendance()
    ending: Ending = Ending()
    arrears: Arrears = Arrears()
    refund: RefundPolicy = RefundPolicy()
    upgrade: Literal["difference", "reset", "usage"] = "difference"
    intro: Intro = Intro()
    sharing: Sharing = Sharing()


def read_rules(stored: dict[str, Any]) -> Rules:
    """Read the rules of a version from the database."""
    return msgspec.convert(stored, Rules)


def stored_rules(rules: Rules) -> dict[str, Any]:
    """Return what is stored of the rules: only what differs from the defaults."""
    return msgspec.to_builtins(rules)


def rules_fault(rules: Rules) -> Refused | None:
    """Refuse a rule beyond its limit; a struct made in Python was not checked yet."""
    try:
        read_rules(stored_rules(rules))
    except msgspec.ValidationError as fault:
        return invalid(_in_words(str(fault)))
    return _contradiction(rules)


def _in_words(fault: str) -> str:
    """Say which rule is beyond which limit."""
    found = _BEYOND.fullmatch(fault)
    if found is None:
        return f"A rule of the product cannot be: {fault}."
    least = found[1] == ">="
    limit = f"{found[2]} or more" if least else f"at most {found[2]}"
    return f"The product's rule {found[3]} must be {limit}."


def _contradiction(rules: Rules) -> Refused | None:
    """Refuse rules that cannot be kept together."""
    if any((cap.days is None) == (cap.window == "rolling") for cap in rules.caps):
        return invalid("A rolling cap needs its number of days, and no other cap has one.")
    validity = rules.validity
    if (validity.starts == "fixed") != (validity.starts_on is not None):
        return invalid("Credits that start on a fixed date need that date, and no others have one.")
    if validity.starts_on is not None and not YEAR_MIN <= validity.starts_on.year <= YEAR_MAX:
        return invalid(f"Credits start in the years {YEAR_MIN} to {YEAR_MAX}.")
    if validity.must_activate_days is not None and not validity.starts.startswith("first_"):
        return invalid("Only credits that start with a first class must be activated.")
    if rules.grant_months is not None and rules.period_months % rules.grant_months:
        return invalid("Credits come in whole parts of a period: its months divided evenly.")
    freeze = rules.freeze
    if freeze.max_days is not None and freeze.max_days < freeze.min_days:
        return invalid("The longest freeze cannot be shorter than the shortest one.")
    return None
