"""The reason codes of refunds, disputes, adjustments and transfers."""

from __future__ import annotations

from kotally.api.reason import done, refused

REASONS = (
    done(
        "refunded",
        "The refund is noted, and the credits that the rule says were taken back.",
        "Read in `taken`, `credits_owed` and `bookings_unfunded` what it came to.",
    ),
    done("refund_quoted", "This is what a refund would be, each way; nothing was changed."),
    done(
        "dispute_opened",
        "The dispute is noted; while it is open the payment's credits are suspended.",
        "Report how it is decided; bookings stand without funds until then.",
    ),
    done("dispute_won", "The dispute is won; what was suspended is back where it was."),
    done("dispute_lost", "The dispute is lost; it counts as a full refund."),
    done("adjusted", "The credits were corrected."),
    done(
        "approval_requested",
        "The correction is above the limit of whoever asked; nothing was done yet.",
        "Let another person approve `approval_id` before `lapses_at`.",
    ),
    done("approval_rejected", "The correction was not agreed to; nothing was done."),
    done(
        "transferred",
        "The credits are the other contact's now.",
        "It can be undone until `undo_until`, while they are untouched.",
    ),
    done("transfer_undone", "The credits are back with whoever gave them."),
    done("block_lifted", "The contact can use its credits again."),
    refused(
        "NOT_BLOCKED",
        "No refund of this payment blocks the contact.",
        "Do nothing; other blocks end by themselves or by what caused them.",
    ),
    refused(
        "PAYMENT_NOT_FOUND",
        "There is no such payment in this location.",
        "Use the payment_id of the answer that granted it.",
    ),
    refused(
        "REFUND_EXCEEDS_PAYMENT",
        "The refunds together would be more than the payment.",
        "Refund at most `refundable_cents`.",
    ),
    refused(
        "PURCHASE_LIMIT_REACHED",
        "The product's rule does not let this person buy it now; nothing was granted.",
        "Read which in `rule`; sell another product, wait until `allowed_from`, if given, or send "
        "a reason as `override_reason`.",
    ),
    refused(
        "CONTACT_NOT_FOUND",
        "There is no such contact in this location.",
        "Check the contact's id; a grant makes a contact that does not exist yet.",
    ),
    refused(
        "LOTS_DO_NOT_ADD_UP",
        "The lots that were named do not add up to the amount.",
        "Name lots whose amounts sum to the amount, or none.",
    ),
    refused(
        "APPROVAL_NOT_FOUND",
        "There is no such request for approval in this location.",
        "Use the approval_id of the answer that asked for it.",
    ),
    refused(
        "APPROVAL_LAPSED",
        "The request for approval was not decided in time.",
        "Ask for the correction again.",
    ),
    refused(
        "APPROVAL_ALREADY_DECIDED",
        "The request for approval was decided before.",
        "Do nothing: `status` says how it was decided.",
    ),
    refused(
        "APPROVAL_NEEDS_ANOTHER_PERSON",
        "Whoever asked for a correction cannot agree to it.",
        "Let another person, or another client, approve it.",
    ),
    refused(
        "TRANSFER_TO_SELF",
        "The credits are this contact's already.",
        "Name two different contacts.",
    ),
    refused(
        "NOT_TRANSFERABLE",
        "The credits of intro offers, goodwill, or a product that keeps them cannot be given away.",
        "Give at most `available`, or override it with a note.",
    ),
    refused(
        "TRANSFER_NOT_FOUND",
        "There is no such transfer in this location.",
        "Use the transfer_id of the answer that made it.",
    ),
    refused(
        "TRANSFER_ALREADY_UNDONE",
        "The transfer was undone before.",
        "Do nothing: the credits are back already.",
    ),
    refused(
        "TRANSFER_TOO_OLD",
        "A transfer can be undone for 24 hours.",
        "Let the other contact transfer the credits back.",
    ),
    refused(
        "TRANSFER_TOUCHED",
        "Some of the transferred credits were used or reserved, or a refund or dispute has them.",
        "Let the other contact transfer back what is `available`.",
    ),
)
