#!/usr/bin/env bash
# Resolve pyproject.toml into the three lock files: every version and hash, no registry address.
# Releases younger than a week stay out, so that a bad one is withdrawn before it reaches us.
set -euo pipefail
cd "$(dirname "$0")/.."
week_ago="$(.venv/bin/python -c 'import datetime as d; print(d.date.today() - d.timedelta(7))')"

compile() {
  .venv/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
    --no-emit-index-url --no-header --exclude-newer "${EXCLUDE_NEWER:-$week_ago}" "$@"
}
compile pyproject.toml --group build --output-file requirements.txt
compile pyproject.toml --group dev --output-file requirements-dev.txt
compile --group bootstrap --output-file requirements-bootstrap.txt
