"""The reason codes of bookings."""

from __future__ import annotations

from kotally.api.reason import done, refused

REASONS = (
    done("booked", "The place is booked, and what it costs is set aside or used up."),
    done(
        "booked_provisionally",
        "The place is booked against a period of the membership that is not paid yet.",
        "It is paid for when that period is granted; until then it moves no credits.",
    ),
    done(
        "booked_unfunded",
        "The place is booked without credits.",
        "The next grant pays for it; until then it is owed.",
    ),
    done("waitlisted", "The contact waits for a free place."),
    done("cancelled", "The booking was cancelled in time; its credits are back."),
    done("late_cancelled", "The booking was cancelled late, at the cost the product names."),
    done("attended", "The booking was attended, and its credits are used up."),
    done(
        "absence_noted",
        "The absence is noted and not posted yet.",
        "It is posted at `closes_at`; until then attendance can still be reported.",
    ),
    done("no_show", "The absence was posted, at the cost the product names."),
    done("rescheduled", "The booking was moved."),
    done("attendance_corrected", "The booking was settled anew; its earlier costs are reversed."),
    done(
        "class_cancelled",
        "The class was cancelled by the studio, and everything was returned.",
        "It can be undone once, with `cancellation_id`.",
    ),
    done("class_restored", "The cancellation of the class was undone."),
    done(
        "promoted",
        "Free places were offered to those who wait, in order.",
        "Read in `promoted` who has a place now, and in `skipped` who was passed over and why.",
    ),
    done("fee_settled", "The fee is closed."),
    refused(
        "CAP_REACHED",
        "The plan allows no more bookings in this time.",
        "Book outside the window that `cap` names, or with other credits.",
    ),
    refused(
        "BOOKING_BLOCKED",
        "The contact cannot book at the moment.",
        "Book after `blocked_until`, or have the block lifted; `why` names its cause.",
    ),
    refused(
        "PAST_DUE",
        "A payment of the membership is overdue, so it pays for no new booking.",
        "Settle the payment, then book again; other credits can pay meanwhile.",
    ),
    refused(
        "TOO_MANY_OPEN_BOOKINGS",
        "The plan allows no more bookings to be open at once.",
        "Cancel one of the open bookings, or book after one was attended.",
    ),
    refused(
        "BOOKING_NOT_FOUND",
        "There is no such booking in this location.",
        "Use the booking_id of the answer that placed it.",
    ),
    refused(
        "BOOKING_ALREADY_SETTLED",
        "The booking has ended already; `status` says how.",
        "Correct it with `/bookings/{id}/correct` if that is wrong.",
    ),
    refused(
        "BOOKING_NOT_SETTLED",
        "The booking has not ended yet, so there is nothing to correct.",
        "Report attendance, absence or cancellation instead.",
    ),
    refused(
        "BOOKING_WAITLISTED",
        "The contact only waits for a place and has none yet.",
        "Promote the waiting list first, or cancel the entry.",
    ),
    refused(
        "CLASS_NOT_STARTED",
        "The class has not begun, so nobody is absent yet.",
        "Report the absence after the class has begun.",
    ),
    refused(
        "RESCHEDULE_TOO_LATE",
        "The booking is inside its late window and cannot be moved any more.",
        "Cancel it, or book another time beside it; moving was free until `cancel_free_until`.",
    ),
    refused(
        "CLASS_NOT_FOUND",
        "No booking of this class is left to cancel.",
        "Check class_ref.",
    ),
    refused(
        "CANCELLATION_NOT_FOUND",
        "There is no such cancellation of a class in this location.",
        "Use the cancellation_id of the answer that cancelled the class.",
    ),
    refused(
        "CANCELLATION_ALREADY_UNDONE",
        "The cancellation of this class was undone before.",
        "Do nothing: it can be undone once only.",
    ),
    refused(
        "WAITLIST_EMPTY",
        "Nobody waits for a place in this class.",
        "Do nothing: the place is free.",
    ),
    refused(
        "FEE_NOT_FOUND",
        "There is no such fee in this location.",
        "Use the fee_id of the answer that charged it.",
    ),
    refused(
        "FEE_ALREADY_SETTLED",
        "This fee is closed already; `status` says how.",
        "Do nothing.",
    ),
)
"""In the order of publication."""
