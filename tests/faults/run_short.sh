#!/usr/bin/env bash
# The short form of the fault campaigns, for continuous integration. Needs what `make test` has built.
set -euo pipefail
cd "$(dirname "$0")/../.."

python tests/faults/fault_every_call.py --seconds 60
