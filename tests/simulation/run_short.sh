#!/usr/bin/env bash
# A cluster of 50 nodes with 192 cores each, in virtual time, under the scheduler: 8,192 by 8,192 tasks, for continuous
# integration. Needs what `make test` has built.
set -euo pipefail
cd "$(dirname "$0")/../.."

# What tasks made lies with its node and goes with it; or on storage that all nodes share.
build/release/tests/cluster_simulation --seeds 20
build/release/tests/cluster_simulation --seeds 20 --shared-exchange 1
# A process for each task, and tasks of one core, of which all run at once.
build/release/tests/cluster_simulation --seeds 5 --workers-per-node 12
build/release/tests/cluster_simulation --seeds 3 --threads 1 --workers-per-node 192
