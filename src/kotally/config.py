"""What an operator can set: read once from the environment, checked as a whole, passed down."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final, Literal, TypeVar, cast
from urllib.parse import urlsplit

from msgspec import Struct

T = TypeVar("T")
D = TypeVar("D")

LogLevel = Literal["debug", "info", "warning", "error"]
LogFormat = Literal["auto", "console", "json"]

LOG_LEVELS: Final = ("debug", "info", "warning", "error")
LOG_FORMATS: Final = ("auto", "console", "json")
PORT_MAX: Final = 65_535
PROCESSES_MAX: Final = 64
POOL_SIZE_MIN: Final = 4  # a worker at its sweeps takes three
POOL_SIZE_MAX: Final = 200
DATA_DEFAULT: Final = ".kotally"


class ConfigError(Exception):
    """The environment cannot be used; `faults` names everything that is wrong with it."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("\n".join(faults))
        self.faults: list[str] = faults


class Secret(Struct, frozen=True):
    """A text that does not show itself in logs, reprs and tracebacks."""

    _text: str

    def reveal(self) -> str:
        """Return the text; for the one place that uses it."""
        return self._text

    def __repr__(self) -> str:
        """Hide the text."""
        return "Secret('***')"

    __str__ = __repr__


class Settings(Struct, frozen=True, kw_only=True):
    """Everything an operator can choose. Override single fields by `msgspec.structs.replace`."""

    data: Path
    database_url: Secret | None = None
    pg_bin: Path | None = None
    pool_size: int = 8
    host: str = "127.0.0.1"
    port: int = 8000
    processes: int = 1
    log_level: LogLevel = "info"
    log_format: LogFormat = "auto"

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None) -> Settings:
        """Read the `KOTALLY_*` variables, or raise one ConfigError that names every fault."""
        read = _Reader(os.environ if environ is None else environ)
        settings = cls(
            data=read.value("KOTALLY_DATA", _path, Path(DATA_DEFAULT).absolute()),
            database_url=read.value("KOTALLY_DATABASE_URL", _database_url, None),
            pg_bin=read.value("KOTALLY_PG_BIN", _pg_bin, None),
            pool_size=read.value("KOTALLY_POOL_SIZE", _between(POOL_SIZE_MIN, POOL_SIZE_MAX), 8),
            host=read.value("KOTALLY_HOST", str, "127.0.0.1"),
            port=read.value("KOTALLY_PORT", _between(0, PORT_MAX), 8000),
            processes=read.value("KOTALLY_PROCESSES", _between(1, PROCESSES_MAX), 1),
            log_level=cast(
                "LogLevel", read.value("KOTALLY_LOG_LEVEL", _one_of(LOG_LEVELS), "info")
            ),
            log_format=cast(
                "LogFormat", read.value("KOTALLY_LOG_FORMAT", _one_of(LOG_FORMATS), "auto")
            ),
        )
        if read.faults:
            raise ConfigError(read.faults)
        return settings


class _Reader:
    """Reads one variable at a time and collects what is wrong."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ: Mapping[str, str] = environ
        self.faults: list[str] = []

    def value(self, name: str, parse: Callable[[str], T], default: D) -> T | D:
        """Return the parsed variable, or the default when it is unset, empty or wrong."""
        text = self._environ.get(name, "").strip()
        if not text:
            return default
        try:
            return parse(text)
        except ValueError as fault:
            self.faults.append(f"{name}: {fault}")
            return default


def _path(text: str) -> Path:
    path = Path(text).expanduser().absolute()
    if path.exists() and not path.is_dir():
        message = f"{path} is a file; name a directory"
        raise ValueError(message)
    return path


def _pg_bin(text: str) -> Path:
    path = Path(text).expanduser().absolute()
    if not (path / "postgres").exists():
        message = f"{path} holds no program named postgres; name PostgreSQL's bin directory"
        raise ValueError(message)
    return path


def _database_url(text: str) -> Secret:
    # The text may hold a password: no message repeats it.
    if urlsplit(text).scheme not in ("postgresql", "postgres"):
        message = "must look like postgresql://user:password@host:5432/database"
        raise ValueError(message)
    return Secret(text)


def _between(low: int, high: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        if not text.isdecimal() or not low <= int(text) <= high:
            message = f"must be a whole number from {low} to {high}, not {text!r}"
            raise ValueError(message)
        return int(text)

    return parse


def _one_of(choices: tuple[str, ...]) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if text.lower() not in choices:
            message = f"must be one of {', '.join(choices)}, not {text!r}"
            raise ValueError(message)
        return text.lower()

    return parse
