"""Describe routes as data, and find the one a request means."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any, Literal

from msgspec import Struct

from kotally.api.call import Answer, Call, Refusal, Reply, Request

PREFIX = "/api/v2"
ANY_SCOPE = "any"  # a token is asked for; the handler looks at its scopes itself

Handler = Callable[[Call[Any]], Awaitable[Reply]]
Bound = Any  # what the door keeps for a route
Method = Literal["GET", "POST"]


class Route(Struct, frozen=True, kw_only=True):
    """
    Declare one endpoint; the door and the OpenAPI document both read this.

    `path` is below the prefix, with `{name}` for a parameter. `scope` None means: no token asked.
    `request` is the body of a POST and the query of a GET. `codes` are the reason codes the
    handler itself may answer, the success first; what the door answers is added by itself.
    """

    method: Method
    path: str
    scope: str | None
    request: type[Request]
    handler: Handler
    answer: type[Answer] | None
    codes: tuple[str, ...]
    refusal: type[Refusal] = Refusal
    summary: str
    description: str
    tag: str = "Other"
    example: Mapping[str, Any] | None = None

    @property
    def template(self) -> str:
        """Be the full path as it is published."""
        return PREFIX + self.path

    @property
    def operation_id(self) -> str:
        """Be the name of the operation in the OpenAPI document."""
        words = self.path.replace("{", "by_").replace("}", "").replace("-", "_").split("/")
        return "_".join([self.method.lower(), *filter(None, words)])


class Match(Struct, frozen=True):
    """Say which methods a path knows, and the raw values of its parameters."""

    routes: Mapping[str, Bound]
    values: tuple[bytes, ...] = ()
    names: tuple[str, ...] = ()


class _Node:
    """Be one segment of the tree of paths that have parameters."""

    __slots__ = ("branches", "match")

    def __init__(self) -> None:
        # The branch None is the one a parameter takes.
        self.branches: dict[bytes | None, _Node] = {}
        self.match: Match | None = None


class Table:
    """Find routes: fixed paths by one look-up, the others segment by segment."""

    def __init__(self, entries: Iterable[tuple[Route, Bound]]) -> None:
        """Take each route with whatever the door wants back for it."""
        self._fixed: dict[bytes, Match] = {}
        self._root = _Node()
        for route, bound in entries:
            self._add(route, bound)

    def find(self, raw_path: bytes) -> Match | None:
        """Find the path as it was sent, not yet percent-decoded; None means unknown."""
        match = self._fixed.get(raw_path)
        return match if match is not None else self._walk(raw_path)

    def _walk(self, raw_path: bytes) -> Match | None:
        node, values = self._root, list[bytes]()
        for segment in raw_path.split(b"/"):
            branch = node.branches.get(segment)
            if branch is None:
                branch = node.branches.get(None)
                if branch is None or not segment:
                    return None
                values.append(segment)
            node = branch
        if node.match is None:
            return None
        return Match(node.match.routes, tuple(values), node.match.names)

    def _add(self, route: Route, bound: Bound) -> None:
        raw, names = route.template.encode(), _parameters(route.path)
        if not names:
            known = self._fixed.get(raw) or Match({})
            self._fixed[raw] = Match({**known.routes, route.method: bound})
            return
        node = self._root
        for segment in raw.split(b"/"):
            key = None if segment.startswith(b"{") else segment
            node = node.branches.setdefault(key, _Node())
        routes = {**(node.match.routes if node.match else {}), route.method: bound}
        node.match = Match(routes, (), names)


def _parameters(path: str) -> tuple[str, ...]:
    return tuple(part[1:-1] for part in path.split("/") if part.startswith("{"))
