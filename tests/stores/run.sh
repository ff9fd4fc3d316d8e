#!/usr/bin/env bash
# The tests on stores, whole: the suite on each of them with 10,000 keys, requests that fail before moto and before versitygw,
# kills, no trace of the key. Needs what `make test` has built, and Go, Node.js, Java and Maven for the servers, which it
# installs into build/stores. `make test` has the part on moto, run_short.sh a part that takes minutes.
#
# An object of more than 5 GiB (needs 20 GB of disk): MILLPOND_TEST_LARGE=5400000000 python -m pytest tests/stores/suite.py
# -k "large and versitygw" -s
set -euo pipefail
cd "$(dirname "$0")/../.."

# Requests that stall mostly wait: the other tests run meanwhile.
log=$(mktemp)
trap 'rm -f "$log"' EXIT
for server in moto versitygw; do
  MILLPOND_TEST_STORE=$server python -m pytest -q --timeout 900 tests/stores/faults.py || exit 1
done > "$log" 2>&1 &
faults=$!
failed=0
python -m pytest -q --timeout 1800 tests/stores/suite.py || failed=1
python -m pytest -q --timeout 600 tests/stores/rights.py || failed=1
python -m pytest -q --timeout 1800 tests/stores/tables.py || failed=1
python -m pytest -q --timeout 900 tests/stores/traces.py tests/stores/untagged.py || failed=1
for format in delta iceberg; do
  python tests/stores/table_kills.py --kills 30 --format "$format" --store versitygw || failed=1
done
python tests/stores/kills.py --kills 30 --store versitygw || failed=1
for server in moto hdfs webhdfs azurite gcs; do
  python tests/stores/kills.py --kills 10 --store "$server" || failed=1
done
wait "$faults" || failed=1
cat "$log"
exit "$failed"
