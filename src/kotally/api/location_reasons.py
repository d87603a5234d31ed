"""The reason codes of a location itself: its time zone and its work queue."""

from __future__ import annotations

from kotally.api.reason import done, refused

REASONS = (
    done("timezone_changed", "The location has another time zone; its local dates are the same."),
    done("work_items_loaded", "What a person has to look at was read."),
    done("work_item_settled", "What became of it is kept with the item."),
    refused(
        "TIMEZONE_UNKNOWN",
        "There is no time zone of that name.",
        "Use an IANA name such as America/New_York; `detail` says more.",
    ),
    refused(
        "WORK_ITEM_NOT_FOUND",
        "There is no such item in this location's work queue.",
        "Use an id of GET /work-items.",
    ),
    refused(
        "WORK_ITEM_ALREADY_SETTLED",
        "Somebody has said before what became of it.",
        "Do nothing; `status` says what.",
    ),
)
