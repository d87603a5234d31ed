"""Run the command line as `python -m kotally`."""

from __future__ import annotations

import sys

from kotally.cli import main

if __name__ == "__main__":
    sys.exit(main())
