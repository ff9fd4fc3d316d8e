#!/usr/bin/env bash
# The Python tests that `make test` leaves out for their time, some six minutes: all runners with all numbers of partitions,
# Ray nodes that come and go, random pipelines and queries, kills. Needs what `make test` has built.
set -euo pipefail
cd "$(dirname "$0")/../.."

python -m pytest -m long
