"""The reason codes of memberships: renewing, changing, cancelling (S7, S9)."""

from __future__ import annotations

from kotally.api.reason import done, refused

REASONS = (
    done("membership_renewed", "The membership's next period was confirmed."),
    done("membership_changed", "The membership is on its new plan."),
    done(
        "change_pending_payment",
        "The upgrade is noted; until its payment arrives it changes nothing.",
        "Report the payment for the new product config by POST /grants.",
    ),
    done(
        "payment_failure_noted",
        "The failed payment is on the timeline; an upgrade that waited for it was dropped.",
        "Report a later payment by POST /grants; ask for the upgrade again if it is still wanted.",
    ),
    done("change_scheduled", "The membership changes with its next period."),
    done("change_removed", "The change that was waiting will not happen."),
    done("cancellation_scheduled", "The membership ends at the time in this answer."),
    done("cancellation_withdrawn", "The membership goes on as if it had not been cancelled."),
    done("membership_ended", "The membership has ended."),
    refused(
        "MEMBERSHIP_NOT_FOUND",
        "There is no such membership in this location.",
        "Use the entitlement_id of the answer that granted the membership.",
    ),
    refused(
        "MEMBERSHIP_ENDED",
        "The membership has ended.",
        "Grant a new membership.",
    ),
    refused(
        "PERIOD_NOT_NEXT",
        "That period is neither confirmed nor the next one.",
        "Name the number in `next_period`, or none.",
    ),
    refused(
        "NOTHING_TO_CHANGE",
        "The membership is on this version of this product config already.",
        "Name another product config or version.",
    ),
    refused(
        "ALREADY_MEMBER",
        "The contact has another running membership of that product config.",
        "End the other membership first, or change that one.",
    ),
    refused(
        "CANCELLATION_PENDING",
        "The membership was cancelled and ends at the time in this answer.",
        "Withdraw the cancellation first, then change the membership.",
    ),
    refused(
        "CHANGE_ONLY_AT_PERIOD_END",
        "A change to a smaller plan, or away from an unlimited one, waits for the next period.",
        "Leave `when` out: it takes effect at the time in this answer.",
    ),
    refused(
        "PERIOD_PAID_AHEAD",
        "The next period is paid already, so the period cannot start anew now.",
        "Use another strategy, or wait until the time in this answer.",
    ),
    refused(
        "NO_PENDING_CHANGE",
        "No change of this membership is waiting.",
        "Do nothing: there is nothing to remove.",
    ),
    refused(
        "CANCELLATION_TOO_EARLY",
        "Notice or minimum term keep the membership until the time in this answer.",
        "Cancel to the end of the period, or send a reason as `override`.",
    ),
    refused(
        "NOT_CANCELLED",
        "The membership is not cancelled.",
        "Do nothing: it goes on.",
    ),
)
