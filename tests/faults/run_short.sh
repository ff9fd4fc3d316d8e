#!/usr/bin/env bash
# The short form of the fault campaigns, for continuous integration. Needs what `make test` has built.
set -euo pipefail
cd "$(dirname "$0")/../.."

python tests/faults/fault_every_call.py --seconds 60
python tests/faults/campaign.py --driver-kills 8 --kills-a-job 4 --worker-jobs 2 --races 2
