"""
The words in which stories are told: a studio, its members, and the clock.

Every word is a call of the real HTTP API with a client's token, held to the OpenAPI document; time
is the sandbox's own and moves through everything that is due.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from kotally.products import products
from kotally.products.products import Product, Terms
from kotally.products.rules import Rules
from kotally.workspaces import locations
from kotally.workspaces.locations import Location
from tests import make
from tests.api.front import Body, Front, Shop


class Studio:
    """A sandbox location with real rules, told in local time."""

    def __init__(self, shop: Shop, zone: str) -> None:
        self.shop = shop
        self.zone = ZoneInfo(zone)

    @classmethod
    async def opens(
        cls, front: Front, *, on: str = "2026-01-05 09:00", zone: str = "America/New_York"
    ) -> Studio:
        """Open a studio that has nothing on sale yet."""
        made = await locations.create(
            front.db,
            await front._workspace(),
            name="Studio",
            timezone=zone,
            sandbox=True,
            clock_at=datetime.fromisoformat(on).replace(tzinfo=ZoneInfo(zone)),
        )
        assert isinstance(made, Location), made
        shop = Shop(front, made.id, "")
        shop.token = await shop.client()
        return cls(shop, zone)

    async def sells(
        self, product: str, credits_: int, *, kind: Any = "package", **terms: Any
    ) -> None:
        """Put a product on sale; what is no term of its own is one of its rules."""
        own = {name: terms.pop(name) for name in ("expiry_days", "coverage") if name in terms}
        made = await products.create(
            self.shop.front.db,
            self.shop.id,
            type=kind,
            terms=Terms(name=product, credits=credits_, rules=msgspec.convert(terms, Rules), **own),
            product_id=product,
        )
        assert isinstance(made, Product), made

    async def sells_membership(self, product: str, credits_: int, **terms: Any) -> None:
        """Put a membership on sale."""
        await self.sells(product, credits_, kind="membership", **terms)

    def member(self, name: str) -> Member:
        """Meet somebody; the studio knows them once they pay."""
        return Member(self, name)

    @property
    def clock(self) -> Clock:
        """Be the clock on the wall."""
        return Clock(self)

    async def does(self, path: str, *, says: str | None = None, **body: Any) -> Body:
        """Ask for something under a new request_id; it must be done, or answer as `says`."""
        asked = {"request_id": make.name("request"), **body}
        response = await self.shop.post(path, {k: v for k, v in asked.items() if v is not None})
        assert response.status_code == 200, response.text
        answer: Body = response.json()
        if says is None:
            assert answer["ok"], answer
        else:
            assert answer["reason_code"] == says, answer
        return answer

    async def reads(self, path: str, **query: Any) -> Body:
        """Read something that is there."""
        response = await self.shop.get(path, **query)
        assert response.status_code == 200, response.text
        return response.json()

    async def cancels_class(self, class_ref: str) -> Body:
        """Cancel a class for everybody."""
        return await self.does(f"/classes/{class_ref}/cancel")

    async def promotes(self, class_ref: str, places: int = 1) -> Body:
        """Give free places to those who wait."""
        return await self.does(f"/classes/{class_ref}/promote", places=places)

    def at(self, local: str) -> str:
        """Write the studio's local time as the API does."""
        there = datetime.fromisoformat(local).replace(tzinfo=self.zone)
        return there.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")

    def local(self, instant: str | None) -> str | None:
        """Read an instant of an answer as the studio's local time."""
        if instant is None:
            return None
        return f"{datetime.fromisoformat(instant).astimezone(self.zone):%Y-%m-%d %H:%M}"


class Clock:
    """The studio's clock."""

    def __init__(self, studio: Studio) -> None:
        self.studio = studio

    async def moves_to(self, local: str) -> list[str]:
        """Go on to a local time, through all that is due on the way; return what happened."""
        answer = await self.studio.does("/clock/advance", request_id=None, to=self.studio.at(local))
        return [each["line"] for each in answer["happened"]]


class Booking:
    """A place that somebody took, as its answer said it."""

    def __init__(self, member: Member, answer: Body) -> None:
        self.member = member
        self.studio = member.studio
        self.id: str = answer["booking_id"]
        self.answer = answer

    def __getitem__(self, name: str) -> Any:
        return self.answer[name]

    async def is_(self, verb: str, *, says: str | None = None, **body: Any) -> Body:
        return await self.studio.does(f"/bookings/{self.id}/{verb}", says=says, **body)

    async def is_attended(self) -> Body:
        return await self.is_("attend", says="attended")

    async def is_cancelled(self) -> Body:
        return await self.is_("cancel", says="cancelled")

    async def is_cancelled_late(self) -> Body:
        return await self.is_("cancel", says="late_cancelled")

    async def is_missed(self) -> Body:
        return await self.is_("no-show", says="no_show", at_once=True)

    async def is_corrected(self, to: str, note: str = "The teacher says so.") -> Body:
        return await self.is_("correct", says="attendance_corrected", to=to, note=note)

    async def is_moved(self, to: str) -> Body:
        return await self.is_("reschedule", says="rescheduled", appointment_time=self.studio.at(to))

    async def status(self) -> str:
        """Look into the member's appointments: to come, at a glance, and past."""
        shown = await self.member.sees("/appointments/upcoming?limit=100")
        shown += (await self.member.summary())["recent_appointments"]
        shown += await self.member.sees("/appointments/past?limit=100")
        return next(each["status"] for each in shown if each["booking_id"] == self.id)


class Member:
    """Somebody who buys, books, comes or does not."""

    def __init__(self, studio: Studio, name: str) -> None:
        self.studio = studio
        self.name = name

    async def buys(
        self, product: str, *, cents: int = 9_900, says: str = "grant_applied", **paid: Any
    ) -> Body:
        """Pay for a product; what it grants is in the answer."""
        body = {"external_payment_id": make.name("payment"), "currency": "USD", **paid}
        return await self.studio.does(
            "/grants",
            says=says,
            external_contact_id=self.name,
            product_config_id=product,
            amount_cents=cents,
            **body,
        )

    async def books(self, calendar: str, on: str, *, says: str = "booked", **body: Any) -> Booking:
        """Take a place in a class at a local time."""
        asked = {"external_ref": make.name("booking"), **body}
        answer = await self.studio.does(
            "/bookings",
            says=says,
            external_contact_id=self.name,
            calendar_id=calendar,
            appointment_time=self.studio.at(on),
            **asked,
        )
        return Booking(self, answer)

    async def cannot_book(self, calendar: str, on: str, *, because: str, **body: Any) -> Body:
        """Try to take a place and be told why not."""
        return await self.studio.does(
            "/bookings",
            says=because,
            external_contact_id=self.name,
            calendar_id=calendar,
            external_ref=make.name("booking"),
            appointment_time=self.studio.at(on),
            **body,
        )

    async def uses(self, calendar: str, amount: int = 1, *, says: str = "deducted") -> Body:
        """Come without a booking."""
        return await self.studio.does(
            "/entitlements/deduct",
            says=says,
            external_contact_id=self.name,
            calendar_id=calendar,
            amount=amount,
            external_ref=make.name("visit"),
        )

    async def reserves(self, calendar: str, amount: int = 1, *, seconds: int) -> Body:
        """Put credits aside while the basket is at the checkout."""
        return await self.studio.does(
            "/holds",
            says="held",
            external_contact_id=self.name,
            calendar_id=calendar,
            amount=amount,
            ttl_seconds=seconds,
        )

    async def has(self, **expected: int) -> None:
        """Demand what the member sees of the credits; what is not named is nothing."""
        seen = (await self.studio.reads(f"/contacts/{self.name}/credits"))["credits"]
        asked = {"available": 0, "held": 0, "paused": 0, "owed": 0} | expected
        assert {name: seen[name] for name in asked} == asked, seen

    async def sees(self, path: str) -> Any:
        """Read one of the member's lists."""
        path, _, query = path.partition("?")
        asked = dict(each.split("=") for each in query.split("&") if each)
        answer = await self.studio.reads(f"/contacts/{self.name}{path}", **asked)
        return next(value for value in answer.values() if isinstance(value, list))

    async def summary(self) -> Body:
        """Look at everything at one glance."""
        return (await self.studio.reads(f"/contacts/{self.name}/summary"))["summary"]

    async def entitlement(self, product: str) -> Body:
        """Look at the newest holding of a product."""
        found = [e for e in await self.sees("/entitlements") if e["product_config_id"] == product]
        return max(found, key=lambda each: each["starts_at"])

    async def expires(self, product: str) -> str | None:
        """Read the local time at which the last credits of a product are gone."""
        lots = (await self.entitlement(product))["lots"]
        return max(self.studio.local(lot["expires_at"]) or "never" for lot in lots)

    async def ledger(self) -> list[tuple[str, int]]:
        """Read what moved, oldest first."""
        entries = await self.sees("/ledger?limit=100")
        return [(each["type"], each["amount"]) for each in reversed(entries)]

    async def membership(self, verb: str, product: str, *, says: str, **body: Any) -> Body:
        """Do something with the membership of a product."""
        id_ = (await self.entitlement(product))["id"]
        return await self.studio.does(f"/memberships/{id_}/{verb}", says=says, **body)

    async def payment(self, verb: str, payment_id: str, *, says: str, **body: Any) -> Body:
        """Do something with a payment."""
        return await self.studio.does(f"/payments/{payment_id}/{verb}", says=says, **body)
