"""Who gets in: every endpoint of the product, tried by everybody who may not."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest

from kotally.api.routes import ROUTES
from kotally.api.routing import ANY_SCOPE, Route
from kotally.core.ids import new_id
from kotally.workspaces import api_clients, locations
from kotally.workspaces.api_clients import SCOPES
from tests.api.conftest import refused
from tests.api.front import Front, Shop, path_of, sample

GUARDED = [route for route in ROUTES if route.scope is not None]
EVERY = pytest.mark.parametrize("route", GUARDED, ids=lambda route: route.operation_id)


async def call(shop: Shop, route: Route, token: str, **changes: Any) -> httpx2.Response:
    """Send a request that is good but for what is changed."""
    if route.method == "POST":
        return await shop.post(path_of(route), {**sample(route, shop), **changes}, token=token)
    return await shop.get(path_of(route), token=token, **changes)


def test_only_what_describes_the_api_is_open() -> None:
    assert [route.path for route in ROUTES if route.scope is None] == ["/openapi.json", "/reasons"]


@EVERY
async def test_nobody_without_a_good_token_gets_in(front: Front, shop: Shop, route: Route) -> None:
    """None, garbage, an unknown client, a wrong secret: one answer for all."""
    client = shop.token.split("_")[1]
    async with front.untouched():
        for token in ("", "nonsense", f"ktly_{new_id()}_{new_id()}", f"ktly_{client}_{new_id()}"):
            answer = await call(shop, route, token)
            refused(answer, 401, "UNAUTHORIZED")
            assert answer.headers["www-authenticate"] == "Bearer"


@EVERY
async def test_a_stranger_sees_nothing_of_ours(front: Front, shop: Shop, route: Route) -> None:
    stranger = await front.shop()
    async with front.untouched():
        refused(await call(shop, route, stranger.token), 403, "LOCATION_MISMATCH")
        answer = await call(shop, route, shop.token, location_id=stranger.id)
        refused(answer, 403, "LOCATION_MISMATCH")


@EVERY
async def test_every_other_scope_is_not_enough(front: Front, shop: Shop, route: Route) -> None:
    needed = {"grant", "check", "deduct", "restore"} if route.scope == ANY_SCOPE else {route.scope}
    token = await shop.client(*(scope for scope in SCOPES if scope not in needed))
    async with front.untouched():
        answer = refused(await call(shop, route, token), 403, "INSUFFICIENT_SCOPE")

    named = "deduct" if route.scope == ANY_SCOPE else f"`{route.scope}`"
    assert named in answer["message"]


@EVERY
async def test_a_location_that_is_not_active_serves_nobody(shop: Shop, route: Route) -> None:
    await locations.set_status(shop.front.db, shop.id, "disconnected")
    token = await shop.client()
    async with shop.front.untouched():
        refused(await call(shop, route, token), 403, "LOCATION_INACTIVE")


async def expired(shop: Shop) -> str:
    token = await shop.client(expires_at=datetime.now(UTC) + timedelta(days=1))
    await shop.front.owner.execute(
        "update kotally.api_clients set expires_at = clock_timestamp() where id = $1::uuid",
        token.split("_")[1],
    )
    return token


async def deactivated(shop: Shop) -> str:
    issued = await shop.issued()
    await api_clients.deactivate(shop.front.db, issued.client.id)
    return issued.token


async def rotated(shop: Shop) -> str:
    issued = await shop.issued()
    await api_clients.rotate(shop.front.db, issued.client.id)
    return issued.token


@pytest.mark.parametrize("made", [expired, deactivated, rotated], ids=lambda made: made.__name__)
async def test_a_token_of_the_past_is_refused(
    shop: Shop, made: Callable[[Shop], Awaitable[str]]
) -> None:
    token = await made(shop)

    refused(await shop.get("/contacts/ana", token=token), 401, "UNAUTHORIZED")


async def test_an_old_token_works_through_its_overlap(shop: Shop) -> None:
    issued = await shop.issued()
    rotation = await api_clients.rotate(shop.front.db, issued.client.id, overlap_hours=1)
    assert isinstance(rotation, api_clients.Issued)

    for token in (issued.token, rotation.token):
        refused(await shop.get("/contacts/ana", token=token), 404, "NOT_FOUND")


async def test_a_client_that_is_shut_out_while_it_works_is_out_within_two_seconds(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    issued = await shop.issued()
    refused(await shop.get("/contacts/ana", token=issued.token), 404, "NOT_FOUND")
    await api_clients.deactivate(shop.front.db, issued.client.id)
    monkeypatch.setattr("kotally.workspaces.authentication.KEPT_NS", 0)  # two seconds have passed

    refused(await shop.get("/contacts/ana", token=issued.token), 401, "UNAUTHORIZED")
