"""10,000 Parquet files in folders by key: listed, and one folder of them queried.

Arguments: input (ignored), output, root. Makes the files in the output's folder if they are not there. Prints seconds:
from the folder's name to the frame, and on to the query's rows.
"""

import sys
import time
from pathlib import Path

import millpond
import pyarrow as pa
import pyarrow.parquet as pq

folder = Path(sys.argv[2]).parent / "many_files"
for number in range(10_000):
    path = folder / f"day={number % 100}" / f"hour={number % 10}" / f"{number:04}.parquet"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(pa.table({"id": range(number * 10, number * 10 + 10), "x": [0.5] * 10}), path)
with millpond.init(data_root=sys.argv[3], progress=False) as session:
    begin = time.perf_counter()
    rows = session.read_parquet(str(folder))
    listed = time.perf_counter()
    found = session.sql("SELECT count(*) AS n FROM rows WHERE day = 7 AND hour = 7", distribute="always").take_all()
    done = time.perf_counter()
    assert found == [{"n": 1000}]
    print(f"listed {listed - begin:.6f}, pruned and read {done - listed:.6f}", file=sys.stderr)
    print(f"{done - begin:.6f}")
