#!/usr/bin/env bash
# The C++ tests under the sanitizers: all of them with address, leak and undefined behaviour; those of storage, exchange,
# schedule, runner and job, which runs on a fake engine there, with the thread sanitizer. Builds in build/asan and build/tsan.
set -euo pipefail
cd "$(dirname "$0")/../.."

for preset in asan tsan; do
  echo "-- $preset"
  cmake --preset "$preset" > /dev/null
  cmake --build --preset "$preset" -- --quiet
  ctest --preset "$preset" --parallel "$(nproc)"
done
