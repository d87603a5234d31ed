"""The OpenAPI document says what the door does."""

from __future__ import annotations

import asyncio
from typing import Any

import jsonschema
import msgspec
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from openapi_spec_validator import validate
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import positive_data_acceptance

from kotally.api import openapi, routes
from kotally.api.answers import REASONS
from kotally.api.routing import Route
from kotally.api.validation import BodyDecoder
from kotally.workspaces.api_clients import SCOPES
from tests.api.conftest import BODY, Caller
from tests.api.toys import ROUTES, TOKEN

TABLES = [*ROUTES, *routes.ROUTES]
FEW = settings(
    max_examples=10,
    deadline=None,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return msgspec.json.decode(openapi.encoded(ROUTES))


@pytest.mark.parametrize("table", [ROUTES, routes.ROUTES], ids=["toys", "product"])
def test_the_document_is_valid(table: tuple[Route, ...]) -> None:
    validate(msgspec.json.decode(openapi.encoded(table)))


@pytest.mark.parametrize("table", [ROUTES, routes.ROUTES], ids=["toys", "product"])
def test_every_route_and_every_code_is_in_the_document(table: tuple[Route, ...]) -> None:
    document = openapi.document(table)
    ids = [openapi_route.operation_id for openapi_route in table]

    assert len(set(ids)) == len(ids)
    for route in table:
        operation = document["paths"][route.template][route.method.lower()]
        statuses = {str(REASONS[code].status) for code in openapi.codes_of(route)} | {"200"}
        assert set(operation["responses"]) == statuses
        assert operation["summary"]
        assert operation["description"]


def test_a_purchase_long_ago_is_described_as_it_was_decided() -> None:
    """See docs/decisions/past-classes-are-judged-now.md."""
    schemas = openapi.document(routes.ROUTES)["components"]["schemas"]
    described = msgspec.json.encode(schemas["GrantRequest"]["properties"]["paid_at"]).decode()

    assert "if they would be over already they count from now" in described


def test_a_route_says_which_scopes_it_needs() -> None:
    """No scope is called `any`: what carries other operations needs theirs, and names them."""
    document = openapi.document(routes.ROUTES)
    for route in routes.ROUTES:
        operation = document["paths"][route.template][route.method.lower()]
        needed = [route.scope] if route.scope in SCOPES else []
        assert operation["security"] == ([{"token": needed}] if route.scope else [])
        assert "`any`" not in operation["description"]
    assert (
        "`grant`, `check`, `deduct`, `restore`"
        in document["paths"]["/api/v2/batch"]["post"]["description"]
    )


@pytest.mark.parametrize("route", TABLES, ids=lambda route: route.operation_id)
def test_every_example_of_a_body_is_accepted_by_its_own_decoder(route: Route) -> None:
    if route.method == "POST":
        operation = openapi.document([route])["paths"][route.template]["post"]
        example = operation["requestBody"]["content"]["application/json"]["example"]

        assert BodyDecoder(route.request).decode(msgspec.json.encode(example))


@pytest.mark.parametrize("route", TABLES, ids=lambda route: route.operation_id)
def test_every_example_of_an_answer_fits_its_schema(route: Route) -> None:
    document = openapi.document([route])
    content = document["paths"][route.template][route.method.lower()]["responses"]["200"][
        "content"
    ]["application/json"]
    for example in content.get("examples", {}).values():
        assert problems(document, content["schema"], example["value"]) == []
    for response in document["components"]["responses"].values():
        content = response["content"]["application/json"]
        for example in content["examples"].values():
            assert problems(document, content["schema"], example["value"]) == []


def test_a_request_names_its_groups_and_refuses_other_fields(document: dict[str, Any]) -> None:
    schema = {"$ref": "#/components/schemas/Take"}

    assert problems(document, schema, BODY) == []
    assert problems(document, schema, {**BODY, "typo": 1})
    without = {name: value for name, value in BODY.items() if name != "external_contact_id"}
    assert problems(document, schema, without)
    assert problems(document, schema, {**without, "ghl_contact_id": None})
    assert problems(document, schema, {**without, "ghl_contact_id": "c"}) == []


async def test_the_document_is_read_without_a_token(caller: Caller) -> None:
    caller.http.headers.pop("authorization")
    response = await caller.get("/api/v2/openapi.json")

    assert response.json()["openapi"] == "3.1.0"
    assert "x-correlation-id" in response.headers


async def test_the_live_answers_fit_their_schemas(caller: Caller, document: dict[str, Any]) -> None:
    for response in (
        await caller.take(),
        await caller.take(amount=1_000_000_000),
        await caller.take(amount=0),
        await caller.take(request_id="busy"),
        await caller.take(location_id="loc_2"),
    ):
        responses = document["paths"]["/api/v2/take"]["post"]["responses"]
        described = responses[str(response.status_code)]
        if "$ref" in described:
            name = described["$ref"].rpartition("/")[2]
            described = document["components"]["responses"][name]
        schema = described["content"]["application/json"]["schema"]
        assert problems(document, schema, response.json()) == []
        assert {name.lower() for name in described["headers"]} - {"idempotent-replayed"} <= set(
            response.headers
        )


@pytest.mark.slow
async def test_whatever_is_sent_the_door_keeps_to_its_document(caller: Caller) -> None:
    """Schemathesis makes requests, good and bad, and checks each answer."""
    await asyncio.to_thread(fuzz, caller.address)


def fuzz(address: str) -> None:
    """Send made-up requests to every operation; raises at the first answer that is wrong."""
    schema = schemathesis.openapi.from_url(f"{address}/api/v2/openapi.json")
    # A NUL fits any schema of a text, and no text column: it is refused on purpose.
    schema.config.generation.update(modes=list(schemathesis.GenerationMode), allow_x00=False)
    headers = {"Authorization": f"Bearer {TOKEN}"}
    found = [result.ok() for result in schema.get_all_operations() if isinstance(result, Ok)]
    assert len(found) >= len(ROUTES) - 1  # the document itself is left out
    for operation in found:
        takes_something = operation.body or operation.query or operation.path_parameters
        for mode in schemathesis.GenerationMode if takes_something else ():
            FEW(given(case=operation.as_strategy(generation_mode=mode))(_send))(address, headers)


def _send(address: str, headers: dict[str, str], case: schemathesis.Case) -> None:
    # To JSON Schema 1.0 is an integer and every year is a time; the door knows better.
    case.call_and_validate(
        base_url=address, headers=headers, excluded_checks=[positive_data_acceptance]
    )


def problems(document: dict[str, Any], schema: dict[str, Any], value: Any) -> list[str]:
    """Check a value against a schema of the document."""
    whole = {**schema, "components": document["components"]}
    validator = jsonschema.Draft202012Validator(whole)
    return [error.message for error in validator.iter_errors(value)]
