"""A studio at a known time: a shop whose clock the test moves, and what one reads of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2

from tests import make
from tests.api.front import Front, Shop

START = datetime(2026, 3, 2, 15, tzinfo=UTC)


def at(moment: datetime) -> str:
    """Write a time as the API does."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Studio(Shop):
    """One location with a package of 10 and a membership of 8, and acts for Ana."""

    now = START

    @classmethod
    async def opened(cls, front: Front) -> Studio:
        """Open a studio."""
        location_id = await make.location(front.owner, clock=START)
        await make.product(front.owner, location_id, "pc_1", credits_=10)
        await make.product(front.owner, location_id, "pc_m", kind="membership", credits_=8)
        studio = cls(front, location_id, "")
        studio.token = await studio.client()
        return studio

    async def move(self, **by: int) -> None:
        """Move the studio's clock on."""
        self.now += timedelta(**by)
        await self.front.owner.execute(
            "update kotally.locations set clock_at = $2 where id = $1", self.id, self.now
        )

    async def read(self, path: str, **query: Any) -> dict[str, Any]:
        """Read a path that answers."""
        response = await self.get(path, **query)
        assert response.status_code == 200, response.text
        return response.json()

    async def anonymous(self, path: str) -> httpx2.Response:
        """Read without a token."""
        return await self.get(path, token="")

    async def act(self, path: str, **body: Any) -> dict[str, Any]:
        """Do something for Ana that succeeds."""
        answer = await self.do(path, **{"external_contact_id": "ana", **body})
        assert answer["ok"], answer
        return answer

    async def sell(self, product: str = "pc_1", **body: Any) -> dict[str, Any]:
        """Sell a product."""
        paid = {"external_payment_id": make.name("payment"), "product_config_id": product}
        return await self.act("/grants", **{**paid, **body})

    async def take(self, amount: int = 1, **body: Any) -> dict[str, Any]:
        """Take credits of the package."""
        return await self.act(
            "/entitlements/deduct", **{"product_config_id": "pc_1", "amount": amount, **body}
        )

    async def give_back(self, external_ref: str, amount: int = 1, **body: Any) -> dict[str, Any]:
        """Give back a booking."""
        asked = {"product_config_id": "pc_1", "external_ref": external_ref, "amount": amount}
        return await self.act("/entitlements/restore", **{**asked, **body})

    async def reserve(self, amount: int = 1, **body: Any) -> dict[str, Any]:
        """Hold credits of the package."""
        return await self.act("/holds", **{"product_config_id": "pc_1", "amount": amount, **body})

    async def capture(self, hold: dict[str, Any], amount: int) -> None:
        """Use up a hold."""
        body = {"request_id": make.name("request"), "amount": amount}
        answer = await self.post(f"/holds/{hold['hold_id']}/capture", body)
        assert answer.json()["ok"], answer.text
