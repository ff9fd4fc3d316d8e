#!/usr/bin/env bash
# Makes the data and queries of TPC-H and TPC-DS: generate.sh FOLDER [SCALE]. What is there already is kept.
#
# TPC-H's tables come from tpchgen-cli, TPC-DS's from DuckDB's own generator, queries from DuckDB's extensions; all of it in
# an environment of its own, for these extensions exist as packages for an older DuckDB than millpond's.
set -euo pipefail
folder=${1:?usage: generate.sh FOLDER [SCALE]}
scale=${2:-1}
cd "$(dirname "$0")"

environment=${MILLPOND_TPC_ENVIRONMENT:-${XDG_CACHE_HOME:-$HOME/.cache}/millpond/tpc}
python=$environment/bin/python
if ! "$python" -c 'import duckdb_extension_tpch' 2> /dev/null; then
  python3 -m venv "$environment"
  "$python" -m pip install --quiet duckdb==1.5.5 duckdb-extension-tpch==1.5.5 duckdb-extension-tpcds==1.5.5 tpchgen-cli==4.0.0
fi

[ -f "$folder/done-$scale" ] && exit 0
rm -rf "$folder"
mkdir -p "$folder/tpch" "$folder/tpcds"
"$environment/bin/tpchgen-cli" parquet -s "$scale" --output-dir="$folder/tpch"
"$python" generate.py "$folder" "$scale"
touch "$folder/done-$scale"
