"""The story of a family: one pays, the others come."""

from __future__ import annotations

from typing import Any

from kotally.core.ids import new_id
from kotally.ledger.acts import Key, Outcome, digest
from kotally.payments import sharing
from kotally.payments.using import Use
from tests import make
from tests.stories.cast import Studio


async def test_a_family_shares_a_pack(studio: Studio) -> None:
    """
    Mia pays for ten; her son Leo comes with them until she thinks better of it (S12.4).

    What Leo used stays used, and his own credits are spent before hers.
    """
    await studio.sells("family", 10, sharing={"shareable": True})
    await studio.sells("five", 5)
    mia, leo = studio.member("mia"), studio.member("leo")
    await mia.buys("family")
    await leo.buys("five")
    await leo.uses("cal_yoga", 4)
    await _desk(studio, "share", sharing.share, "mia", user="leo", says="shared")

    await _comes(studio, "leo", says="used")
    await leo.has()
    await mia.has(available=10)
    await _comes(studio, "leo", says="used")
    await mia.has(available=9)

    await _desk(studio, "unshare", sharing.unshare, "mia", user="leo", says="unshared")
    await _comes(studio, "leo", says="INSUFFICIENT_CREDITS")
    await mia.has(available=9)


async def _comes(studio: Studio, name: str, *, says: str) -> None:
    use = Use(
        beneficiary=name, booked_by="mia", calendar_id="cal_yoga", external_ref=make.name("visit")
    )
    await _desk(studio, "use", sharing.use, use, says=says)


async def _desk(
    studio: Studio, operation: str, act: Any, *what: Any, says: str, **how: Any
) -> None:
    """Do what staff does at the desk."""
    name = make.name("request")
    key = Key(name, *digest(operation, name), new_id(), "api", "staff:front")
    done: Outcome = await act(studio.shop.front.db, studio.shop.id, *what, key=key, **how)
    assert done.code == says, done
