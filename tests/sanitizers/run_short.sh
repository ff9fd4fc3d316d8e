#!/usr/bin/env bash
# The C++ tests under the sanitizers: all of them with address, leak and undefined behaviour; those of storage, exchange,
# schedule, runner and job, which runs on a fake engine there, with the thread sanitizer. Builds in build/asan and build/tsan.
set -euo pipefail
cd "$(dirname "$0")/../.."

build() {
  cmake --preset "$1" > /dev/null
  cmake --build --preset "$1" -- --quiet
}

log=$(mktemp)
trap 'wait; rm -f "$log"' EXIT
build asan
# The first tests are mostly one thread's work: the other core builds for the second meanwhile.
ctest --preset asan --parallel "$(nproc)" > "$log" 2>&1 &
tests=$!
build tsan
ended=0
wait "$tests" || ended=1
echo "-- asan"
cat "$log"
echo "-- tsan"
ctest --preset tsan --parallel "$(nproc)" || ended=1
exit "$ended"
