"""What somebody may want at some moment: a strategy for every act, drawn against what there is."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from tests.lifecycle import acts
from tests.lifecycle.studio import MEMBERS, PLANS, PRICE, ZONE, Do, Studio

Draw = Callable[[st.SearchStrategy[Any]], Any]
Wanted = tuple[Do, dict[str, Any]]

members = st.sampled_from(["ana", "ana", "bob", "cem"])
pairs = st.sampled_from([(one, two) for one in MEMBERS for two in MEMBERS if one != two])
amounts = st.integers(1, 4)
newest = st.sampled_from([0, 0, 0, 1, 1, 2, 3, 5])  # how far back: 0 is the newest
hours_ahead = st.sampled_from([2, 6, 13, 30, 100, 400, 900])
shares_of_price = st.sampled_from([20, 30, 50, 100])


class Wishes:
    """Draws acts for a studio; what it counts makes their names."""

    def __init__(self, studio: Studio, draw: Draw, now: datetime) -> None:
        self.studio = studio
        self.draw = draw
        self.now = now

    def place(self, kind: str) -> int:
        """Choose one of the things of a kind, mostly a new one."""
        return max(len(self.studio.ids[kind]) - 1 - self.draw(newest), 0)

    def hour(self) -> datetime:
        """Choose the start of a class."""
        start = self.now.replace(minute=0) + timedelta(hours=self.draw(hours_ahead))
        return start.replace(hour=start.hour // 6 * 6 + 5)

    def day(self, *choices: int) -> Any:
        """Choose a local date, so many days from today."""
        days = timedelta(days=self.draw(st.sampled_from(choices)))
        return (self.now + days).astimezone(ZONE).date()

    def pays(self, name: str) -> Wanted:
        product = self.draw(st.sampled_from(["ten", "ten", "eight", "eight", *PLANS]))
        said = {"member": self.draw(members), "product": product, "payment": name}
        return acts.pay, said

    def renews(self, _: str) -> Wanted:
        return acts.renew, {"membership": self.place("membership")}

    def refunds(self, name: str) -> Wanted:
        cents = PRICE * self.draw(shares_of_price) // 100
        return acts.refund, {"payment": self.place("payment"), "cents": cents, "ref": name}

    def disputes(self, _: str) -> Wanted:
        event = self.draw(st.sampled_from(["opened", "opened", "won", "lost"]))
        return acts.dispute, {"payment": self.place("payment"), "event": event}

    def adjusts(self, _: str) -> Wanted:
        amount = self.draw(st.sampled_from([-3, -1, 2, 5]))
        role = self.draw(st.sampled_from(["owner", "owner", "viewer"]))
        return acts.adjust, {"member": self.draw(members), "amount": amount, "role": role}

    def decides(self, _: str) -> Wanted:
        return acts.decide, {
            "approval": self.place("approval"),
            "approved": self.draw(st.booleans()),
        }

    def gives(self, _: str) -> Wanted:
        giver, taker = self.draw(pairs)
        return acts.give, {"giver": giver, "taker": taker, "amount": self.draw(amounts)}

    def takes_back(self, _: str) -> Wanted:
        return acts.take_back, {"transfer": self.place("transfer")}

    def shares(self, _: str) -> Wanted:
        giver, taker = self.draw(pairs)
        do = self.draw(st.sampled_from([acts.share, acts.unshare, acts.bring_guest]))
        return do, {"giver": giver, "taker": taker}

    def uses_shared(self, _: str) -> Wanted:
        said = {"member": self.draw(members), "amount": self.draw(amounts)}
        return acts.use_shared, said | {"is_hold": self.draw(st.booleans())}

    def spends(self, name: str) -> Wanted:
        """Deduct, or hold for a while or until told."""
        said: dict[str, Any] = {"member": self.draw(members), "amount": self.draw(amounts)}
        if self.draw(st.booleans()):
            said["appointment_at"] = self.hour()
        ttl = self.draw(st.sampled_from([None, None, 3_600, 80_000]))
        operation = self.draw(st.sampled_from(["deduct", "hold"]))
        if operation == "hold" and ttl:
            said["args"] = {"ttl_seconds": ttl}
        return acts.spend, said | {"operation": operation, "external_ref": name}

    def concludes(self, _: str) -> Wanted:
        operation = self.draw(st.sampled_from(["capture", "release"]))
        said: dict[str, Any] = {"operation": operation, "hold": self.place("hold")}
        if operation == "capture":
            said["amount"] = self.draw(st.one_of(st.none(), amounts))
        return acts.spend, said | {"member": self.draw(members)}

    def restores(self, _: str) -> Wanted:
        said = {"member": self.draw(members), "amount": self.draw(amounts)}
        return acts.spend, said | {"operation": "restore"}

    def books(self, name: str) -> Wanted:
        starts_at = self.hour()
        said: dict[str, Any] = {"external_ref": name, "class_ref": f"class {starts_at:%m-%d %H}"}
        said["units"] = self.draw(st.sampled_from([1, 1, 2]))
        how = self.draw(st.sampled_from(["", "", "", "waitlist", "allow_unfunded"]))
        said |= {how: True} if how else {}
        return acts.book, said | {"member": self.draw(members), "starts_at": starts_at}

    def unbooks(self, _: str) -> Wanted:
        return acts.unbook, {"booking": self.place("booking")}

    def attends(self, _: str) -> Wanted:
        units = self.draw(st.sampled_from([None, None, 1, 2]))
        return acts.attend, {"booking": self.place("booking"), "units": units}

    def misses(self, _: str) -> Wanted:
        return acts.miss, {"booking": self.place("booking"), "at_once": self.draw(st.booleans())}

    def corrects(self, _: str) -> Wanted:
        to = self.draw(st.sampled_from(["attended", "waived", "no_show", "late_cancelled"]))
        return acts.correct, {"booking": self.place("booking"), "to": to}

    def moves(self, _: str) -> Wanted:
        return acts.move, {"booking": self.place("booking"), "starts_at": self.hour()}

    def calls_off(self, _: str) -> Wanted:
        if self.draw(st.sampled_from([0, 1])) and self.studio.ids["cancelled class"]:
            return acts.call_on, {"cancelled": self.place("cancelled class")}
        return acts.call_off, {"class_ref": f"class {self.hour():%m-%d %H}"}

    def promotes(self, _: str) -> Wanted:
        return acts.promote, {"class_ref": f"class {self.hour():%m-%d %H}"}

    def settles_fee(self, _: str) -> Wanted:
        settlement = self.draw(st.sampled_from(["waived", "written_off", "paid"]))
        return acts.settle_fee, {"fee": self.place("fee"), "settlement": settlement}

    def freezes(self, _: str) -> Wanted:
        said: dict[str, Any] = {"membership": self.place("membership")}
        said |= {
            "starts_on": self.day(0, 0, 1, 5, 20),
            "days": self.draw(st.sampled_from([1, 4, 14, 40])),
        }
        mode = self.draw(st.sampled_from([None, None, "prorate", "keep"]))
        return acts.freeze, said | {"mode": mode}

    def thaws(self, _: str) -> Wanted:
        said = {"membership": self.place("membership")}
        do = self.draw(st.sampled_from([acts.resume, acts.cancel_freeze, acts.extend_freeze]))
        return do, said | ({"resumes_on": self.day(3, 10, 30)} if do is acts.extend_freeze else {})

    def changes(self, _: str) -> Wanted:
        said = {"membership": self.place("membership")}
        if self.draw(st.sampled_from([0, 0, 0, 1])):
            return acts.remove_change, said
        when = self.draw(st.sampled_from([None, None, "next_period"]))
        expected = self.draw(st.sampled_from([None, False]))
        to = self.draw(st.sampled_from(["eight", "twelve", "twelve", "open", "four"]))
        return acts.change, said | {
            "product_config_id": to,
            "when": when,
            "payment_expected": expected,
        }

    def cancels(self, _: str) -> Wanted:
        said = {"membership": self.place("membership")}
        if self.draw(st.booleans()):
            return acts.uncancel, said
        return acts.cancel, said | {
            "at": self.draw(st.sampled_from(["period_end", "period_end", "now"]))
        }

    def migrates(self, _: str) -> Wanted:
        return acts.migrate, {"product": self.draw(st.sampled_from(["eight", "four"]))}

    def extends(self, _: str) -> Wanted:
        return acts.extend, {"lot": self.place("lot"), "valid_to": self.day(5, 30, 60)}

    def closes(self, _: str) -> Wanted:
        if self.draw(st.booleans()) and self.studio.ids["closure"]:
            return acts.undo_closure, {"closure": self.place("closure")}
        days = self.draw(st.sampled_from([1, 3, 10]))
        return acts.close, {"starts_on": self.day(-5, -1, 0, 3), "days": days}

    def uses_past(self, name: str) -> Wanted:
        at = self.now - timedelta(hours=self.draw(st.sampled_from([5, 40, 300])))
        return acts.use_past, {"member": self.draw(members), "at": at, "ref": name}


# How often each is wanted, of about a hundred.
KINDS = (
    *("pays",) * 8,
    *("books",) * 10,
    *("spends",) * 5,
    *("freezes", "changes", "unbooks") * 4,
    *("thaws", "cancels", "refunds", "disputes", "attends", "misses", "moves") * 3,
    *("renews", "concludes", "corrects", "gives", "adjusts", "closes", "calls_off") * 2,
    *("restores", "takes_back", "shares", "uses_shared", "promotes", "settles_fee") * 1,
    *("decides", "migrates", "extends", "uses_past") * 1,
)
