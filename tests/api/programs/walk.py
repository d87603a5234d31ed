"""A day at the studio by Python's own urllib. Arguments: the address, the location, the token."""

from __future__ import annotations

import json
import sys
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import Request, urlopen

API, LOCATION, TOKEN = sys.argv[1:]


def call(path: str, *, body: bytes | None = None, token: str = TOKEN) -> None:
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    try:
        with urlopen(Request(API + path, body, headers)) as answer:  # noqa: S310 - the test's own server
            text = answer.read()
    except HTTPError as refused:
        text = refused.read()
    sys.stdout.write(text.decode() + "\n")


def post(path: str, **body: Any) -> None:
    call(path, body=json.dumps({"location_id": LOCATION, **body}).encode())


def read(path: str, token: str = TOKEN) -> None:
    call(f"{path}?{urlencode({'location_id': LOCATION})}", token=token)


who = {"external_contact_id": "m1", "product_config_id": "pc_package_1"}
booking = {"external_ref": "appt_1", "appointment_time": "2099-01-01T10:00:00+00:00"}
post("/grants", request_id="g1", external_payment_id="pay_1", **who)
post("/entitlements/check-eligibility", **who)
post("/entitlements/deduct", request_id="d1", **who, **booking)
post("/entitlements/deduct", request_id="d1", **who, **booking)
post("/entitlements/restore", request_id="r1", **who, **booking)
post(
    "/entitlements/deduct",
    request_id="d2",
    ghl_contact_id="nobody",
    product_config_id="pc_package_1",
)
read("/contacts/m1/summary")
read("/contacts/m1/ledger")
read("/contacts/nobody")
post("/grants", request_id="g2")
read("/contacts/m1", token="none")
