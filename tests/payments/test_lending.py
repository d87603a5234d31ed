"""S1.7: what is lent, named and brought is decided once for check, preview and commit."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Any
from uuid import UUID

import pytest

from kotally.bookings import lending
from kotally.bookings.lending import For
from kotally.bookings.meeting import Somebody
from tests import make
from tests.payments.sharers import lots_of, shares, uses
from tests.payments.till import Said, Till


@dataclass
class _Lot:
    """What the model knows of a lot; they expire in the order in which they were bought."""

    id: str
    left: int
    shared: bool
    for_guests: bool


async def _bought(till: Till, dice: Random) -> list[_Lot]:
    """Buy products of all sorts; one pack that is shared is shared alone, or all are."""
    flags = [(dice.random() < 0.6, dice.random() < 0.5) for _ in range(dice.randint(1, 6))]
    only: list[UUID] = []
    for place, (shareable, guests) in enumerate(flags):
        name, sharing = f"pc_{place}", {"shareable": shareable, "guests": guests}
        await till.sells(name, dice.randint(1, 4), expiry_days=10 + place, sharing=sharing)
        bought = await till.buys(name)
        if shareable:
            only.append(UUID(bought["entitlement_id"]))
    alone = dice.choice(only) if only and dice.random() < 0.5 else None
    assert (await shares(till, "leo", name="Leo", entitlement_id=alone)).code == "shared"
    rows = await till.db.fetch(
        "select l.id, l.available, l.entitlement_id from kotally.lots l where l.location_id = $1"
        " order by l.expires_at",
        till.location,
    )
    return [
        _Lot(
            str(row["id"]),
            row["available"],
            shareable and alone in {None, row["entitlement_id"]},
            guests,
        )
        for row, (shareable, guests) in zip(rows, flags, strict=True)
    ]


def _expected(lots: list[_Lot], amount: int) -> list[tuple[str, int]] | None:
    """Say what each lot pays, in order; None when they hold too little."""
    slices: list[tuple[str, int]] = []
    for lot in lots:
        part = min(lot.left, amount)
        if part:
            slices.append((lot.id, part))
            amount -= part
    return None if amount else slices


def _slices(said: Said, name: str) -> list[tuple[str, int]]:
    return [(each["lot_id"], each["amount"]) for each in said[name]]


async def _checked(till: Till, amount: int, whose: For) -> Said:
    act = make.deduct(amount, till.contact, request_id=None, product_config_id=None)
    asked = act._replace(operation="check", args=whose.args())
    row = await till.db.fetchrow(
        "select * from kotally.check($1, $2::kotally.act[])", till.location, [asked]
    )
    assert row is not None
    return Said(row["code"], replayed=False, answer=make.decoded(row["answer"]))


@pytest.mark.parametrize("seed", range(8))
async def test_check_preview_and_commit_agree_with_the_model(till: Till, seed: int) -> None:
    dice = Random(seed)
    lots = await _bought(till, dice)
    leo, gus = await till.of("leo").contact_id(), await till.of("gus").contact_id()
    for _ in range(12):
        amount = dice.randint(1, 3)
        who = dice.choice(["ana", "leo", "gus"])
        open_ = [lot for lot in lots if lot.left]
        named = dice.sample(open_, dice.randint(0, len(open_))) if dice.random() < 0.5 else []
        usable = [lot for lot in named or lots if _may(lot, who)]
        fields: dict[str, Any] = {"lots": [UUID(lot.id) for lot in named]}
        whose = For(lots=fields["lots"])
        if named:
            fields["lots_reason"] = "Asked for."
        if who == "leo":
            fields |= {"beneficiary": "leo"}
            whose = For(beneficiary_id=leo, lots=fields["lots"])
        elif who == "gus":
            if not any(lot.for_guests for lot in lots):
                continue
            fields |= {"guest": Somebody(reference="gus")}
            whose = For(beneficiary_id=gus, is_guest=True, lots=fields["lots"])
        expected = _expected(usable, amount)
        checked = await _checked(till, amount, whose)
        shown = await uses(till, "ana", amount=amount, preview=True, **fields)
        done = await uses(till, "ana", amount=amount, **fields)
        assert (shown.code, shown.answer.get("balance_after")) == (
            done.code,
            done.answer.get("balance_after"),
        )
        if expected is None:
            assert checked.code == done.code, (seed, who, named)
            assert done.code in lending.SHORT
            continue
        assert _slices(checked, "funding") == _slices(shown, "slices") == expected
        assert _slices(done, "slices") == expected
        assert checked["balance_after"] == done["balance_after"]
        for lot_id, part in expected:
            next(lot for lot in lots if lot.id == lot_id).left -= part
    assert sum(lot.left for lot in lots) == (await till.balance())[0]
    assert len(await lots_of(till)) == len(lots)


def _may(lot: _Lot, who: str) -> bool:
    return {"ana": True, "leo": lot.shared, "gus": lot.for_guests}[who]
