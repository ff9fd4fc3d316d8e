#!/usr/bin/env bash
# The short form of the cluster tests, for continuous integration: three hosts, some of TPC-H at scale 0.01, a host that
# dies; one of each kind killed in the middle of a job; a full disk and a store that is too small. Needs what `make test`
# has built, root, and iproute2, which it installs where it can.
set -euo pipefail
cd "$(dirname "$0")/../.."

if ! command -v ip >/dev/null; then
  apt-get install --yes --quiet iproute2 >/dev/null || { echo "tests/cluster needs iproute2: install it" >&2; exit 1; }
fi
data=$(mktemp -d)
trap 'rm -rf "$data"' EXIT
tests/tpc/generate.sh "$data/tpc" 0.01
python tests/cluster/run.py --tpch "$data/tpc" --only tpch:1 tpch:3 tpch:9 tpch:13 tpch:18
python tests/cluster/chaos.py --runs 4
python tests/cluster/trouble.py disk store
