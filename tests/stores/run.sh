#!/usr/bin/env bash
# The tests on stores: the suite on each of them, requests that fail, three kills, no trace of the key. Needs what `make test` has
# built, and Go, Node.js, Java and Maven for the servers, which it installs into build/stores. `make test` has the part on moto.
set -euo pipefail
cd "$(dirname "$0")/../.."

export MILLPOND_TEST_KEYS=1500
# Requests that stall mostly wait: the other tests run meanwhile.
log=$(mktemp)
trap 'rm -f "$log"' EXIT
python -m pytest -q --timeout 900 tests/stores/faults.py > "$log" 2>&1 &
faults=$!
failed=0
python -m pytest -q --timeout 900 tests/stores/suite.py || failed=1
python -m pytest -q --timeout 900 tests/stores/traces.py || failed=1
python tests/stores/kills.py --kills 3 --store moto || failed=1
wait "$faults" || failed=1
cat "$log"
exit "$failed"
