"""The reason codes of products."""

from __future__ import annotations

from kotally.api.reason import done, refused

REASONS = (
    done("product_created", "The product config was created."),
    done(
        "product_changed",
        "The product config is sold in the version of this answer.",
        "Who has an earlier version keeps it.",
    ),
    done("product_archived", "The product config is no longer sold; what was sold lives on."),
    done(
        "migration_scheduled",
        "The running memberships change to the version at their next periods.",
    ),
    done("product_loaded", "The product config was read."),
    refused(
        "PRODUCT_INVALID",
        "A product config cannot be like this.",
        "Read `detail`: it names the rule and what it allows.",
    ),
    refused(
        "PRODUCT_ID_TAKEN",
        "There is a product config with this id already.",
        "Choose another id, or leave it out.",
    ),
    refused(
        "PRODUCT_ARCHIVED",
        "The product config is archived and does not change any more.",
        "Create a new product config.",
    ),
)
