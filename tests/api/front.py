"""
The product on a port, built as `kotally serve` builds it, and a shop in it for each test.

Every answer that passes through here is held to its schema in the OpenAPI document.
"""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from functools import cache
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx2
import jsonschema
import msgspec

from kotally.api import openapi
from kotally.api.engine import Engine
from kotally.api.routes import ROUTES
from kotally.api.routing import Route, Table
from kotally.api.site import Site
from kotally.app import build
from kotally.config import Secret, Settings
from kotally.core.ids import new_id
from kotally.db import Database
from kotally.db.connections import Target
from kotally.ledger.proofs import prove
from kotally.ledger.writer import Writer
from kotally.products import products
from kotally.products.products import Product, Terms
from kotally.server.process import listening, run_until_stopped, url
from kotally.workspaces import api_clients, locations, workspaces
from kotally.workspaces.api_clients import SCOPES, Issued
from kotally.workspaces.locations import Location
from kotally.workspaces.workspaces import Workspace
from tests import make
from tests.cli.conftest import url as database_url

PACKAGE = "pc_package_1"
MEMBERSHIP = "pc_membership_1"
MEMBER = "ghl_contact_123"
CALENDAR = "cal_1"

Body = dict[str, Any]


TIME = re.compile(r"\d{4}-\d\d-\d\dT")
WELL_WRITTEN = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


@asynccontextmanager
async def running(site: Site) -> AsyncGenerator[str, None]:
    """Serve a site on a free port until the block ends, then wait for the server's end."""
    up = asyncio.Event()
    stopped, stop = os.pipe()
    with listening("127.0.0.1", 0) as listener:
        address = url("127.0.0.1", listener)
        serving = run_until_stopped(site, listener, started=up.set, stop_when_readable=stopped)
        server = asyncio.create_task(serving)
        waiting = asyncio.create_task(up.wait())
        await asyncio.wait([server, waiting], return_when=asyncio.FIRST_COMPLETED)
        if server.done():
            waiting.cancel()
            await server
        try:
            yield address
        finally:
            os.write(stop, b".")
            await server
            os.close(stop)
            os.close(stopped)


class Front:
    """The running product, and its database as the application and as its owner."""

    def __init__(self, address: str, site: Site, *, db: Database, owner: Database) -> None:
        self.address = address
        self.site = site
        self.db = db
        self.owner = owner
        self.http = httpx2.AsyncClient(
            base_url=address, timeout=60, limits=httpx2.Limits(max_connections=200)
        )
        self.workspace: UUID | None = None
        self.past: list[str] = []

    @property
    def engine(self) -> Engine:
        """Give what the handlers use."""
        parts = self.site._parts
        assert parts is not None
        return parts.engine

    @property
    def writer(self) -> Writer:
        """Give the writer, to look at or to make small."""
        return self.engine.writer

    async def shop(self, *, sandbox: bool = True, zone: str = "America/New_York") -> Shop:
        """Open a location that sells a package of ten and a membership of eight."""
        made = await locations.create(
            self.db, await self._workspace(), name="Shop", timezone=zone, sandbox=sandbox
        )
        assert isinstance(made, Location)
        shop = Shop(self, made.id, "")
        await shop.product(PACKAGE, coverage={CALENDAR: 1, "cal_2": 2})
        await shop.product(MEMBERSHIP, kind="membership", credits_=8)
        shop.token = await shop.client()
        return shop

    async def begin(self) -> None:
        """Begin a test: what sweeps still do in the locations of earlier ones is not its doing."""
        rows = await self.owner.fetch("select id from kotally.locations")
        self.past = [row["id"] for row in rows]

    async def tables(self) -> dict[str, str]:
        """Take a print of every table, to see that nothing was written."""
        tables = await self.owner.fetch(
            "select c.relname as name, case when c.relname = 'locations' then 'id'"
            "   else coalesce((select a.attname from pg_catalog.pg_attribute a"
            "     where a.attrelid = c.oid and a.attname = 'location_id'), 'tableoid') end as place"
            "  from pg_catalog.pg_class c"
            " where c.relkind = 'r' and c.relnamespace = 'kotally'::regnamespace"
            "   and c.relname not in ('api_clients', 'sweeps')"
        )
        asked = " union all ".join(
            f"select '{name}' as name, count(*) || coalesce("
            "md5(string_agg(md5(t::text), '' order by md5(t::text))), '') as print"
            f" from kotally.{name} t where t.{place}::text <> all ($1)"
            for name, place in tables  # a table of no location is looked at as a whole
        )
        rows = await self.owner.fetch(asked, self.past)  # pyright: ignore[reportArgumentType] - put together from the catalogue
        return {row["name"]: row["print"] for row in rows}

    @asynccontextmanager
    async def untouched(self) -> AsyncGenerator[None, None]:
        """Demand that the block writes nothing at all."""
        before = await self.tables()
        yield
        after = await self.tables()
        assert not {name for name in after if after[name] != before[name]}, "tables were written"

    async def _workspace(self) -> UUID:
        if self.workspace is None:
            made = await workspaces.create(
                self.db, name="Studio", owner_email="owner@example.com", password="correct horse"
            )
            assert isinstance(made, Workspace)
            self.workspace = made.id
        return self.workspace


class Shop:
    """One location, the token of a client that may do everything, and calls with it."""

    def __init__(self, front: Front, id_: str, token: str) -> None:
        self.front = front
        self.id = id_
        self.token = token

    async def product(
        self, id_: str, *, kind: Any = "package", credits_: int = 10, **terms: Any
    ) -> None:
        """Sell a product."""
        made = await products.create(
            self.front.db,
            self.id,
            type=kind,
            terms=Terms(name=id_, credits=credits_, **terms),
            product_id=id_,
        )
        assert isinstance(made, Product)

    async def issued(self, *scopes: str, **fields: Any) -> Issued:
        """Make a client with these scopes; with all when none is named."""
        made = await api_clients.create(
            self.front.db, self.id, name="Tests", scopes=[*(scopes or SCOPES)], **fields
        )
        assert isinstance(made, Issued)
        return made

    async def client(self, *scopes: str, **fields: Any) -> str:
        """Make a client and return its token."""
        return (await self.issued(*scopes, **fields)).token

    async def send(
        self,
        method: str,
        path: str,
        *,
        token: str | None = None,
        content: bytes | None = None,
        query: Body | None = None,
    ) -> httpx2.Response:
        """Send a request below /api/v2; an empty token means none at all."""
        token = self.token if token is None else token
        headers = {"authorization": f"Bearer {token}"} if token else {}
        if content is not None:
            headers["content-type"] = "application/json"
        answer = await self.front.http.request(
            method, f"/api/v2{path}", content=content, headers=headers, params=query
        )
        hold_to_document(method, f"/api/v2{path}", answer)
        return answer

    async def post(self, path: str, body: Body, *, token: str | None = None) -> httpx2.Response:
        """Post a body; its location is this one unless it says otherwise."""
        content = msgspec.json.encode({"location_id": self.id, **body})
        return await self.send("POST", path, token=token, content=content)

    async def get(self, path: str, *, token: str | None = None, **query: Any) -> httpx2.Response:
        """Read; the location is this one unless the query says otherwise."""
        query = {"location_id": self.id, **query}
        return await self.send("GET", path, token=token, query=query)

    async def do(self, path: str, **body: Any) -> Body:
        """Do something under a new request_id for the one member; return the answer."""
        mine = {"request_id": make.name("request"), "external_contact_id": MEMBER}
        answer = await self.post(path, {**mine, **body})
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def grant(self, product: str = PACKAGE, **body: Any) -> Body:
        """Report a payment."""
        paid = {"external_payment_id": make.name("payment"), "product_config_id": product}
        return await self.do("/grants", **{**paid, **body})

    async def deduct(self, **body: Any) -> Body:
        """Take credits for a place in the calendar."""
        return await self.do("/entitlements/deduct", **{"calendar_id": CALENDAR, **body})

    async def restore(self, **body: Any) -> Body:
        """Give back."""
        return await self.do("/entitlements/restore", **{"calendar_id": CALENDAR, **body})

    async def hold(self, **body: Any) -> Body:
        """Reserve."""
        return await self.do("/holds", **{"calendar_id": CALENDAR, **body})

    async def check(self, **body: Any) -> Body:
        """Ask without doing."""
        asked = {"external_contact_id": MEMBER, "calendar_id": CALENDAR, **body}
        answer = await self.post("/entitlements/check-eligibility", asked)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def available(self, member: str = MEMBER) -> int:
        """Read what the member can spend."""
        answer = await self.get(f"/contacts/{member}/credits")
        return answer.json()["credits"]["available"]

    async def count(self, table: str) -> int:
        """Count this location's rows of a table."""
        asked = f"select count(*) from kotally.{table} where location_id = $1"
        return await self.front.owner.fetchval(asked, self.id)  # pyright: ignore[reportArgumentType] - a name of ours

    async def assert_books(self) -> None:
        """Demand that the books of this location are right."""
        proof = await prove(self.front.db, self.id)
        assert proof.ok, proof.differences


@asynccontextmanager
async def opened_front(target: Target, place: Path) -> AsyncGenerator[Front, None]:
    """Serve the product on a database."""
    db, owner = Database(target), Database(target, role=None)
    settings = Settings(data=place, database_url=Secret(database_url(target)))
    site = build(settings)
    async with running(site) as address:
        front = Front(address, site, db=db, owner=owner)
        try:
            yield front
        finally:
            await front.http.aclose()
    await db.close()
    await owner.close()


@cache
def document() -> Body:
    """Build the OpenAPI document of the product."""
    return msgspec.json.decode(openapi.encoded(ROUTES))


TABLE = Table((route, route) for route in ROUTES)


@cache
def validator(template: str, method: str, status: str) -> jsonschema.Draft202012Validator:
    """Build what tells whether an answer fits the document."""
    described = document()["paths"][template][method]["responses"][status]
    if "$ref" in described:
        name = described["$ref"].rpartition("/")[2]
        described = document()["components"]["responses"][name]
    schema = described["content"]["application/json"]["schema"]
    return jsonschema.Draft202012Validator({**schema, "components": document()["components"]})


def hold_to_document(method: str, path: str, answer: httpx2.Response) -> None:
    """Demand that an answer of a known route fits the document, and has the common form."""
    match = TABLE.find(path.encode("ascii", "ignore"))
    route: Route | None = match and match.routes.get(method)
    if route is None or route.answer is None:
        return
    found = validator(route.template, method.lower(), str(answer.status_code))
    value = answer.json()
    problems = [f"{error.json_path} {error.message}" for error in found.iter_errors(value)]
    problems += [f"{time} is not UTC with milliseconds" for time in badly_written(value)]
    assert problems == [], (answer.text, problems)
    assert list(value)[:3] == ["ok", "reason_code", "correlation_id"]
    assert answer.headers["x-correlation-id"] == value["correlation_id"]


def badly_written(value: Any) -> list[str]:
    """Find the times of an answer that are not in its one form; free JSON is the caller's own."""
    if isinstance(value, str):
        return [value] if TIME.match(value) and not WELL_WRITTEN.fullmatch(value) else []
    if isinstance(value, dict):
        value = [item for name, item in value.items() if name != "metadata"]
    return (
        [time for item in value for time in badly_written(item)] if isinstance(value, list) else []
    )


def sample(route: Route, shop: Shop) -> Body:
    """Give a body that the route accepts: the document's own example, for this location."""
    described = document()["paths"][route.template][route.method.lower()]
    example = described["requestBody"]["content"]["application/json"]["example"]
    return {**example, "location_id": shop.id}


def path_of(route: Route, reference: Callable[[], str] = lambda: str(new_id())) -> str:
    """Fill the parameters of a path."""
    path = route.path
    while "{" in path:
        before, _, rest = path.partition("{")
        path = f"{before}{reference()}{rest.partition('}')[2]}"
    return path
