"""The whole product under made-up requests: no 5xx, and no answer outside the document."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import positive_data_acceptance

from kotally.api.fields import ID_LENGTH_MAX
from kotally.api.routes import ROUTES
from tests.api.front import CALENDAR, MEMBER, PACKAGE, Shop, document
from tests.ledger.desk import SCALE

CASES = 400  # of all operations together, so that a new one does not make the run longer
FEW = settings(
    max_examples=SCALE * max(4, CASES // (2 * len(ROUTES))),
    deadline=None,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)


@pytest.mark.slow
async def test_whatever_is_sent_the_product_keeps_to_its_document(shop: Shop) -> None:
    """Good and bad requests of every operation, with the token and for the location of a shop."""
    await shop.grant()
    await shop.hold(external_ref="appt_789")
    schema = schemathesis.openapi.from_dict(document())
    # A NUL fits any schema of a text, and no text column: it is refused on purpose.
    schema.config.generation.update(modes=list(schemathesis.GenerationMode), allow_x00=False)
    found = [result.ok() for result in schema.get_all_operations() if isinstance(result, Ok)]
    assert len(found) == len(ROUTES)

    await asyncio.to_thread(fuzz, found, shop)
    await shop.assert_books()


def fuzz(operations: list[schemathesis.APIOperation], shop: Shop) -> None:
    """Send requests to every operation; raises at the first answer that is wrong."""
    for operation in operations:
        takes_something = operation.body or operation.query or operation.path_parameters
        for mode in schemathesis.GenerationMode if takes_something else ():
            cases = operation.as_strategy(generation_mode=mode)
            FEW(given(case=cases)(send))(shop)


def send(shop: Shop, case: schemathesis.Case) -> None:
    """Send one request and check its answer."""
    for part in (case.body, case.query, case.path_parameters):
        if isinstance(part, dict):
            aim(part, shop)
    # To JSON Schema 1.0 is an integer and every year is a time; the door knows better.
    case.call_and_validate(
        base_url=shop.front.address,
        headers={"Authorization": f"Bearer {shop.token}"},
        excluded_checks=[positive_data_acceptance],
    )


def aim(part: dict[str, Any], shop: Shop) -> None:
    """Let what names our location, a member or a product name one that is there."""
    aims = {
        "location_id": shop.id,
        "external_contact_id": MEMBER,
        "id": MEMBER,
        "product_config_id": PACKAGE,
        "calendar_id": CALENDAR,
    }
    for name in aims.keys() & part.keys():
        # What is wrong stays wrong.
        if isinstance(part[name], str) and 0 < len(part[name]) <= ID_LENGTH_MAX:
            part[name] = aims[name]
