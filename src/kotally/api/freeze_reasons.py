"""The reason codes of freezes, closures and extensions (S6.7, S8)."""

from __future__ import annotations

from kotally.api.reason import done, refused

_NEAREST = "Use the nearest value that `allowed` names"
_OR_REASON = f"{_NEAREST}; staff can send a reason as `override_reason`."

REASONS = (
    done("membership_frozen", "The membership is frozen for the days in this answer."),
    done("membership_resumed", "The membership returns on the day in this answer."),
    done("freeze_extended", "The freeze lasts to the day in this answer."),
    done("freeze_cancelled", "The freeze will not happen."),
    done("expiry_extended", "The credits live to the time in this answer."),
    done(
        "closure_applied",
        "The credits of the closed days live longer by their number.",
        "It can be undone once, with `closure_id`.",
    ),
    done("past_class_recorded", "The class was paid with credits that were good at its time."),
    done("closure_undone", "The closure was undone; what was used meanwhile stays used."),
    refused("FREEZE_NOT_ALLOWED", "The plan allows no freezes.", _OR_REASON),
    refused(
        "FREEZE_WHILE_PAST_DUE",
        "A payment of the membership is overdue, and the plan allows no freeze then.",
        "Settle the payment first; staff can send a reason as `override_reason`.",
    ),
    refused(
        "FREEZE_ENDS_BEFORE_START",
        "A freeze lasts at least a day: it resumes after it starts.",
        f"{_NEAREST}.",
    ),
    refused("FREEZE_STARTS_IN_PAST", "A freeze cannot begin before today.", f"{_NEAREST}."),
    refused(
        "FREEZE_OVERLAPS",
        "The membership is frozen on some of these days already.",
        f"{_NEAREST}; or change the other freeze.",
    ),
    refused(
        "FREEZE_AFTER_END",
        "The membership ends before the freeze would begin.",
        "Start the freeze before the end, or withdraw the cancellation first.",
    ),
    refused("FREEZE_TOO_SHORT", "The freeze is shorter than the plan allows.", _OR_REASON),
    refused("FREEZE_TOO_LONG", "The freeze is longer than the plan allows.", _OR_REASON),
    refused("FREEZE_NOTICE_TOO_SHORT", "The plan asks for more notice.", _OR_REASON),
    refused(
        "FREEZE_TOO_SOON", "The plan asks for more active days between two freezes.", _OR_REASON
    ),
    refused(
        "FREEZE_STARTS_AT_RENEWAL_ONLY",
        "The plan lets freezes begin only with the next renewal.",
        _OR_REASON,
    ),
    refused("FREEZE_COUNT_REACHED", "The plan allows no more freezes for now.", _OR_REASON),
    refused("FREEZE_DAYS_USED_UP", "The plan allows fewer frozen days for now.", _OR_REASON),
    refused(
        "FREEZE_NOT_LONGER",
        "The freeze lasts to that day or longer already.",
        "Name a later day, or resume the membership earlier.",
    ),
    refused(
        "FREEZE_ALREADY_STARTED",
        "The freeze has begun, so it cannot be taken back.",
        "Resume the membership instead.",
    ),
    refused(
        "NOT_FROZEN",
        "No freeze of this membership is running or planned that this could be about.",
        "Do nothing, or plan a freeze first.",
    ),
    refused(
        "RESUME_OUT_OF_RANGE",
        "An early return is today or on a later day before the planned one.",
        f"{_NEAREST}.",
    ),
    refused(
        "LOT_NOT_FOUND",
        "There is no such lot in this location.",
        "Use a `lot_id` of the contact's credits or entitlements.",
    ),
    refused(
        "CLASS_NOT_PAST",
        "The class has not been yet.",
        "Deduct or book it, or use the latest time that `allowed` names.",
    ),
    refused("LOT_NEVER_EXPIRES", "These credits never expire.", "Do nothing."),
    refused("EXPIRY_NOT_LATER", "The credits are good for that day already.", f"{_NEAREST}."),
    refused("CLOSURE_ENDS_BEFORE_START", "A closure lasts at least a day.", f"{_NEAREST}."),
    refused("CLOSURE_TOO_LONG", "A closure lasts at most a year and a day.", f"{_NEAREST}."),
    refused(
        "CLOSURE_NOT_FOUND",
        "There is no such closure in this location.",
        "Use the `closure_id` of the answer that applied it.",
    ),
    refused(
        "CLOSURE_ALREADY_UNDONE",
        "The closure was undone before; it can be undone once.",
        "Do nothing, or apply a new closure.",
    ),
)
