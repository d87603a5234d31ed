#!/usr/bin/env bash
# Make .venv from a plain python3 and install one lock file and the project into it.
# usage: tools/setup.sh requirements.txt|requirements-dev.txt
set -euo pipefail
cd "$(dirname "$0")/.."
lock="${1:?usage: tools/setup.sh LOCK_FILE}"

fail() {
  printf 'make setup: %s\n' "$1" >&2
  exit 1
}

new_enough='import sys; sys.exit(sys.version_info < (3, 11))'

# PYTHON wins; else the first of the usual names that is new enough.
choose_python() {
  local name
  for name in ${PYTHON:-python3 python3.14 python3.13 python3.12 python3.11}; do
    if command -v "$name" >/dev/null && "$name" -c "$new_enough" 2>/dev/null; then
      printf '%s' "$name"
      return
    fi
  done
  fail 'Python 3.11 or newer is needed. Install it, or name it: make setup PYTHON=/path/to/python3'
}

# A venv whose interpreter is gone (an upgraded system, a moved folder) is made again.
if ! .venv/bin/python -c "$new_enough" 2>/dev/null; then
  python="$(choose_python)"
  "$python" -c 'import ensurepip, venv' 2>/dev/null ||
    fail "$python has no venv module. On Debian and Ubuntu: apt-get install python3-venv"
  "$python" -m venv --clear .venv
fi

.venv/bin/python -m pip install --quiet --disable-pip-version-check \
  --require-hashes --requirement requirements-bootstrap.txt

# uv does not read pip's settings; where only pip knows the way to a package index, pip installs.
install() {
  .venv/bin/uv pip install --quiet --python .venv/bin/python "$@" ||
    .venv/bin/python -m pip install --quiet --disable-pip-version-check "$@"
}
install --require-hashes --requirement "$lock"
install --no-deps --no-build-isolation --editable .
