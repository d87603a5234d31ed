"""The reason codes of sharing, of guests and of named lots (S1.6, S12.4, S12.5)."""

from __future__ import annotations

from kotally.api.reason import done, refused

REASONS = (
    done("shared", "The contact may use the owner's credits that can be shared."),
    done(
        "unshared",
        "The contact may use the owner's credits no more; bookings that were made stay.",
    ),
    done("shares_loaded", "Who may use whose credits was read."),
    done(
        "used",
        "The credits were used.",
        "Read in `owner_id` whose they were, and in `beneficiary_id` for whom.",
    ),
    done("guest_brought", "The owner's credits were used for a guest."),
    refused(
        "SHARE_WITH_SELF",
        "The credits are this contact's already.",
        "Name another contact as the user.",
    ),
    refused(
        "SHARE_CYCLE",
        "The owner may use this contact's credits, directly or through others; sharing goes "
        "one way.",
        "End the other share first, or leave it as it is.",
    ),
    refused(
        "NOT_SHAREABLE",
        "This entitlement is not the owner's, or its product cannot be shared.",
        "Name an entitlement of a product whose rules have `sharing.shareable`, or none.",
    ),
    refused(
        "SHARE_LIMIT_REACHED",
        "As many people as the product allows may use it already.",
        "End the share of one of them first: `allowed` is how many there can be.",
    ),
    refused(
        "NOT_SHARED",
        "The owner does not share credits with this contact, or not any more.",
        "Share them first, or let the contact pay with credits of its own.",
    ),
    refused(
        "GUEST_IS_OWNER",
        "The guest is the owner of the credits, by id, e-mail or phone.",
        "Leave `guest` out when the owner comes, or name somebody else.",
    ),
    refused(
        "GUESTS_NOT_ALLOWED",
        "The contact has no credits that pay for guests.",
        "Grant a product whose rules have `sharing.guests`, such as a guest pass.",
    ),
    refused(
        "GUEST_NOT_NEW",
        "The credits are for new guests, and this guest is known: as a member, or as a guest.",
        "Let the guest buy, or use credits that are for any guest.",
    ),
    refused(
        "GUEST_VISITS_USED",
        "The guest has come as often as these credits allow.",
        "Let the guest buy: `visits` of `allowed` are used; one that is given back counts no more.",
    ),
    refused(
        "LOT_NOT_USABLE",
        "A lot that was named is not this contact's, or has nothing left.",
        "Name lots of the contact's entitlements with `credits_available` above 0, or none.",
    ),
)
