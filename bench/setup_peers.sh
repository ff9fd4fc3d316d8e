#!/usr/bin/env bash
# Makes the environments of the programs that millpond is compared with: FOLDER/peers, FOLDER/smallpond (which needs an
# older DuckDB) and FOLDER/httpfs (the last DuckDB with that extension as a package). Spark needs Java on the PATH.
#
#   bash bench/setup_peers.sh FOLDER
set -euo pipefail
folder=${1:?which folder?}
mkdir -p "$folder"
python3 -m venv "$folder/peers"
"$folder/peers/bin/pip" install --quiet daft==0.6.14 "dask[dataframe]==2026.8.0" datafusion==55.0.0 pandas pyarrow pyspark==4.3.0
python3 -m venv "$folder/smallpond"
"$folder/smallpond/bin/pip" install --quiet smallpond==0.15.0 "duckdb<1.5" "setuptools<80"
python3 -m venv "$folder/httpfs"
"$folder/httpfs/bin/pip" install --quiet duckdb==1.5.5 duckdb-extension-httpfs==1.5.5
