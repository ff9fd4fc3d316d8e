#!/usr/bin/env bash
# The short form of the TPC comparison, for continuous integration: scale 0.1. Needs what `make test` has built.
set -euo pipefail
cd "$(dirname "$0")/../.."

data=$(mktemp -d)
trap 'rm -rf "$data"' EXIT
tests/tpc/generate.sh "$data/tpc" 0.1
python tests/tpc/run.py "$data/tpc" --partitions 1 3 16
python tests/tpc/run.py "$data/tpc" --partitions 3 --runners processes
python tests/tpc/gathers.py "$data/tpc"
python tests/tpc/scripts.py "$data/tpc"
build/release/tests/join_orders "$data/tpc" tpch 0
build/release/tests/join_orders "$data/tpc" tpcds 0
