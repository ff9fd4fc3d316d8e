#!/usr/bin/env bash
# The short form of the tests on stores, for continuous integration: the suite on each store, requests that fail, three kills,
# no trace of the key. Needs what `make test` has built, and Go for versitygw, which it builds into build/stores.
set -euo pipefail
cd "$(dirname "$0")/../.."

export MILLPOND_TEST_KEYS=1500
python -m pytest -q --timeout 900 tests/stores/suite.py
python -m pytest -q --timeout 900 tests/stores/faults.py tests/stores/traces.py
python tests/stores/kills.py --kills 3 --store moto
