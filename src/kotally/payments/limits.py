"""How much a role may correct at once and in a day, before somebody else has to agree (S12.2)."""

from __future__ import annotations

from typing import Any, Final, Literal

import msgspec
from msgspec import Struct

from kotally.core.calendar import local_date
from kotally.ledger.scenes import Scene

Role = Literal["owner", "admin", "viewer", "client"]


class Limits(Struct, frozen=True, kw_only=True):
    """Credits at once and in a local day, given or taken; None is without a limit."""

    per_action: int | None = None
    per_day: int | None = None


class Exceeded(Struct, frozen=True, kw_only=True):
    """The limit that a correction is above, and what is left of it."""

    limit: Literal["per_action", "per_day"]
    allowed: int


DEFAULTS: Final[dict[Role, Limits]] = {
    "owner": Limits(),
    "admin": Limits(per_action=50, per_day=200),
    "client": Limits(per_action=100, per_day=1_000),
    "viewer": Limits(per_action=0, per_day=0),
}
SETTING: Final = "adjustment_limits"


def limits_of(settings: dict[str, Any], role: Role) -> Limits:
    """Read a role's limits from a location's settings; what they leave out is the default."""
    own: dict[str, Any] = settings.get(SETTING, {}).get(role, {})
    return msgspec.convert(msgspec.structs.asdict(DEFAULTS[role]) | own, Limits)


def decide(limits: Limits, amount: int, *, today: int) -> Exceeded | None:
    """Say which limit an amount is above, given what was corrected today."""
    size = abs(amount)
    if limits.per_action is not None and size > limits.per_action:
        return Exceeded(limit="per_action", allowed=limits.per_action)
    if limits.per_day is not None and today + size > limits.per_day:
        return Exceeded(limit="per_day", allowed=max(0, limits.per_day - today))
    return None


async def exceeded(scene: Scene, amount: int, *, role: Role) -> Exceeded | None:
    """Say which limit of the role a correction by this actor would be above."""
    settings: dict[str, Any] = await scene.tx.fetchval(
        "select l.settings from kotally.locations l where l.id = $1", scene.location_id
    )
    limits = limits_of(settings, role)
    if limits == Limits():
        return None
    # Two corrections by one person at once would each see the day without the other.
    await scene.tx.execute(
        "select pg_advisory_xact_lock(hashtextextended($1, 0))",
        f"{SETTING} {scene.location_id} {scene.key.actor}",
    )
    today: int = await scene.tx.fetchval(
        """
        select coalesce(sum(abs(a.amount)), 0)::bigint from kotally.adjustments a
         where a.location_id = $1 and a.made_by = $2 and a.made_on = $3
           and a.approval_id is null
        """,
        scene.location_id,
        scene.key.actor,
        local_date(scene.now, scene.zone),
    )
    return decide(limits, amount, today=today)
