"""Know the time zones of the world by their IANA names."""

from __future__ import annotations

from difflib import get_close_matches
from functools import cache
from typing import Final
from zoneinfo import ZoneInfo, available_timezones

from kotally.workspaces.refusals import Refused, invalid

# Names that mean no place: the machine's own zone, and a notice in the data.
_NO_PLACES: Final = frozenset({"localtime", "posixrules", "Factory"})


def zone_fault(name: str) -> Refused | None:
    """Refuse what is no zone of the IANA database, with the name that was probably meant."""
    if name in _names():
        return None
    nearest = suggestion(name)
    hint = f"did you mean {nearest}?" if nearest else "use a name such as America/New_York."
    return invalid(f"There is no time zone {name!r}; {hint}")


def zone(name: str) -> ZoneInfo:
    """Return a zone that was checked when its location was made."""
    return ZoneInfo(name)


def suggestion(name: str) -> str | None:
    """Return the name most like this one, by the whole of it or by its city."""
    wanted = name.strip().replace(" ", "_").casefold()
    whole = {known.casefold(): known for known in sorted(_names())}
    cities = {known.rpartition("/")[2].casefold(): known for known in sorted(_names())}
    for known in (whole, cities):
        if wanted in known:
            return known[wanted]
    city = wanted.rpartition("/")[2]
    for known, text in ((whole, wanted), (cities, city)):
        if near := get_close_matches(text, known, n=1):
            return known[near[0]]
    return None


@cache
def _names() -> frozenset[str]:
    return frozenset(available_timezones()) - _NO_PLACES
