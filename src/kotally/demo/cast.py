"""Who lives in the demo: an agency, two studios, what they sell, and their members."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec
from msgspec import Struct

from kotally.core.dice import Dice
from kotally.products.coverage import Coverage
from kotally.products.policies import Attendance, FreezePolicy, Penalty, Rollover, Tier
from kotally.products.products import ProductType, Terms
from kotally.products.rules import Rules

AGENCY: Final = "Calm Agency"
OWNER_EMAIL: Final = "owner@calm.example"
SHARE_OF_MEMBERSHIPS: Final = 45  # percent; the others buy packs
SHARE_OF_REGULARS: Final = 10  # percent; they book ahead, the others walk in

HOUSE_RULES: Final = Attendance(
    late_tiers=[Tier(hours_before_from=12, fee_cents=500)],
    no_show_fee_cents=1_000,
    free_allowance=1,
    penalty=Penalty(threshold=3, block_days=5),
)

FIRST_NAMES: Final = """
    Ana Ben Carla David Elif Farid Greta Hana Ivan Julia Karim Lena Marco Nora Oscar Paula Quinn
    Rosa Sami Tara Umut Vera Wanda Xenia Yann Zoe Aiko Bruno Clara Diego
""".split()  # noqa: SIM905 - names read better than quotes
LAST_NAMES: Final = """
    Almeida Baker Costa Dubois Evans Ferreira Garcia Haddad Ito Jansen Kaya Lopes Meyer Nowak
    Okafor Pereira Quist Rossi Silva Torres Ueda Vieira Weber Xu Yilmaz Zhang
""".split()  # noqa: SIM905 - names read better than quotes


class Offer(Struct, frozen=True, kw_only=True):
    """A product of a studio and its price."""

    id: str
    type: ProductType
    terms: Terms
    price_cents: int


class Studio(Struct, frozen=True, kw_only=True):
    """One location of the demo."""

    id: str
    name: str
    timezone: str
    currency: str
    members: int
    calendars: tuple[str, ...]
    offers: tuple[Offer, ...]


class Member(Struct, frozen=True, kw_only=True):
    """Somebody's name and habits: what they buy, how often they come, since when."""

    external_id: str
    name: str
    email: str
    offer: Offer
    calendars: tuple[str, ...]
    classes_a_week: int
    joins_on_day: int
    reliability: int
    books_ahead: bool


def _offers(prefix: str, everything: Coverage, small: Coverage, *, price: int) -> tuple[Offer, ...]:
    rollover = Rollover(max_per_roll=4, max_bank=6, lives_months=2)
    plan = Rules(attendance=HOUSE_RULES, freeze=FreezePolicy(max_count=3))
    eight = msgspec.structs.replace(plan, rollover=rollover)
    pack = Rules(attendance=HOUSE_RULES)
    return (
        Offer(
            id=f"{prefix}_ten",
            type="package",
            terms=Terms(
                name="Ten classes", credits=10, expiry_days=90, coverage=everything, rules=pack
            ),
            price_cents=price * 10,
        ),
        Offer(
            id=f"{prefix}_five",
            type="package",
            terms=Terms(name="Five classes", credits=5, expiry_days=45, coverage=small, rules=pack),
            price_cents=price * 5 + 500,
        ),
        Offer(
            id=f"{prefix}_eight",
            type="membership",
            terms=Terms(name="Eight a month", credits=8, coverage=everything, rules=eight),
            price_cents=price * 7,
        ),
        Offer(
            id=f"{prefix}_twelve",
            type="membership",
            terms=Terms(name="Twelve a month", credits=12, coverage=everything, rules=plan),
            price_cents=price * 9,
        ),
    )


STUDIOS: Final = (
    Studio(
        id="loc_demo_brooklyn",
        name="Calm Yoga Brooklyn",
        timezone="America/New_York",
        currency="USD",
        members=180,
        calendars=("cal_flow", "cal_yin", "cal_reformer"),
        offers=_offers(
            "pc_bk",
            {"cal_flow": 1, "cal_yin": 1, "cal_reformer": 2},
            {"cal_flow": 1, "cal_yin": 1},
            price=1_800,
        ),
    ),
    Studio(
        id="loc_demo_lisbon",
        name="Calm Yoga Lisboa",
        timezone="Europe/Lisbon",
        currency="EUR",
        members=120,
        calendars=("cal_manha", "cal_tarde"),
        offers=_offers("pc_lx", {"cal_manha": 1, "cal_tarde": 1}, {"cal_manha": 1}, price=1_200),
    ),
)


def members(studio: Studio, dice: Dice, *, days: int) -> Sequence[Member]:
    """Return the studio's members; most have joined early, some come late."""
    return [_member(studio, dice, number, days=days) for number in range(1, studio.members + 1)]


def _member(studio: Studio, dice: Dice, number: int, *, days: int) -> Member:
    first, last = dice.pick(FIRST_NAMES), dice.pick(LAST_NAMES)
    wants = "membership" if dice.chance(SHARE_OF_MEMBERSHIPS) else "package"
    offer = dice.pick([offer for offer in studio.offers if offer.type == wants])
    covered = tuple(offer.terms.coverage or studio.calendars)
    early = dice.chance(60)
    return Member(
        external_id=f"{studio.id[-2:]}_{number:03}",
        name=f"{first} {last}",
        email=f"{first}.{last}.{number}@members.example".lower(),
        offer=offer,
        calendars=covered,
        classes_a_week=dice.between(1, 3),
        joins_on_day=dice.between(0, 20) if early else dice.between(0, days - 1),
        reliability=dice.between(80, 98),
        books_ahead=dice.chance(SHARE_OF_REGULARS),
    )
