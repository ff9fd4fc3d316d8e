#!/usr/bin/env bash
# The short form of the memory test, for continuous integration. Needs what `make test` has built. The long form:
#   python tests/memory/bounded_memory.py --megabytes 5600 --memory-limit 1GB
set -euo pipefail
cd "$(dirname "$0")/../.."

python tests/memory/bounded_memory.py --megabytes 300 --memory-limit 100MB
