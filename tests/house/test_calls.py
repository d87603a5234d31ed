"""What has one home is done nowhere else; each rule is also seen to fail."""

from __future__ import annotations

import pytest

from tests.house import calls
from tests.house.source import judged, modules, sample


def test_everything_is_done_in_its_home() -> None:
    files = modules("src/")

    assert judged("home", files, calls.homeless(files)) == []


def test_libraries_stay_behind_their_fence() -> None:
    files = modules("src/")

    assert judged("fence", files, calls.fenced(files)) == []


@pytest.mark.parametrize(
    "text",
    [
        "import datetime\ndatetime.datetime.now(datetime.UTC)",
        "from datetime import datetime as dt\ndt.now()",
        "import datetime as d\nd.date.today()",
        "from time import time\ntime()",
        "from uuid import uuid4",
        "import uuid\nmake = uuid.uuid4",
        "import random\nrandom.random()",
        "import secrets as s\ns.token_hex()",
        "import os\nos.environ['A']",
        "from os import environ",
        "import os\nos.getenv('A')",
        "print('here')",
        "show = print",
        "import sys\nsys.stdout.write('')",
        "import json\njson.dumps({})",
        "from json import dumps",
        "transaction.commit()",
        "await_ = tx.rollback()",
    ],
)
def test_an_act_outside_its_home_is_caught(text: str) -> None:
    assert list(calls.homeless(sample(text)))


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("core/clock.py", "from datetime import datetime\ndatetime.now()"),
        ("core/ids.py", "import secrets\nsecrets.token_bytes(8)"),
        ("config.py", "import os\nos.environ.get('A')"),
        ("cli/screen.py", "print('here')"),
        ("db/database.py", "transaction.commit()"),
        ("ledger/lots.py", "from datetime import datetime\ndatetime.fromisoformat('')"),
        ("ledger/lots.py", "clock.now()\nlocation.time()\nimport time\ntime.monotonic()"),
        ("ledger/lots.py", "import json\njson.loads('')"),
        ("ledger/lots.py", "import os\nos.path.join('a')"),
    ],
)
def test_an_act_at_home_is_let_through(path: str, text: str) -> None:
    assert list(calls.homeless(sample(text, f"src/kotally/{path}"))) == []


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("ledger/lots.py", "import asyncpg"),
        ("ledger/lots.py", "from asyncpg.exceptions import PostgresError"),
        ("products/rules.py", "def f():\n    from starlette.requests import Request"),
        ("payments/refunds.py", "import stripe"),
    ],
)
def test_a_library_outside_its_fence_is_caught(path: str, text: str) -> None:
    assert list(calls.fenced(sample(text, f"src/kotally/{path}")))


@pytest.mark.parametrize(
    ("path", "text"), [("db/pool.py", "import asyncpg"), ("app.py", "import starlette.routing")]
)
def test_a_library_behind_its_fence_is_let_through(path: str, text: str) -> None:
    assert list(calls.fenced(sample(text, f"src/kotally/{path}"))) == []
