#!/usr/bin/env bash
# The short form of the tests on stores, for continuous integration: the suite on a disk, on moto and on Azurite, with 300 keys
# for its patterns; on versitygw and fake-gcs-server where they were installed before (tests/stores/run.sh, or Go's own
# time to build them: four minutes); tables on moto; every request failing, and two kills. Needs what `make test` has built,
# and npm.
set -euo pipefail
cd "$(dirname "$0")/../.."

export MILLPOND_TEST_KEYS=300 MILLPOND_TEST_LARGE=20000000
stores="local or moto"
if command -v npm >/dev/null; then
  stores+=" or azurite"
else
  echo "azurite is NOT TESTED: npm is missing on this machine" >&2
fi
for server in versitygw:versitygw gcs:fake-gcs-server; do
  if [[ -x build/stores/bin/${server#*:} ]]; then
    stores+=" or ${server%%:*}"
  else
    echo "${server%%:*} is NOT TESTED: build/stores/bin/${server#*:} is not there (tests/stores/run.sh installs it)" >&2
  fi
done

log=$(mktemp)
trap 'rm -f "$log"' EXIT
count() { { grep -oE "[0-9]+ $1" "$log" || true; } | awk '{ n += $1 } END { print n + 0 }'; }
ended=0
python -m pytest -q --timeout 600 tests/stores/suite.py -k "$stores" 2>&1 | tee -a "$log" || ended=1
python -m pytest -q --timeout 600 tests/stores/rights.py -k "disk or ${stores#local or }" 2>&1 | tee -a "$log" || ended=1
python -m pytest -q --timeout 600 tests/stores/tables.py -k moto 2>&1 | tee -a "$log" || ended=1
python -m pytest -q --timeout 600 tests/stores/faults.py -k "every_request or first_error or goes_away" 2>&1 | tee -a "$log" || ended=1
passed=$(count passed)
failed=$(($(count failed) + $(count error)))
if python tests/stores/kills.py --kills 2 --store moto; then passed=$((passed + 1)); else failed=$((failed + 1)); fi
echo "stores: $passed passed, $failed failed"
[[ $ended == 0 && $failed == 0 && $passed -gt 40 ]]
